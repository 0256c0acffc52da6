import { type FloatArray, loadParameters, type ModelDescription } from '../checkpoints/index.js';
import { UserError } from '../common/errors.js';
import { printable } from '../common/files.js';
import { compareLabels, isNumbered } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';
import { isIgnoredOnLoad } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';

/** Parts of the network that have pretrained files of their own, and where they are in it. */
export const partPrefixes = { ir50: 'ir_back.', landmark: 'face_landback.' } as const;
export type InitPart = keyof typeof partPrefixes;

/** A file with weights to begin with: of one part, or of the network. */
export interface InitSource {
  readonly part: InitPart | 'network';
  readonly path: string;
}

export interface LeftTensor extends WhyNot {
  /** In the file. */
  readonly name: string;
}

interface WhyNot {
  /** What the tensor is: `of another shape`. */
  readonly reason: string;
  readonly detail?: string;
}

/** What became of a file's weights. */
export interface InitReport extends InitSource {
  /** Names in the network of tensors that were taken. */
  readonly taken: readonly string[];
  /** Tensors of the file that were not taken. */
  readonly left: readonly LeftTensor[];
  /** Tensors of the network (or of the part) that the file did not give a value. */
  readonly fresh: readonly string[];
  /** A sentence where the head begins anew, or its rows were put in another order. */
  readonly note?: string;
}

const otherClasses = 'for other classes';
const head = /^VIT\.head\.linear\.(weight|bias)$/;

/**
 * Replaces values by those of a checkpoint where name and shape are the same. The rows of the head follow the labels'
 * names, where the file has some; a head for other classes stays as it was.
 * @param values of the network's tensors, in place
 * @param labels of the data
 * @throws UserError when nothing fits.
 */
export async function initialParameters(
  source: InitSource,
  specs: ReadonlyMap<string, ParameterSpec>,
  values: Map<string, Float32Array>,
  labels: LabelSet,
): Promise<InitReport> {
  const { parameters, description } = await loadParameters(source.path);
  const named = namesInNetwork(source.part, parameters);
  const rows = description === undefined ? { kind: 'as they are' as const } : headRows(description, labels);
  const taken: string[] = [];
  const left: LeftTensor[] = [];
  for (const [name, array] of parameters) {
    const target = named.get(name);
    const spec = target === undefined ? undefined : specs.get(target);
    const why = whyNot(spec, target, array, rows);
    if (why !== undefined) left.push({ name, ...why });
    else if (target !== undefined) {
      const turned = head.test(target) && rows.kind === 'turned' ? reordered(array, rows.mapping) : array.data;
      values.set(target, turned);
      taken.push(target);
    }
  }
  if (taken.length === 0) throw nothingFits(source, left);
  const prefix = source.part === 'network' ? '' : partPrefixes[source.part];
  const filled = new Set(taken);
  const fresh = [...specs.keys()].filter((name) => name.startsWith(prefix) && !filled.has(name));
  const note = headNote(rows, taken, left);
  return { ...source, taken, left, fresh, ...(note === undefined ? {} : { note }) };
}

/** What became of the head, where that is not plain. */
function headNote(rows: HeadRows, taken: readonly string[], left: readonly LeftTensor[]): string | undefined {
  const other = left.find(({ reason }) => reason === otherClasses);
  if (other !== undefined) return `The file's head is ${otherClasses} (${other.detail ?? ''}): it begins anew.`;
  return rows.kind === 'turned' && taken.some((name) => head.test(name))
    ? "The head's rows were put in the order of the data's labels, by name."
    : undefined;
}

/** What each tensor of a file would be called in the network; none: it belongs to another part. */
function namesInNetwork(
  part: InitSource['part'],
  parameters: ReadonlyMap<string, FloatArray>,
): ReadonlyMap<string, string | undefined> {
  // DataParallel's.
  const plain = (name: string): string => name.replace(/^module\./, '');
  const names = [...parameters.keys()];
  if (part === 'network') return new Map(names.map((name) => [name, plain(name)]));
  const prefix = partPrefixes[part];
  // A file of the whole network will do: its part is taken.
  const whole = names.some((name) => plain(name).startsWith(prefix));
  const target = (name: string): string | undefined =>
    whole ? (plain(name).startsWith(prefix) ? plain(name) : undefined) : prefix + plain(name);
  return new Map(names.map((name) => [name, target(name)]));
}

type HeadRows =
  | { readonly kind: 'as they are' }
  | { readonly kind: 'turned'; readonly mapping: readonly number[] }
  | { readonly kind: 'other classes'; readonly why: WhyNot };

function headRows({ labels: own }: ModelDescription, labels: LabelSet): HeadRows {
  const { kind, mapping } = compareLabels(own, labels);
  if (kind === 'same' || isNumbered(own.labels) || isNumbered(labels.labels)) return { kind: 'as they are' };
  if (kind === 'reordered') return { kind: 'turned', mapping };
  const detail = `${own.labels.length} of ${own.name}, and the data has ${labels.labels.length} of ${labels.name}`;
  return { kind: 'other classes', why: { reason: otherClasses, detail } };
}

/** Row i: that of the data's label i. */
function reordered({ shape, data }: FloatArray, mapping: readonly number[]): Float32Array {
  const width = shape.slice(1).reduce((a, b) => a * b, 1);
  const rows = new Float32Array(data.length);
  mapping.forEach((from, to) => {
    rows.set(data.subarray(from * width, (from + 1) * width), to * width);
  });
  return rows;
}

/** Why a tensor of a file is not taken; undefined: it is. */
function whyNot(
  spec: ParameterSpec | undefined,
  target: string | undefined,
  { shape }: FloatArray,
  rows: HeadRows,
): WhyNot | undefined {
  if (target === undefined) return { reason: 'of another part' };
  if (spec === undefined)
    return { reason: isIgnoredOnLoad(target) ? 'never read by the network' : 'not in this network' };
  if (head.test(target) && rows.kind === 'other classes') return rows.why;
  if (shape.length === spec.shape.length && shape.every((size, axis) => size === spec.shape[axis])) return undefined;
  if (head.test(target)) {
    return { reason: otherClasses, detail: `${shape[0] ?? 0}, and the data has ${spec.shape[0] ?? 0}` };
  }
  return { reason: 'of another shape', detail: `[${shape.join(', ')}] instead of [${spec.shape.join(', ')}]` };
}

function nothingFits({ part, path }: InitSource, [first]: readonly LeftTensor[]): UserError {
  const detail = first?.detail === undefined ? '' : `: ${first.detail}`;
  const example = first === undefined ? 'it holds none' : `${printable(first.name)} is ${first.reason}${detail}`;
  const of = part === 'network' ? 'this network' : `this network's ${part} part`;
  return new UserError(
    `${path} has no tensor with a name and shape of ${of} (${example}); choose another --init or --model.`,
  );
}
