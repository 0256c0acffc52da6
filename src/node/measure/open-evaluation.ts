import { join } from 'node:path';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { canonicalLabel } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { LowContrast } from '../../image/index.js';
import type { Classifier } from '../../recognize/classifier.js';
import { type ViewOptions, viewsOf, withViews } from '../../recognize/views.js';
import type { ModelDescription } from '../../safetensors/index.js';
import {
  type Dataset,
  divide,
  type FoldChoice,
  loadDataset,
  reportedSplitOf,
  type Sample,
  sharedPictures,
  splitAmong,
  splitsOf,
} from '../datasets/index.js';
import type { CorruptionOptions } from './corrupted.js';
import type { BatchLoaderOptions } from './dataset-batches.js';
import type { EvaluationFacts } from './evaluation-facts.js';
import { type LabelMapping, type MappingOptions, mapLabels, mappedVotes } from './label-mapping.js';

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
  /** Expressions that take no part: their pictures are left out, and the weights cannot choose them (default: none). */
  readonly without?: readonly string[];
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

/** Pictures that are ready to be measured. */
export interface OpenedEvaluation {
  /** Classes are those of the mapping. */
  readonly dataset: Dataset;
  /** Looks at all views. Disposing of it disposes of the classifier. */
  readonly network: Classifier;
  readonly mapping: LabelMapping;
  readonly facts: EvaluationFacts;
  readonly loading: BatchLoaderOptions;
}

/**
 * Finds the pictures to measure, and all that is known before the network looks at them. Classes are compared by name.
 * @throws UserError where weights and data do not have the same expressions and no mapping is asked for, or the data
 * cannot be used.
 */
export async function openEvaluation(
  classifier: Classifier,
  root: string,
  options: EvaluateOptions = {},
): Promise<OpenedEvaluation> {
  const { training = null, temperature } = classifier.description;
  const { network, views, loading } = measuringWith(classifier, options);
  const trainSplit = trainSplitOf(classifier.description);
  const opened = await openInOrder(classifier.labels, root, await wantedSplit(trainSplit, root, options), options);
  const { mapping, dataLabels } = opened;
  const shared = await sharedWithTraining(opened, options.fold, trainSplit);
  const dataset = options.unseen === true ? without(opened.dataset, shared) : opened.dataset;
  return {
    dataset,
    network,
    mapping,
    facts: {
      split: opened.dataset.split,
      weights: classifier.labels,
      data: dataLabels,
      mapping: mutable(mapping),
      fold: options.fold ?? null,
      withoutMajority: opened.withoutMajority,
      leftOut: opened.leftOut,
      without: opened.without,
      seen: opened.dataset.samples.length - dataset.samples.length,
      shared:
        shared.paths.size === 0 || options.unseen === true
          ? null
          : { split: shared.split, pictures: shared.paths.size },
      views: [...views],
      batch:
        classifier.acrossBatch === undefined
          ? null
          : { dependsOn: classifier.acrossBatch, pictures: loading.batchSize },
      lowContrast: options.lowContrast ?? 'keep',
      prefer: classifier.prefer ?? 'accuracy',
      training,
      temperature: temperature?.value ?? null,
      notes: [...(opened.dataset.notes ?? [])],
      note: opened.note ?? null,
    },
    loading,
  };
}

/**
 * That weights can be measured so, by what their file says of them: before other weights are measured for hours.
 * @throws UserError as {@link openEvaluation}
 */
export async function checkEvaluation(
  description: Pick<ModelDescription, 'labels' | 'training'>,
  root: string,
  options: EvaluateOptions = {},
): Promise<void> {
  await openInOrder(description.labels, root, await wantedSplit(trainSplitOf(description), root, options), options);
}

const trainSplitOf = ({ training }: Pick<ModelDescription, 'training'>): string =>
  training?.protocol?.trainSplit ?? 'train';

const wantedSplit = async (trainSplit: string, root: string, { split, fold }: EvaluateOptions): Promise<string> =>
  split ?? (fold === undefined ? defaultSplit(root) : trainSplit);

/** How pictures are read and looked at, whatever pictures they are. */
export function measuringWith(
  classifier: Classifier,
  options: EvaluateOptions,
): Pick<OpenedEvaluation, 'network' | 'loading'> & { readonly views: ReturnType<typeof viewsOf> } {
  const { workers, strict = false, batchSize = 32, lowContrast = 'keep' } = options;
  const views = viewsOf(options);
  return {
    network: withViews(classifier, views),
    views,
    loading: { preprocessing: classifier.preprocessing, batchSize, strict, lowContrast, ...defined({ workers }) },
  };
}

function mutable({ indices, unknown, absent, removed, without, ...rest }: LabelMapping): EvaluationFacts['mapping'] {
  const lists = { indices: [...indices], unknown: [...unknown], absent: [...absent], removed: [...removed] };
  return { ...rest, ...lists, without: [...without] };
}

/** Pictures that the training split, or the other folds, have too: weights trained there have seen them. */
interface TrainedPictures {
  readonly split: string;
  readonly paths: ReadonlySet<string>;
}

async function sharedWithTraining(
  { dataset, others }: Opened,
  fold: FoldChoice | undefined,
  trainSplit: string,
): Promise<TrainedPictures> {
  const none: TrainedPictures = { split: dataset.split, paths: new Set() };
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

function without(dataset: Dataset, shared: TrainedPictures): Dataset {
  const samples = dataset.samples.filter(({ path }) => !shared.paths.has(path));
  if (samples.length > 0) return { ...dataset, samples };
  throw new UserError(`Split '${shared.split}' has every picture that was to be measured; nothing is left.`);
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
  /** Pictures of expressions that take no part. */
  readonly without: number;
  readonly note?: string;
}

/** The pictures to measure, their classes brought to those of the weights. */
async function openInOrder(
  weights: LabelSet,
  root: string,
  split: string,
  { folderLabels, fold, mapping: wanted, without: others }: EvaluateOptions,
): Promise<Opened> {
  const own = await loadDataset(root, split, { keepNonMajority: true, ...defined({ labels: folderLabels }) });
  const mapping = mapLabels(weights, own.labels, wanted, others);
  const folds = fold === undefined ? undefined : divide(own, fold);
  const part = folds?.held ?? own;
  const voted = part.samples.filter(({ majority }) => majority);
  if (voted.length === 0) {
    throw new UserError(
      `No picture in ${join(own.root, split)} has a majority among its votes, so there is nothing to measure.`,
    );
  }
  const names = new Set(mapping.without.map(canonicalLabel));
  const isWithout = ({ label }: Sample): boolean => names.has(canonicalLabel(itemAt(own.labels.labels, label)));
  const counted = voted.filter((sample) => !isWithout(sample));
  const samples = counted.flatMap((sample) => {
    const to = itemAt(mapping.indices, sample.label);
    const { path, majority } = sample;
    const distribution = mappedVotes(sample, mapping);
    return to === -1 ? [] : [{ path, label: to, majority, ...defined<Pick<Sample, 'distribution'>>({ distribution }) }];
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
    leftOut: counted.length - samples.length,
    without: voted.length - counted.length,
    ...(mapping.relation === 'reordered'
      ? {
          note:
            `The data's labels (${own.labels.labels.join(', ')}) come in another order than the weights' ` +
            `(${weights.labels.join(', ')}): they were matched by name.`,
        }
      : {}),
  };
}
