import { join, relative, sep } from 'node:path';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { LowContrast } from '../../image/index.js';
import { type Agreement, agreementOf, type Evaluation, evaluate, type Scores } from '../../metrics/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import { type ViewOptions, viewsOf, withViews } from '../../recognize/views.js';
import {
  createLoader,
  type Dataset,
  divide,
  type FoldChoice,
  loadDataset,
  reportedSplitOf,
  type Sample,
  type Skipped,
  sharedPictures,
  splitAmong,
  splitsOf,
} from '../datasets/index.js';
import { type CorruptionOptions, checkCorruptible, corruptedFigures, type MeasuredRobustness } from './corrupted.js';
import { type LabelMapping, type MappingOptions, mapLabels, mapLogits, mappedVotes } from './label-mapping.js';
import { findLabelOrder, type LabelOrder } from './label-order.js';
import { type Protocol, protocolOf } from './protocol.js';

/** With `flip` or `crops` the mean of the probabilities of all views counts. */
export interface EvaluateOptions extends ViewOptions {
  /**
   * Default: `test` where there is one, else `valid`, else all pictures of a dataset without splits; with `fold` the
   * split that the weights were trained on, as far as they say it, else `train`.
   */
  readonly split?: string;
  /** Measure this part of the split only: the one that a run of a cross-validation kept from training. */
  readonly fold?: FoldChoice;
  /** Leave out pictures that the training split has too, byte for byte (default false). */
  readonly unseen?: boolean;
  /** What becomes of pictures of low contrast: `keep` (default), as in training, or `stretch`, as recognising does. */
  readonly lowContrast?: LowContrast;
  /** Measure although some expressions are known on one side only; without it that is refused. */
  readonly mapping?: MappingOptions;
  /** Which expressions numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** Pictures at once (default 32). */
  readonly batchSize?: number;
  readonly workers?: number;
  /** A picture that cannot be read is an error instead of being left out (default false). */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  /** Measure the pictures under corruptions too, when they have been measured as they are. */
  readonly corruptions?: CorruptionOptions;
}

/** The pictures that were measured, in the order of the dataset, and what the network said. */
export interface Measured {
  /** Relative to the dataset's folder. */
  readonly paths: readonly string[];
  /** True classes, indices into the evaluation's labels. */
  readonly labels: readonly number[];
  readonly logits: Scores;
  /** The logits before the weights' temperature; left out where none was applied. */
  readonly rawLogits?: Scores;
}

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
  const { training } = classifier.description;
  const views = viewsOf(options);
  const wanted =
    options.split ?? (options.fold ? (training?.protocol?.trainSplit ?? 'train') : await defaultSplit(root));
  const opened = await openInOrder(classifier.labels, root, wanted, options);
  const { mapping, dataLabels } = opened;
  const { split } = opened.dataset;
  const { corruptions } = options;
  if (corruptions !== undefined) checkCorruptible(opened.dataset);
  const seen = await sharedWithTraining(opened, options.fold, training?.protocol?.trainSplit ?? 'train');
  const dataset = options.unseen === true ? without(opened.dataset, seen) : opened.dataset;
  const { workers, strict = false, batchSize = 32, lowContrast = 'keep' } = options;
  const loader = createLoader(dataset, {
    preprocessing: classifier.preprocessing,
    batchSize,
    strict,
    lowContrast,
    cacheBytes: 0, // Every picture is needed once.
    ...defined({ workers }),
  });
  try {
    const network = withViews(classifier, views);
    const { measured, indices, low } = await scoresOf(network, loader, mapping, options.onProgress);
    const evaluation = evaluate(measured.labels, measured.logits);
    const robustness =
      corruptions === undefined
        ? undefined
        : await corruptedFigures(network, dataset, measured, mapping, { ...corruptions, batchSize, lowContrast });
    const order = findLabelOrder(evaluation.confusion, classifier.labels, dataLabels, mapping);
    const { skipped } = loader;
    const protocol = protocolOf({
      dataset: dataLabels.name,
      split,
      fold: options.fold,
      pictures: {
        measured: evaluation.samples,
        unreadable: skipped.length,
        withoutMajority: opened.withoutMajority,
        unknown: opened.leftOut,
        seen: opened.dataset.samples.length - dataset.samples.length,
      },
      views,
      batch:
        classifier.acrossBatch === undefined ? undefined : { dependsOn: classifier.acrossBatch, pictures: batchSize },
      lowContrast: low === null ? null : { pictures: low, treatment: lowContrast },
      weights: classifier.labels.labels,
      data: dataLabels.labels,
      mapping,
      shared:
        seen.paths.size === 0 || options.unseen === true ? null : { split: seen.split, pictures: seen.paths.size },
      prefer: classifier.prefer ?? 'accuracy',
      unknownPictures:
        opened.leftOut + measured.labels.filter((label) => label >= classifier.labels.labels.length).length,
      training,
    });
    return {
      split,
      // A picture of an expression that cannot be chosen has an infinite loss: no mean says anything.
      ...agreementOf(
        measured,
        indices.map((index) => itemAt(dataset.samples, index).distribution),
        classifier.description.temperature?.value,
      ),
      evaluation: Number.isFinite(evaluation.crossEntropy) ? evaluation : { ...evaluation, crossEntropy: null },
      labels: mapping.labels,
      protocol,
      measured,
      skipped,
      order: order ?? null,
      warnings: [...(opened.dataset.notes ?? []), ...(order === undefined ? [] : [order.explanation])],
      ...defined({ note: opened.note, robustness }),
    };
  } finally {
    await loader.close();
  }
}

