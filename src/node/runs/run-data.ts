import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { compareLabels, isNumbered } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import {
  classCounts,
  type Dataset,
  type DatasetOptions,
  divide,
  type FoldChoice,
  holdOut,
  loadDataset,
} from '../datasets/index.js';
import { dataTypeLabels, type RunOptions } from './options.js';

export interface RunData {
  readonly labels: LabelSet;
  readonly train: Dataset;
  /** Chooses the best epoch. */
  readonly validation: Dataset;
  /** What a temperature is fitted on at the end; undefined where none is. */
  readonly calibration: Dataset | undefined;
  /** Of the validation pictures, in words, for the record. */
  readonly validationName: string;
}

/**
 * The pictures that a run trains on, and those that choose its best epoch: never a test split unless asked for.
 * @param order labels of the weights that training goes on from; the data's take their order where they are the same
 */
export async function openData(run: RunOptions, order?: LabelSet): Promise<RunData> {
  const whole = await openTraining(run, order);
  const { labels } = whole;
  const fold = foldOf(run);
  const { train, calibration } = withoutCalibration(fold === undefined ? whole : divide(whole, fold).train, run);
  if (run.valSplit !== null) {
    const validation = await loadDataset(run.data, run.valSplit, { labels, setting: 'valSplit' });
    return { labels, train, validation, calibration, validationName: `split '${printable(validation.split)}'` };
  }
  const parts = holdOut(train, run.holdOut, run.seed);
  const share = `${Math.round(run.holdOut * 100)}% held out of split '${printable(train.split)}'`;
  const without = fold === undefined ? '' : ` without fold ${fold.index} of ${fold.count}`;
  return {
    labels,
    train: parts.train,
    validation: parts.validation,
    calibration,
    validationName: `${share}${without}`,
  };
}

/** The labels that a run's network tells apart. @throws UserError for a dataset that cannot be trained on */
export const trainedLabels = async (run: RunOptions): Promise<LabelSet> => (await openTraining(run, undefined)).labels;

/** @throws UserError where the pictures that would be held out show one class only, or leave none to choose the best epoch on. */
function withoutCalibration(
  whole: Dataset,
  { calibration, valSplit, seed }: RunOptions,
): { readonly train: Dataset; readonly calibration: Dataset | undefined } {
  if (calibration === null) return { train: whole, calibration: undefined };
  const { train, validation } = holdOut(whole, calibration, seed);
  if (valSplit === null && Math.max(...classCounts(withMajority(train))) < 2) {
    throw new UserError(
      `So much is held out of ${whole.root} for a temperature that no class has two pictures left, one of which chooses the best epoch; hold out less, add pictures, or name a validation split.`,
      'input',
      { settings: ['calibration', 'valSplit'] },
    );
  }
  if (classCounts(validation).filter((count) => count > 0).length >= 2) return { train, calibration: validation };
  throw new UserError(
    `A temperature needs pictures of two classes, and what is held out of ${whole.root} for it shows one; leave that out, or add pictures.`,
    'input',
    { settings: ['calibration'] },
  );
}

const withMajority = (dataset: Dataset): Dataset => ({
  ...dataset,
  samples: dataset.samples.filter(({ majority }) => majority),
});

/** The part of the training split that a run of a cross-validation keeps for its measurement. */
export function foldOf({ folds, fold, seed }: RunOptions): FoldChoice | undefined {
  if (folds === null && fold === null) return undefined;
  if (folds !== null && fold !== null) return { index: fold, count: folds, seed };
  throw new UserError('A run of a cross-validation needs the number of folds and which of them it is.', 'usage', {
    settings: ['folds', 'fold'],
  });
}

/** Sentences about classes without pictures, and about what lies in the dataset and is none. */
export function noteClasses({ train, validation, validationName }: RunData): string[] {
  const lacking = (dataset: Dataset): string =>
    classCounts(dataset)
      .flatMap((count, i) => (count === 0 ? [printable(itemAt(dataset.labels.labels, i))] : []))
      .join(', ');
  const [untrained, unmeasured] = [lacking(train), lacking(validation)];
  return [
    ...(train.notes ?? []).map((sentence) => `Note: ${sentence}`),
    ...(untrained === '' ? [] : [`Note: no training picture shows ${untrained}: the network cannot learn it.`]),
    ...(unmeasured === ''
      ? []
      : [`Note: no validation picture (${validationName}) shows ${unmeasured}: means over classes leave it out.`]),
  ];
}

/**
 * Where votes are to be learned: a sentence about training pictures that have none, or about label smoothing where there are
 * only votes; undefined where all is as wished.
 */
export function noteVotes(run: RunOptions, { samples, split }: Dataset): string | undefined {
  if (run.targets !== 'distribution') return undefined;
  const without = samples.filter(({ distribution }) => distribution === undefined).length;
  if (without === 0) {
    return run.labelSmoothing === 0
      ? undefined
      : 'Note: label smoothing changes nothing, since all training pictures have votes, which are learned as they are.';
  }
  return (
    `Note: targets that are distributions are learned from votes, and ${without} of the ${samples.length} training pictures have none ` +
    `in votes.jsonl of split '${split}': their labels are learned.`
  );
}

/** The training split; where the run says which dataset it is, with that dataset's labels in their published order. */
async function openTraining(run: RunOptions, order: LabelSet | undefined): Promise<Dataset> {
  const options: DatasetOptions = { keepNonMajority: run.targets === 'distribution', setting: 'trainSplit' };
  const own = await loadDataset(run.data, run.trainSplit, options);
  if (run.dataType === null) {
    // Folders may sort otherwise than when the run began: renamed, or stored in another Unicode form.
    const isOther = order !== undefined && compareLabels(order, own.labels).kind === 'reordered';
    return isOther ? loadDataset(run.data, run.trainSplit, { ...options, labels: order }) : own;
  }
  const labels = dataTypeLabels[run.dataType];
  const { kind, mapping } = compareLabels(labels, own.labels);
  if (kind === 'same') return { ...own, labels };
  if (kind === 'different' && !(isNumbered(own.labels.labels) && own.labels.labels.length === labels.labels.length)) {
    const unknown = own.labels.labels.filter((_, i) => mapping[i] === -1);
    const lacking = labels.labels.filter((_, i) => !mapping.includes(i));
    const because = isNumbered(own.labels.labels)
      ? `${countText(own.labels.labels.length, 'numbered class folder')} for ${labels.labels.length} classes`
      : [
          ...(unknown.length > 0 ? [`it has ${unknown.map((name) => printable(name)).join(', ')} besides`] : []),
          ...(lacking.length > 0 ? [`it lacks ${lacking.join(', ')}`] : []),
        ].join(' and ') || 'a class comes twice';
    throw new UserError(
      `${run.data} does not have the ${labels.labels.length} classes of ${run.dataType} (${because}); choose another ` +
        'type of data, or other data.',
      'input',
      { settings: ['dataType', 'data'] },
    );
  }
  return loadDataset(run.data, run.trainSplit, { ...options, labels });
}
