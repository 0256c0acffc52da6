import { type Advice, UserError } from '../../common/errors.js';
import { compareLabels, isNumbered, knownLabelSets } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import type { ParameterSpec } from '../../nn/index.js';
import type { FloatArray, ModelDescription } from '../../safetensors/index.js';

/** Why a tensor is not taken. */
export interface WhyNot {
  /** What the tensor is: `of another shape`. */
  readonly reason: string;
  readonly detail?: string;
}

/** What becomes of the rows of a file's head. */
export type HeadRows =
  | ({ readonly kind: 'as they are' } & Partial<Advice>)
  /** `mapping[i]`: the file's row for the data's label i. */
  | { readonly kind: 'turned'; readonly mapping: readonly number[] }
  | ({ readonly kind: 'left'; readonly why: WhyNot } & Advice);

/** What is known of a file's head. */
export interface FileHead {
  readonly path: string;
  /** Weight and bias, as far as the file has them, by their name in the network. */
  readonly tensors: ReadonlyMap<string, FloatArray>;
  /** What the file says about itself. */
  readonly description: ModelDescription | undefined;
  /** What the user says of a file that does not say it: its labels, or that they are the data's, index for index. */
  readonly assumed: LabelSet | 'data' | undefined;
}

/**
 * Which class each row of a file's head is, and so where it goes. Rows follow the names of classes; a head of another
 * shape, or whose classes nobody knows, is left.
 * @param labels of the data
 * @throws UserError where the user and the file contradict each other.
 */
export function headRows(file: FileHead, specs: ReadonlyMap<string, ParameterSpec>, labels: LabelSet): HeadRows {
  const { path, tensors, description, assumed } = file;
  const [first] = tensors.values();
  if (first === undefined) return assumed === undefined ? { kind: 'as they are' } : headless;
  // A file of others may hold a single number there.
  const [outputs = 0] = first.shape;
  const stated = description === undefined || isNumbered(description.labels.labels) ? undefined : description.labels;
  if (assumed === 'data') checkSameAsData(path, stated, labels);
  else if (assumed !== undefined) checkAssumed(path, outputs, stated, assumed);
  const own = stated ?? (assumed === 'data' ? undefined : assumed);
  const other = otherShape(tensors, specs, own, labels);
  if (other !== undefined) return left(other);
  if (own === undefined) {
    const same = description !== undefined && compareLabels(description.labels, labels).kind === 'same';
    return same || assumed === 'data' ? { kind: 'as they are' } : unknownOrder(outputs, description?.labels);
  }
  if (isNumbered(labels.labels)) return assumed === 'data' ? { kind: 'as they are' } : numberedData(own);
  const { kind, mapping } = compareLabels(own, labels);
  if (kind === 'same') return { kind: 'as they are' };
  return kind === 'reordered' ? { kind: 'turned', mapping } : left(otherClasses(own, labels));
}

/** Of a file with nothing that the labels that were named could be of. */
const headless: HeadRows = {
  kind: 'as they are',
  sentence: 'The file has no head for this network, so the labels that were named for it change nothing.',
  settings: ['initLabels'],
};

/** Data that only numbers its classes states nothing that a file could contradict. */
function checkSameAsData(path: string, stated: LabelSet | undefined, labels: LabelSet): void {
  if (stated === undefined || isNumbered(labels.labels) || compareLabels(stated, labels).kind === 'same') return;
  throw new UserError(
    `${path} says that its labels are ${stated.labels.join(', ')}, and the data's are ${labels.labels.join(', ')}; leave out that they ` +
      'are the same in the same order.',
    'usage',
    { settings: ['initLabels'] },
  );
}

function checkAssumed(path: string, outputs: number, stated: LabelSet | undefined, assumed: LabelSet): void {
  if (stated !== undefined && compareLabels(stated, assumed).kind !== 'same') {
    throw new UserError(
      `${path} says that its labels are ${stated.labels.join(', ')}; leave out that they are those of ${assumed.name}.`,
      'usage',
      { settings: ['initLabels'] },
    );
  }
  if (assumed.labels.length !== outputs) {
    const fitting = setsOf(outputs);
    throw new UserError(
      `${path} has ${outputs} outputs, and ${assumed.name} has ${assumed.labels.length} labels: name those it was trained ` +
        `with${fitting === '' ? '' : ` (${fitting})`}, or leave them out.`,
      'usage',
      { settings: ['initLabels'] },
    );
  }
}

const setsOf = (count: number): string =>
  knownLabelSets
    .filter((set) => set.labels.length === count)
    .map(({ name }) => name)
    .join(', ');

const left = (why: WhyNot): HeadRows => ({
  kind: 'left',
  why,
  sentence: `The file's head is ${why.reason} (${why.detail ?? ''}): it starts from random values.`,
  settings: [],
});

const otherClasses = (own: LabelSet, labels: LabelSet): WhyNot => ({
  reason: 'for other classes',
  detail: `${own.labels.length} of ${own.name}, and the data has ${labels.labels.length} of ${labels.name}`,
});

function otherShape(
  tensors: FileHead['tensors'],
  specs: ReadonlyMap<string, ParameterSpec>,
  own: LabelSet | undefined,
  labels: LabelSet,
): WhyNot | undefined {
  for (const [name, { shape }] of tensors) {
    const wanted = specs.get(name)?.shape ?? [];
    if (shape.length === wanted.length && shape.every((size, axis) => size === wanted[axis])) continue;
    const [rows = 0, ...width] = shape;
    const [classes = 0, ...wantedWidth] = wanted;
    if (rows === classes) {
      return {
        reason: 'of another width',
        detail: `${width.join(' x ')}, and this network's is ${wantedWidth.join(' x ')}`,
      };
    }
    return own === undefined
      ? { reason: 'for other classes', detail: `${rows}, and the data has ${classes}` }
      : otherClasses(own, labels);
  }
  return undefined;
}

/** @param numbers the labels of a file that only counts its classes */
function unknownOrder(outputs: number, numbers: LabelSet | undefined): HeadRows {
  const sets = setsOf(outputs);
  const why = numbers === undefined ? 'does not say which class each row' : 'only numbers the classes';
  return {
    kind: 'left',
    why: { reason: 'in an unknown order of classes' },
    sentence:
      `The file ${why} of its head is, so the head starts from random values. To take it, name the labels it was trained with` +
      `${sets === '' ? '' : ` (${sets})`}, or say that they are the data's in the same order, 'data'.`,
    settings: ['initLabels'],
  };
}

function numberedData({ name }: LabelSet): HeadRows {
  return {
    kind: 'left',
    why: { reason: 'for named classes, and the data only numbers its own' },
    sentence:
      `The file's head is for the classes of ${name}, and the data's class folders are only numbers, so the head starts from random values. ` +
      "To take it, say which dataset it is, or that the labels of the file are the data's in the same order, 'data'.",
    settings: ['dataType', 'initLabels'],
  };
}
