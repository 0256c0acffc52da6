import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { canonicalLabel, compareLabels, isNumbered } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { Sample } from '../datasets/index.js';

/** How to measure weights on data with other expressions. */
export interface MappingOptions {
  /** Pictures of expressions that the weights do not know: counted as mistakes (default), or left out. */
  readonly unknown?: 'wrong' | 'leave-out';
  /**
   * Expressions of the weights that the data lacks: kept, so that choosing one is a mistake (default), or removed from
   * the ranking, so that the next best counts and probabilities are those of the rest.
   */
  readonly absent?: 'keep' | 'remove';
}

/** How the data's classes were put among the weights'. */
export interface LabelMapping {
  /** `mapped`: some expressions are on one side only, those of `without` aside. */
  readonly relation: 'same' | 'reordered' | 'mapped';
  /** What is measured: the weights' labels, behind them the data's that the weights do not know and that are wrong. */
  readonly labels: LabelSet;
  /** For each of the data's labels its index in `labels`; -1 where its pictures are left out. */
  readonly indices: readonly number[];
  /** The data's labels that the weights do not know. */
  readonly unknown: readonly string[];
  /** The weights' labels that the data lacks. */
  readonly absent: readonly string[];
  /** Indices of those of them that take no part in the ranking. */
  readonly removed: readonly number[];
  /** Expressions that take no part: their pictures are left out, and the weights cannot choose them. */
  readonly without: readonly string[];
  /** With the defaults filled in. */
  readonly options: Required<MappingOptions>;
}

/**
 * Brings the data's classes to the weights', by name. Several of the data's may be one expression.
 * @param options without them, expressions that differ are refused
 * @param without expressions that take no part
 * @throws UserError that says how they differ and what to do, or that neither side knows one of `without`
 */
export function mapLabels(
  weights: LabelSet,
  data: LabelSet,
  options?: MappingOptions,
  without: readonly string[] = [],
): LabelMapping {
  const names = new Set(without.map(canonicalLabel));
  const known = new Set([...weights.labels, ...data.labels].map(canonicalLabel));
  const foreign = without.find((label) => !known.has(canonicalLabel(label)));
  if (foreign !== undefined) {
    throw new UserError(
      `There is no expression ${printable(foreign)} to measure without; there are ${weights.labels.map((label) => printable(label)).join(', ')}.`,
      'usage',
      { settings: ['without'] },
    );
  }
  const rest = (labels: readonly string[]): number[] =>
    labels.flatMap((label, i) => (names.has(canonicalLabel(label)) ? [] : [i]));
  const [kept, measured] = [rest(weights.labels), rest(data.labels)];
  if (kept.length < 2) {
    throw new UserError('Fewer than two expressions are left to choose from; measure without fewer.', 'usage', {
      settings: ['without'],
    });
  }
  if (measured.length === 0) {
    throw new UserError('No expression of the data is left to measure; measure without fewer.', 'usage', {
      settings: ['without'],
    });
  }
  const part = (set: LabelSet, indices: readonly number[]): LabelSet => ({
    name: set.name,
    labels: indices.map((i) => itemAt(set.labels, i)),
  });
  const inner = mapAll(part(weights, kept), part(data, measured), options);
  const appended = inner.labels.labels.slice(kept.length);
  const outer = (i: number): number => (i < kept.length ? itemAt(kept, i) : weights.labels.length + i - kept.length);
  const indices = data.labels.map(() => -1);
  for (const [i, to] of inner.indices.entries()) indices[itemAt(measured, i)] = to === -1 ? -1 : outer(to);
  const dropped = weights.labels.flatMap((label, i) => (names.has(canonicalLabel(label)) ? [i] : []));
  return {
    ...inner,
    labels: { name: weights.name, labels: [...weights.labels, ...appended] },
    indices,
    removed: [...dropped, ...inner.removed.map(outer)],
    without: [...without],
  };
}

/** Those of all labels. */
function mapAll(weights: LabelSet, data: LabelSet, options?: MappingOptions): Omit<LabelMapping, 'without'> {
  const filled = { unknown: options?.unknown ?? 'wrong', absent: options?.absent ?? 'keep' } as const;
  const { kind, explanation, settings, mapping } = compareLabels(
    weights,
    data,
    'use weights or data with the same labels, or map the labels to measure all the same (docs/evaluation.md)',
    ['mapping'],
  );
  if (kind !== 'different') {
    const none = { unknown: [], absent: [], removed: [], options: filled };
    return { relation: kind, labels: weights, indices: mapping, ...none };
  }
  if (isNumbered(data.labels) && !isNumbered(weights.labels)) {
    throw new UserError(explanation, 'input', { settings });
  }
  if (options === undefined) throw new UserError(explanation, 'input', { settings });
  const names = weights.labels.map(canonicalLabel);
  if (new Set(names).size < names.length) {
    throw new UserError(
      `The weights (${weights.name}) have two labels for one expression (${weights.labels.join(', ')}), so the data's ` +
        'cannot be mapped to them; use other weights.',
    );
  }
  if (mapping.every((to) => to === -1)) {
    throw new UserError(
      `The weights (${weights.labels.join(', ')}) and the data (${data.labels.join(', ')}) have no expression in ` +
        'common, so there is nothing to measure; use other weights or data.',
    );
  }
  const unknown = data.labels.filter((_, i) => mapping[i] === -1);
  const appended = filled.unknown === 'wrong' ? unknown : [];
  const absent = weights.labels.filter((_, i) => !mapping.includes(i));
  return {
    relation: 'mapped',
    labels: { name: weights.name, labels: [...weights.labels, ...appended] },
    indices: mapping.map((to, i) => {
      if (to !== -1) return to;
      const at = appended.indexOf(itemAt(data.labels, i));
      return at === -1 ? -1 : weights.labels.length + at;
    }),
    unknown,
    absent,
    removed: filled.absent === 'remove' ? absent.map((label) => weights.labels.indexOf(label)) : [],
    options: filled,
  };
}

/**
 * Rows of the network's logits as rows over `mapping.labels`: what cannot be chosen gets -Infinity, probability 0.
 * @param logits [n, K] over the weights' labels
 */
export function mapLogits(logits: Float32Array, weights: number, { labels, removed }: LabelMapping): Float32Array {
  const width = labels.labels.length;
  if (width === weights && removed.length === 0) return logits;
  const mapped = new Float32Array((logits.length / weights) * width).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0, at = 0; i < logits.length; i += weights, at += width) {
    mapped.set(logits.subarray(i, i + weights), at);
    for (const c of removed) mapped[at + c] = Number.NEGATIVE_INFINITY;
  }
  return mapped;
}

/** A picture's votes in the classes of the weights; undefined where it has none, or the classes are not the same. */
export function mappedVotes(
  { distribution }: Pick<Sample, 'distribution'>,
  { relation, labels, indices, without }: LabelMapping,
): Float32Array | undefined {
  if (distribution === undefined || relation === 'mapped' || without.length > 0) return undefined;
  const shares = new Float32Array(labels.labels.length);
  distribution.forEach((share, c) => {
    const to = itemAt(indices, c);
    shares[to] = itemAt(shares, to) + share;
  });
  return shares;
}
