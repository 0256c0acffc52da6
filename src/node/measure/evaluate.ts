import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { type Agreement, agreementOf, type Evaluation, evaluate } from '../../metrics/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import type { Skipped } from '../datasets/index.js';
import { checkCorruptible, corruptedFigures, type MeasuredRobustness } from './corrupted.js';
import { measuringLoader } from './dataset-batches.js';
import type { EvaluationFacts } from './evaluation-facts.js';
import { findLabelOrder, type LabelOrder } from './label-order.js';
import { type EvaluateOptions, openEvaluation } from './open-evaluation.js';
import { type Protocol, protocolOf } from './protocol.js';
import { type CollectedScores, type Measured, scoresOf } from './scores.js';

export interface Evaluated extends Agreement {
  readonly split: string;
  readonly evaluation: Evaluation;
  /** What the indices in `evaluation` and `measured` stand for: the weights' labels, and unknown ones behind them. */
  readonly labels: LabelSet;
  readonly protocol: Protocol;
  readonly measured: Measured;
  readonly skipped: readonly Skipped[];
  /** The order of labels that the confusions speak for, where it is plainly another than the one measured with. */
  readonly order: LabelOrder | null;
  /** Under corruptions, where that was asked for. */
  readonly robustness?: MeasuredRobustness;
  /** What the user should know about the dataset and what was measured: a sentence each. */
  readonly warnings: readonly string[];
  /** Where the data's labels were put in the order of the weights: a sentence that says so. */
  readonly note?: string;
}

/**
 * Measures a classifier on a split of a dataset, without augmentation. Classes are compared by name.
 * @throws UserError where weights and data do not have the same expressions and no mapping is asked for, or the data
 * cannot be used.
 */
export async function evaluateOn(
  classifier: Classifier,
  root: string,
  options: EvaluateOptions = {},
): Promise<Evaluated> {
  const { dataset, network, mapping, facts, loading } = await openEvaluation(classifier, root, options);
  const { corruptions, onProgress } = options;
  if (corruptions !== undefined) checkCorruptible(dataset);
  const loader = measuringLoader(dataset, loading);
  try {
    const scores = await scoresOf(network, loader, mapping, onProgress);
    const votes = scores.indices.map((index) => itemAt(dataset.samples, index).distribution);
    const evaluated = evaluationOf(facts, scores, votes);
    if (corruptions === undefined) return evaluated;
    const { batchSize } = loading;
    const settings = { ...corruptions, batchSize, lowContrast: facts.lowContrast };
    const robustness = await corruptedFigures(network, dataset, scores.measured, mapping, settings);
    return { ...evaluated, robustness };
  } finally {
    await loader.close();
  }
}

/**
 * The figures of pictures that the network has looked at.
 * @param votes shares of each picture, in the classes of the logits; undefined for one without
 */
export function evaluationOf(
  facts: EvaluationFacts,
  { measured, low, skipped }: CollectedScores,
  votes: readonly (Float32Array | undefined)[],
): Evaluated {
  const { split, weights, data, mapping, fold, training, lowContrast } = facts;
  const evaluation = evaluate(measured.labels, measured.logits);
  const order = findLabelOrder(evaluation.confusion, weights, data, mapping);
  const protocol = protocolOf({
    dataset: data.name,
    split,
    fold: fold ?? undefined,
    pictures: {
      measured: evaluation.samples,
      unreadable: skipped.length,
      withoutMajority: facts.withoutMajority,
      unknown: facts.leftOut,
      without: facts.without,
      seen: facts.seen,
    },
    views: facts.views,
    batch: facts.batch ?? undefined,
    lowContrast: low === null ? null : { pictures: low, treatment: lowContrast },
    weights: weights.labels,
    data: data.labels,
    mapping,
    shared: facts.shared,
    prefer: facts.prefer,
    unknownPictures: facts.leftOut + measured.labels.filter((label) => label >= weights.labels.length).length,
    training: training ?? undefined,
  });
  return {
    split,
    // A picture of an expression that cannot be chosen has an infinite loss: no mean says anything.
    ...agreementOf(measured, votes, facts.temperature ?? undefined),
    evaluation: Number.isFinite(evaluation.crossEntropy) ? evaluation : { ...evaluation, crossEntropy: null },
    labels: mapping.labels,
    protocol,
    measured,
    skipped,
    order: order ?? null,
    warnings: [...facts.notes, ...(order === undefined ? [] : [order.explanation])],
    ...defined({ note: facts.note ?? undefined }),
  };
}