/** Pictures that the training split, or the other folds, have too: weights trained there have seen them. */
interface Seen {
  readonly split: string;
  readonly paths: ReadonlySet<string>;
}

async function sharedWithTraining(
  { dataset, others }: Opened,
  fold: FoldChoice | undefined,
  trainSplit: string,
): Promise<Seen> {
  const none: Seen = { split: dataset.split, paths: new Set() };
  let training: readonly Pick<Sample, 'path'>[] = others;
  let where = dataset.split;
  if (fold === undefined) {
    try {
      const found = splitAmong(await splitsOf(dataset.root), trainSplit);
      if (found === undefined || found === dataset.split) return none;
      training = (await loadDataset(dataset.root, found, { keepNonMajority: true })).samples;
      where = found;
    } catch (error) {
      // Whether that split can be used is for those to say who use it.
      if (error instanceof UserError) return none;
      throw error;
    }
  }
  const pictures = await sharedPictures(dataset.samples, training);
  return { split: where, paths: new Set(pictures.map(({ path }) => path)) };
}

function without(dataset: Dataset, seen: Seen): Dataset {
  const samples = dataset.samples.filter(({ path }) => !seen.paths.has(path));
  if (samples.length > 0) return { ...dataset, samples };
  throw new UserError(`Split '${seen.split}' has every picture that was to be measured; nothing is left.`);
}

/** What the network says of every picture that can be read, and how many of those have low contrast, where that is known. */
export async function scoresOf(
  classifier: Classifier,
  loader: ReturnType<typeof createLoader>,
  mapping: LabelMapping,
  onProgress: EvaluateOptions['onProgress'],
): Promise<{ readonly measured: Measured; readonly indices: readonly number[]; readonly low: number | null }> {
  const { samples, root } = loader.dataset;
  const classes = classifier.labels.labels.length;
  const scores = new Float32Array(samples.length * classes);
  let rawScores: Float32Array | undefined;
  const indices: number[] = [];
  const labels: number[] = [];
  const paths: string[] = [];
  let low: number | null = 0;
  for await (const batch of loader.epoch(0)) {
    const { logits, rawLogits } = await classifier.classify(batch.images, batch.size);
    scores.set(logits, labels.length * classes);
    if (rawLogits !== undefined) {
      rawScores ??= new Float32Array(scores.length);
      rawScores.set(rawLogits, labels.length * classes);
    }
    labels.push(...batch.labels);
    low = low === null || batch.lowContrast === null ? null : low + batch.lowContrast;
    for (const index of batch.indices) {
      indices.push(index);
      paths.push(relative(root, itemAt(samples, index).path).replaceAll(sep, '/'));
    }
    onProgress?.((batch.indices.at(-1) ?? 0) + 1, samples.length);
  }
  const mapped = (all: Float32Array): Scores => ({
    classes: mapping.labels.labels.length,
    data: mapLogits(all.subarray(0, labels.length * classes), classes, mapping),
  });
  const raw = rawScores === undefined ? {} : { rawLogits: mapped(rawScores) };
  return { measured: { paths, labels, logits: mapped(scores), ...raw }, indices, low };
}

async function defaultSplit(root: string): Promise<string> {
  const splits = await splitsOf(root);
  const found = reportedSplitOf(splits);
  if (found !== undefined) return found;
  throw new UserError(
    `${root} has no test or validation split, or several; name the one to evaluate on, of ${splits.map((one) => printable(one)).join(', ')}.`,
    'input',
    { settings: ['split'] },
  );
}

interface Opened {
  readonly dataset: Dataset;
  /** With a fold, the pictures of the others. */
  readonly others: readonly Sample[];
  readonly dataLabels: LabelSet;
  readonly mapping: LabelMapping;
  /** Pictures without a majority label. */
  readonly withoutMajority: number;
  /** Pictures of classes that the weights do not know and that are not measured. */
  readonly leftOut: number;
  readonly note?: string;
}

/** The pictures to measure, their classes brought to those of the weights. */
async function openInOrder(
  weights: LabelSet,
  root: string,
  split: string,
  { folderLabels, fold, mapping: wanted }: EvaluateOptions,
): Promise<Opened> {
  const own = await loadDataset(root, split, { keepNonMajority: true, ...defined({ labels: folderLabels }) });
  const mapping = mapLabels(weights, own.labels, wanted);
  const folds = fold === undefined ? undefined : divide(own, fold);
  const part = folds?.held ?? own;
  const voted = part.samples.filter(({ majority }) => majority);
  if (voted.length === 0) {
    throw new UserError(
      `No picture in ${join(own.root, split)} has a majority among its votes, so there is nothing to measure.`,
    );
  }
  const samples = voted.flatMap((sample) => {
    const to = itemAt(mapping.indices, sample.label);
    const { path, majority } = sample;
    const distribution = mappedVotes(sample, mapping);
    return to === -1 ? [] : [{ path, label: to, majority, ...defined({ distribution }) }];
  });
  if (samples.length === 0) {
    throw new UserError(`The weights know no expression of the pictures in ${join(own.root, split)}; nothing is left.`);
  }
  return {
    dataset: { ...own, labels: mapping.labels, samples },
    others: folds?.train.samples ?? [],
    dataLabels: own.labels,
    mapping,
    withoutMajority: part.samples.length - voted.length,
    leftOut: voted.length - samples.length,
    ...(mapping.relation === 'reordered'
      ? {
          note:
            `The data's labels (${own.labels.labels.join(', ')}) come in another order than the weights' ` +
            `(${weights.labels.join(', ')}): they were matched by name.`,
        }
      : {}),
  };
}
