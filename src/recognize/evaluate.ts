import { UserError } from '../common/errors.js';
import { compareLabels, isNumbered } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';
import { createLoader, type Dataset, loadDataset, reportedSplitOf, type Skipped, splitsOf } from '../data/index.js';
import { type Evaluation, evaluate } from '../metrics/index.js';
import type { Classifier } from './classifier.js';

export interface EvaluateOptions {
  /** Default: `test` where there is one, else `valid`, else all pictures of a dataset without splits. */
  readonly split?: string;
  /** Which expressions numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** Pictures at once (default 32). */
  readonly batchSize?: number;
  readonly workers?: number;
  /** A picture that cannot be read is an error instead of being left out (default false). */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Evaluated {
  readonly split: string;
  readonly evaluation: Evaluation;
  readonly skipped: readonly Skipped[];
  /** Where the data's labels were put in the order of the weights: a sentence that says so. */
  readonly note?: string;
}

/**
 * Measures a classifier on a split of a dataset, without augmentation. Classes are compared by name.
 * @throws UserError where weights and data do not have the same expressions, or the data cannot be used.
 */
export async function evaluateOn(
  classifier: Classifier,
  root: string,
  options: EvaluateOptions = {},
): Promise<Evaluated> {
  const split = options.split ?? (await defaultSplit(root));
  const { dataset, note } = await openInOrder(classifier.labels, root, split, options.folderLabels);
  const { workers, strict = false, batchSize = 32 } = options;
  const loader = createLoader(dataset, {
    preprocessing: classifier.preprocessing,
    batchSize,
    strict,
    cacheBytes: 0, // Every picture is needed once.
    ...(workers === undefined ? {} : { workers }),
  });
  try {
    const classes = classifier.labels.labels.length;
    const scores = new Float32Array(dataset.samples.length * classes);
    const labels: number[] = [];
    for await (const batch of loader.epoch(0)) {
      const { logits } = await classifier.classify(batch.images, batch.size);
      scores.set(logits, labels.length * classes);
      labels.push(...batch.labels);
      options.onProgress?.(Math.min(dataset.samples.length, (batch.index + 1) * batchSize), dataset.samples.length);
    }
    const evaluation = evaluate(labels, { classes, data: scores.subarray(0, labels.length * classes) });
    return { split, evaluation, skipped: loader.skipped, ...(note === undefined ? {} : { note }) };
  } finally {
    await loader.close();
  }
}

async function defaultSplit(root: string): Promise<string> {
  const splits = await splitsOf(root);
  const found = reportedSplitOf(splits);
  if (found !== undefined) return found;
  throw new UserError(
    `${root} has neither a test nor a valid split; name the one to evaluate on with --split (it has ${splits.join(', ')}).`,
  );
}

/** The dataset with its labels at the indices of the weights. */
async function openInOrder(
  weights: LabelSet,
  root: string,
  split: string,
  folderLabels: LabelSet | undefined,
): Promise<{ readonly dataset: Dataset; readonly note?: string }> {
  const own = await loadDataset(root, split, folderLabels === undefined ? {} : { labels: folderLabels });
  const { kind, explanation, mapping } = compareLabels(weights, own.labels);
  if (kind === 'same') return { dataset: own };
  if (kind === 'different') {
    const hint = isNumbered(own.labels.labels) ? ' (--data-labels NAME does that.)' : '';
    throw new UserError(`${explanation}${hint}`);
  }
  const samples = own.samples.map((sample) => ({ ...sample, label: mapping[sample.label] ?? -1 }));
  const note =
    `The data's labels (${own.labels.labels.join(', ')}) come in another order than the weights' ` +
    `(${weights.labels.join(', ')}): they were matched by name.`;
  return { dataset: { ...own, labels: weights, samples }, note };
}
