import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { calibration, crossEntropy, fitTemperature, NoTemperatureError, type Scores } from '../../metrics/index.js';
import { parseNetwork } from '../../models/index.js';
import { type Classifier, loadClassifier } from '../../recognize/classifier.js';
import type { NetworkOptions } from '../../recognize/network.js';
import {
  fromFloat32,
  type ModelDescription,
  type Preference,
  rareHead,
  type TemperatureRecord,
  type Tensor,
  toFloat32,
} from '../../safetensors/index.js';
import { amendable, amendModel, readCheckpointFile } from '../checkpoints/index.js';
import { createLoader, type Dataset, type Skipped } from '../datasets/index.js';
import { type CalibrationPart, calibrationPictures, openInWeightsOrder } from './calibration-pictures.js';
import { mapLabels } from './label-mapping.js';
import { scoresOf } from './scores.js';

export interface FitOptions {
  /** What the probabilities are to agree with: the majority labels (default), or the shares of the votes. */
  readonly targets?: TemperatureRecord['targets'];
  /** Pictures at once (default 32). */
  readonly batchSize?: number;
  readonly workers?: number;
  /** A picture that cannot be read is an error instead of being left out (default false). */
  readonly strict?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Figures on the pictures that a temperature was fitted on, against their labels. */
export interface FitFigures {
  /** Expected calibration error, a fraction. */
  readonly ece: number | null;
  /** In nats. */
  readonly crossEntropy: number | null;
}

export interface FittedTemperature {
  readonly record: TemperatureRecord;
  readonly before: FitFigures;
  readonly after: FitFigures;
  readonly skipped: readonly Skipped[];
}

/**
 * Fits a temperature on pictures, by their majority labels or votes; those without a majority are left out.
 * @param classifier loaded with `raw`
 * @param dataset in the order of the classifier's labels; pictures that the network was not trained on
 * @param words which pictures these are
 * @param shift what is added to the logits of each class
 * @throws UserError where the pictures leave it open (`fitTemperature`), or have no votes where those are asked for.
 */
export async function temperatureFor(
  classifier: Classifier,
  dataset: Dataset,
  words: string,
  { targets = 'labels', batchSize = 32, workers, strict = false, onProgress }: FitOptions = {},
  shift?: readonly number[],
): Promise<FittedTemperature> {
  const voted = dataset.samples.filter(({ majority }) => majority);
  const wanted = targets === 'labels' ? voted : voted.filter(({ distribution }) => distribution !== undefined);
  if (wanted.length === 0) {
    const what = targets === 'labels' ? 'a majority among its votes' : 'votes';
    throw new NoTemperatureError(
      `No picture (${words}) has ${what}, so no temperature can be fitted; use other pictures.`,
    );
  }
  const { preprocessing, labels: own } = classifier;
  const loader = createLoader(
    { ...dataset, samples: wanted },
    { preprocessing, batchSize, strict, cacheBytes: 0, ...defined({ workers }) },
  );
  try {
    const { measured, indices } = await scoresOf(classifier, loader, mapLabels(own, own), onProgress);
    const { labels } = measured;
    const logits = shift === undefined ? measured.logits : shifted(measured.logits, shift);
    const value = fitTemperature(targets === 'labels' ? labels : sharesOf(wanted, indices, logits.classes), logits);
    const tempered = { ...logits, data: logits.data.map((logit) => logit / value) };
    return {
      record: { format: 1, value, targets, pictures: labels.length, dataset: printable(words, 300) },
      before: figures(labels, logits),
      after: figures(labels, tempered),
      skipped: loader.skipped,
    };
  } finally {
    await loader.close();
  }
}

const shifted = ({ classes, data }: Scores, shift: readonly number[]): Scores => ({
  classes,
  data: data.map((logit, i) => logit + itemAt(shift, i % classes)),
});

function sharesOf(samples: Dataset['samples'], indices: readonly number[], classes: number): Scores {
  const data = new Float32Array(indices.length * classes);
  for (const [row, index] of indices.entries()) {
    const { distribution, path } = itemAt(samples, index);
    if (distribution === undefined) throw new Error(`there are no votes of ${path}`);
    data.set(distribution, row * classes);
  }
  return { classes, data };
}

const figures = (labels: readonly number[], logits: Scores): FitFigures => ({
  ece: calibration(labels, logits).ece,
  crossEntropy: crossEntropy(labels, logits),
});

export interface CalibrateOptions extends FitOptions {
  readonly split: string;
  /** Use only the part that a run kept from training. */
  readonly part?: CalibrationPart;
  /** Which expressions numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** File to write (default: the one that is read). */
  readonly out?: string;
  /** How the network is run. */
  readonly network?: Omit<NetworkOptions, 'raw' | 'prefer'>;
}

export interface Calibrated extends FittedTemperature {
  /** Of the head that prefers rare classes, where the file has one. */
  readonly rare?: FittedTemperature;
  /** The file that was written. */
  readonly path: string;
  /** What to mind, a sentence each: that the weights have seen the pictures. */
  readonly notes: readonly string[];
}

/**
 * Fits a temperature to a checkpoint on pictures of a dataset, and writes the checkpoint with it.
 * @param path a safetensors file, or a folder that holds one
 * @throws UserError where checkpoint or data cannot be used, they do not have the same expressions, or the pictures
 * leave the temperature open.
 */
export async function calibrate(path: string, root: string, options: CalibrateOptions): Promise<Calibrated> {
  const file = await amendable(path, options.out);
  const own = await fittedHead(path, root, options, 'accuracy');
  const { record } = own.fitted;
  const { description, notes } = own;
  const { heads } = description;
  const out = options.out ?? file;
  if (heads?.rare === undefined) {
    await amendModel(file, out, { ...description, temperature: record });
    return { ...own.fitted, path: out, notes };
  }
  const { bias, shift } = await biasFor(file, description, record.value);
  const { fitted: rare } = await fittedHead(path, root, options, 'rare', shift);
  const both = { ...heads, rare: { ...heads.rare, temperature: rare.record } };
  await amendModel(file, out, { ...description, temperature: record, heads: both }, new Map([[rareHead.bias, bias]]));
  return { ...own.fitted, rare, path: out, notes };
}

/**
 * The bias of the head that prefers rare classes for another temperature of the network: it differs from the network's own by the
 * temperature times logarithms (`rebalance`), so that probabilities are still multiplied by the same.
 * @returns with what that adds to each logit of the head
 */
async function biasFor(
  file: string,
  { model, temperature }: ModelDescription,
  now: number,
): Promise<{ readonly bias: Tensor; readonly shift: readonly number[] }> {
  const { head } = parseNetwork(model, `The network configuration in ${file}`).family;
  const { tensors } = await readCheckpointFile(file, (name) => name === head.bias || name === rareHead.bias);
  const valuesOf = (name: string): readonly [Tensor, Float32Array] => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new UserError(`${file} has no ${name}; use another checkpoint.`);
    return [tensor, toFloat32(tensor, name)];
  };
  const [, own] = valuesOf(head.bias);
  const [{ shape }, rare] = valuesOf(rareHead.bias);
  const ratio = now / (temperature?.value ?? 1);
  const data = rare.map((value, k) => itemAt(own, k) + (value - itemAt(own, k)) * ratio);
  return {
    bias: fromFloat32({ shape, data }),
    shift: Array.from(data, (value, k) => value - itemAt(rare, k)),
  };
}

interface FittedHead extends Pick<Calibrated, 'notes'> {
  readonly fitted: FittedTemperature;
  readonly description: ModelDescription;
}

async function fittedHead(
  path: string,
  root: string,
  options: CalibrateOptions,
  prefer: Preference,
  shift?: readonly number[],
): Promise<FittedHead> {
  const classifier = await loadClassifier(path, { ...options.network, raw: true, prefer });
  try {
    const { description } = classifier;
    const opened = await openInWeightsOrder(classifier.labels, root, options);
    const { dataset, words, note } = calibrationPictures(opened, options.part, description);
    const fitted = await temperatureFor(classifier, dataset, words, options, shift);
    return { fitted, description, notes: note === undefined ? [] : [note] };
  } finally {
    await classifier.dispose();
  }
}
