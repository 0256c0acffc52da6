import { itemAt } from '../../common/item-at.js';
import { canonicalLabel, knownLabelSets } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { type ConfusionMatrix, fittingOrder } from '../../metrics/index.js';
import type { LabelMapping } from './label-mapping.js';

/** Labels in an order that would explain a measurement. */
export interface OrderedLabels {
  /** Of the published label set that has this order; null where none has. */
  readonly name: string | null;
  readonly labels: readonly string[];
}

/** That labels seem to be in another order than those of the weights and the data say. One side or the other is wrong. */
export interface LabelOrder {
  /** Fractions that are right as measured, and that would be in the order found. */
  readonly accuracy: { readonly measured: number; readonly fitting: number };
  /** What the weights' outputs would be, by index, where the data's classes are right. */
  readonly weights: OrderedLabels;
  /** What the data's classes would be, in their order, where the weights' labels are right. */
  readonly data: OrderedLabels;
  /** One sentence. */
  readonly explanation: string;
}

/** An order that is likely, of either side, and for each class of the weights the one that its pictures are then taken for. */
interface Candidate {
  readonly side: 'weights' | 'data';
  readonly name: string | null;
  readonly taken: readonly number[];
}

/** Orders that are often mixed up: the published ones, and the alphabetical one of class folders. */
function likelyOrders(labels: readonly string[]): OrderedLabels[] {
  const sorted = [...labels].sort((a, b) => (canonicalLabel(a) < canonicalLabel(b) ? -1 : 1));
  return [...knownLabelSets, { name: null, labels: sorted }].filter(
    (set) => set.labels.length === labels.length && positions(labels, set.labels) !== undefined,
  );
}

/** Where each of `labels` stands in `order`; undefined where they are not the same expressions, each once. */
function positions(labels: readonly string[], order: readonly string[]): number[] | undefined {
  const names = order.map(canonicalLabel);
  const found = labels.map((label) => names.indexOf(canonicalLabel(label)));
  return found.includes(-1) || new Set(found).size < found.length ? undefined : found;
}

function candidates(weights: LabelSet, data: LabelSet, indices: readonly number[]): Candidate[] {
  const ofWeights = likelyOrders(weights.labels).flatMap(({ name, labels }): Candidate[] => {
    const taken = positions(weights.labels, labels);
    return taken === undefined ? [] : [{ side: 'weights', name, taken }];
  });
  const ofData = likelyOrders(data.labels).flatMap(({ name, labels }): Candidate[] => {
    const meant = positions(labels, weights.labels);
    if (meant === undefined) return [];
    const taken = weights.labels.flatMap((_, i) => (indices.includes(i) ? [itemAt(meant, indices.indexOf(i))] : []));
    return taken.length < weights.labels.length ? [] : [{ side: 'data', name, taken }];
  });
  return [...ofWeights, ...ofData];
}

/**
 * Whether a measurement's confusions are those of labels in another order, and which.
 * @param confusion over `mapping.labels`, whose first are the weights'
 * @returns undefined where the order fits or nothing is plain, as for a network that is merely bad
 */
export function findLabelOrder(
  confusion: ConfusionMatrix,
  weights: LabelSet,
  data: LabelSet,
  { indices }: Pick<LabelMapping, 'indices'>,
): LabelOrder | undefined {
  const count = weights.labels.length;
  const known = confusion.slice(0, count).map((row) => row.slice(0, count));
  const likely = candidates(weights, data, indices);
  const found = fittingOrder(
    known,
    likely.map(({ taken }) => taken),
  );
  if (found === undefined) return undefined;
  const { taken } = found;
  const all = known.flat().reduce((sum, n) => sum + n, 0);
  const named = (side: Candidate['side']): string | null =>
    likely.find((one) => one.side === side && one.taken.join() === taken.join())?.name ?? null;
  const isKnown = (side: Candidate['side']): boolean =>
    likely.some((one) => one.side === side && one.taken.join() === taken.join());
  const fitting = {
    weights: {
      name: named('weights'),
      labels: weights.labels.map((_, j) => itemAt(weights.labels, taken.indexOf(j))),
    },
    data: {
      name: named('data'),
      labels: data.labels.map((label, d) => {
        const index = itemAt(indices, d);
        // The others the weights do not know.
        return index >= 0 && index < count ? itemAt(weights.labels, itemAt(taken, index)) : label;
      }),
    },
  };
  const both = isKnown('weights') === isKnown('data');
  const words = ({ name, labels }: OrderedLabels): string =>
    `${labels.join(', ')}${name === null ? '' : ` (the order of ${name})`}`;
  const parts = [
    ...(both || isKnown('weights') ? [`the weights' labels were ${words(fitting.weights)}`] : []),
    ...(both || isKnown('data') ? [`the data's classes, in their order, were ${words(fitting.data)}`] : []),
  ];
  const percent = (part: number): string => `${(100 * part).toFixed(1)}%`;
  const measured = known.reduce((sum, row, i) => sum + itemAt(row, i), 0) / all;
  return {
    accuracy: { measured, fitting: found.accuracy },
    ...fitting,
    explanation:
      `The confusions are those of labels in another order: ${percent(measured)} of the pictures are right, and ` +
      `${percent(found.accuracy)} would be if ${parts.join(', or if ')}; check which labels both really have.`,
  };
}
