import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { compareLabels } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { percent } from '../../common/percent.js';
import { printable } from '../../common/printable.js';
import type { ModelDescription } from '../../safetensors/index.js';
import { type Dataset, type DatasetOptions, divide, holdOut, isSameSplit, loadDataset } from '../datasets/index.js';

/** A split of a dataset in the order of the weights' labels. */
export interface WeightsOrder {
  /** With the pictures that have no majority. */
  readonly dataset: Dataset;
  /** What the dataset calls itself, whatever the weights call its labels. */
  readonly name: string;
}

/** @throws UserError where weights and data do not have the same expressions. */
export async function openInWeightsOrder(
  weights: LabelSet,
  root: string,
  { split, folderLabels }: { readonly split: string; readonly folderLabels?: LabelSet },
): Promise<WeightsOrder> {
  const given = { keepNonMajority: true, ...defined<DatasetOptions>({ labels: folderLabels }) };
  const own = await loadDataset(root, split, given);
  const remedy = 'use weights or data with the same labels';
  const { kind, explanation, settings } = compareLabels(weights, own.labels, remedy, ['checkpoint', 'data']);
  if (kind === 'different') throw new UserError(explanation, 'input', { settings });
  const dataset = kind === 'same' ? own : await loadDataset(root, split, { ...given, labels: weights });
  return { dataset, name: own.labels.name };
}

/** The part of a split that a run with this calibration share kept from training; default seed: the weights'. */
export interface CalibrationPart {
  readonly fraction: number;
  readonly seed: number | undefined;
}

/** What a temperature is fitted on. */
export interface CalibrationPictures {
  readonly dataset: Dataset;
  /** Which pictures these are. */
  readonly words: string;
  /** A sentence where the weights say that they have seen them. */
  readonly note?: string;
}

/**
 * The pictures of a split, or of that part of it which a run kept from training: of a cross-validation's, without the fold that it
 * kept for its measurement.
 */
export function calibrationPictures(
  { dataset, name }: WeightsOrder,
  part: CalibrationPart | undefined,
  { labels, training }: ModelDescription,
): CalibrationPictures {
  const { protocol, options } = training ?? {};
  const isTrained = protocol !== undefined && isSameSplit(dataset.split, protocol.trainSplit);
  const where = `split '${printable(dataset.split)}'`;
  const isTrainingData = isTrained && protocol.dataset === name;
  if (part === undefined) {
    const sentence = `The weights were trained on ${where} of a dataset of this name: of pictures that they have seen they are surer than of others.`;
    return { dataset, words: `${where} of ${labels.name}`, ...(isTrainingData ? { note: sentence } : {}) };
  }
  const { fraction } = part;
  const seed = part.seed ?? training?.seed ?? 0;
  const fold = isTrained ? protocol.fold : undefined;
  const whole = fold === undefined ? dataset : divide(dataset, fold).train;
  const without = fold === undefined ? '' : ` without fold ${fold.index} of ${fold.count}`;
  const words = `${percent(fraction)}% held out of ${where} of ${labels.name}${without}, seed ${seed}`;
  const sentence =
    `The run of these weights did not keep ${percent(fraction)}% of ${where} with seed ${seed} from training: of pictures that they ` +
    'have seen they are surer than of others.';
  const isKept = options === undefined || (seed === training?.seed && keptShare(options) === fraction);
  return {
    dataset: holdOut(whole, fraction, seed).validation,
    words,
    ...(isTrainingData && !isKept ? { note: sentence } : {}),
  };
}

/** What a run held out first: for its temperature, else for the choice of its best epoch. */
function keptShare({ calibration, valSplit, holdOut: share }: Readonly<Record<string, unknown>>): unknown {
  return (calibration ?? null) !== null ? calibration : valSplit === null ? share : undefined;
}
