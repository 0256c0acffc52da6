import { defined } from '../../common/defined.js';
import { type Setting, UserError } from '../../common/errors.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { NetworkFamily } from '../../models/index.js';
import type { ParameterSpec } from '../../nn/index.js';
import type { FloatArray } from '../../safetensors/index.js';
import { copyRows, requireFinite } from '../../safetensors/index.js';
import { loadParameters } from '../checkpoints/index.js';
import { type HeadRows, headRows, type WhyNot } from './init-head.js';

/** A file with weights to begin with: of one part, or of the network. */
export interface InitSource {
  /** `network`, or one of the network's `parts` by name. */
  readonly part: string;
  readonly path: string;
  /** What the outputs of a file of the network mean that does not say it; `data`: what they mean in the data. */
  readonly labels?: LabelSet | 'data';
}

export interface LeftTensor extends WhyNot {
  /** In the file. */
  readonly name: string;
}

/** What became of a file's weights. */
export interface InitReport extends InitSource {
  /** Names in the network of tensors that were taken. */
  readonly taken: readonly string[];
  /** Tensors of the file that were not taken. */
  readonly left: readonly LeftTensor[];
  /** Tensors of the network (or of the part) that the file did not give a value. */
  readonly fresh: readonly string[];
  /** A sentence where the head begins anew, its rows were put in another order, or the file has none that labels were named for. */
  readonly note?: string;
  /** What the note advises about. Default: nothing. */
  readonly settings?: readonly Setting[];
}

/**
 * Replaces values by those of a checkpoint where name and shape are the same. The rows of the head follow the labels'
 * names; a head for other classes, or for classes that nobody names, stays as it was.
 * @param values of the network's tensors, in place
 * @param labels of the data
 * @throws UserError when nothing fits, or less than half of a named part; when values that fit are not finite numbers; when
 * `source.labels` are not those of the file.
 */
export async function initialParameters(
  source: InitSource,
  family: NetworkFamily,
  specs: ReadonlyMap<string, ParameterSpec>,
  values: Map<string, Float32Array>,
  labels: LabelSet,
): Promise<InitReport> {
  const prefix = prefixOf(source, family);
  const { parameters, description } = await loadParameters(source.path);
  const isHead = (name: string): boolean => name === family.head.weight || name === family.head.bias;
  const named = namesInNetwork(family, prefix, parameters);
  const head = new Map(
    [...parameters].flatMap(([name, array]) => {
      const target = named.get(name);
      return target !== undefined && isHead(target) && specs.has(target) ? [[target, array] as const] : [];
    }),
  );
  const rows = headRows({ path: source.path, tensors: head, description, assumed: source.labels }, specs, labels);
  const taken: string[] = [];
  const left: LeftTensor[] = [];
  for (const [name, array] of parameters) {
    const target = named.get(name);
    const spec = target === undefined ? undefined : specs.get(target);
    const why = whyNot(spec, target, array, { family, isHead, rows });
    if (why !== undefined) left.push({ name, ...why });
    else if (target !== undefined) {
      requireFinite(array.data, name, source.path);
      const turned =
        isHead(target) && rows.kind === 'turned'
          ? copyRows(new Float32Array(array.data.length), array, rows.mapping)
          : array.data;
      values.set(target, turned);
      taken.push(target);
    }
  }
  if (taken.length === 0) throw nothingFits(source, left);
  const filled = new Set(taken);
  const fresh = [...specs.keys()].filter((name) => name.startsWith(prefix) && !filled.has(name));
  if (source.part !== 'network' && fresh.length > taken.length) throw tooLittle(source, taken, fresh, left);
  return { ...source, taken, left, fresh, ...headNote(rows) };
}

/** What became of the head, where that is not plain. */
function headNote(rows: HeadRows): Pick<InitReport, 'note' | 'settings'> {
  if (rows.kind === 'turned') return { note: "The head's rows were put in the order of the data's labels, by name." };
  const { sentence, settings = [] } = rows;
  return { ...defined<Pick<InitReport, 'note'>>({ note: sentence }), ...(settings.length === 0 ? {} : { settings }) };
}

/**
 * What the names of a part's tensors begin with in the network; of the whole network's, nothing.
 * @throws UserError where the network has no such part.
 */
function prefixOf({ part, path }: InitSource, { parts, title }: NetworkFamily): string {
  if (part === 'network') return '';
  const found = parts.find(({ name }) => name === part);
  if (found !== undefined) return found.prefix;
  const known = parts.length === 0 ? 'no such parts' : `the parts ${parts.map(({ name }) => name).join(' and ')}`;
  throw new UserError(
    `${title} has no part called '${printable(part)}' for ${path} to begin; it has ${known}.`,
    'usage',
  );
}

/** What each tensor of a file would be called in the network; none: it belongs to another part. */
function namesInNetwork(
  { rename }: NetworkFamily,
  prefix: string,
  parameters: ReadonlyMap<string, FloatArray>,
): ReadonlyMap<string, string | undefined> {
  const names = [...parameters.keys()];
  // A file of the whole network will do for a part: its part is taken.
  const whole = names.some((name) => name.startsWith(prefix));
  const target = (name: string): string | undefined => {
    if (!whole) return rename(prefix + name);
    return name.startsWith(prefix) ? rename(name) : undefined;
  };
  return new Map(names.map((name) => [name, target(name)]));
}

/** Why a tensor of a file is not taken; undefined: it is. */
function whyNot(
  spec: ParameterSpec | undefined,
  target: string | undefined,
  { shape }: FloatArray,
  { family, isHead, rows }: { family: NetworkFamily; isHead: (name: string) => boolean; rows: HeadRows },
): WhyNot | undefined {
  if (target === undefined) return { reason: 'of another part' };
  if (spec === undefined)
    return { reason: family.isUnread(target) ? 'never read by the network' : 'not in this network' };
  if (isHead(target) && rows.kind === 'left') return rows.why;
  if (shape.length === spec.shape.length && shape.every((size, axis) => size === spec.shape[axis])) return undefined;
  return { reason: 'of another shape', detail: `[${shape.join(', ')}] instead of [${spec.shape.join(', ')}]` };
}

function nothingFits({ part, path }: InitSource, [first]: readonly LeftTensor[]): UserError {
  const detail = first?.detail === undefined ? '' : `: ${first.detail}`;
  const example = first === undefined ? 'it holds none' : `${printable(first.name)} is ${first.reason}${detail}`;
  const of = part === 'network' ? 'this network' : `this network's ${part} part`;
  return new UserError(
    `${path} has no tensor with a name and shape of ${of} (${example}); choose another file or network.`,
    'input',
    { settings: ['init', 'model'] },
  );
}

/** Whoever names a part means all of it: a few tensors that happen to fit would be training from nothing. */
function tooLittle(
  { part, path }: InitSource,
  taken: readonly string[],
  [missing = '']: readonly string[],
  [first]: readonly LeftTensor[],
): UserError {
  const other = first === undefined ? '' : `, and its ${printable(first.name)} is ${first.reason}`;
  return new UserError(
    `${path} has ${taken.length} tensors of this network's ${part} part and lacks most (such as ${missing}${other}): it is of another network; choose another file or network.`,
    'input',
    { settings: ['init', 'model'] },
  );
}
