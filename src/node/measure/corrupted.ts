import { join } from 'node:path';
import { cropTemplateFor } from '../../common/crop-templates.js';
import { UserError } from '../../common/errors.js';
import { increase, itemAt } from '../../common/item-at.js';
import { forEachParallel } from '../../common/parallel.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { random } from '../../common/random.js';
import { type Corruption, corruptible, corruptions, type LowContrast, type Picture } from '../../image/index.js';
import { confusionMatrix, predictions, type Robustness, robustnessOf, type Scores } from '../../metrics/index.js';
import { type Classifier, cropTensor, cropWhole } from '../../recognize/index.js';
import type { Dataset } from '../datasets/index.js';
import { decodePicture } from '../decode/index.js';
import { type LabelMapping, mapLogits } from './label-mapping.js';

export interface CorruptionOptions {
  /** Of noise and directions (default 0). */
  readonly seed?: number;
  /** Where eyes and mouth lie in the crops. Default: as the weights say. */
  readonly template?: CropTemplate;
  /** Gives up, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
  /** Counts pictures once for every corruption and strength. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was measured, and with what. */
export interface MeasuredRobustness extends Robustness {
  readonly seed: number;
  /** Corruptions that were left out: the crop template of the weights does not say where in the face they would be. */
  readonly leftOut: readonly string[];
}

/** Pictures that were measured as they are. */
interface MeasuredPictures {
  /** Relative to the dataset's folder. */
  readonly paths: readonly string[];
  readonly labels: readonly number[];
  readonly logits: Scores;
}

/** @throws UserError for a dataset whose files hold tensors. */
export function checkCorruptible({ root, tensors }: Pick<Dataset, 'root' | 'tensors'>): void {
  if (tensors !== true) return;
  throw new UserError(
    `${root} holds tensors (.npy), and corruptions change pictures; name the folder of the pictures that they were made of.`,
  );
}

/** Decoded at once. */
const lanes = 3;

/**
 * Measures a classifier on pictures under every corruption, at every strength. Each decoded picture is corrupted before it is
 * brought to the network's size, as light, lenses and files do it, so that networks of other sizes are given the same.
 * @param measured the pictures, which can be read, and what the network says of them as they are
 */
export async function corruptedFigures(
  classifier: Classifier,
  dataset: Dataset,
  measured: MeasuredPictures,
  mapping: LabelMapping,
  settings: CorruptionOptions & { readonly batchSize: number; readonly lowContrast: LowContrast },
): Promise<MeasuredRobustness> {
  const { seed = 0, signal, batchSize, lowContrast, onProgress } = settings;
  checkCorruptible(dataset);
  const { preprocessing } = classifier;
  const { points } = settings.template ?? cropTemplateFor(preprocessing);
  const applicable = corruptions.filter(({ needs }) => needs.every((name) => points[name] !== undefined));
  const variants = applicable.flatMap((corruption) =>
    corruption.strengths.map((strength) => ({ corruption, strength })),
  );
  const classes = measured.logits.classes;
  const tallies = variants.map(() => emptyMatrix(classes));
  const { paths, labels } = measured;
  const total = paths.length * variants.length;
  let done = 0;
  const count = async (crops: readonly Picture[], first: number, matrix: number[][]): Promise<void> => {
    const { logits } = await classifier.classify(cropTensor(crops, preprocessing), crops.length);
    const data = mapLogits(logits, classifier.labels.labels.length, mapping);
    predictions({ classes, data }).forEach((predicted, i) => {
      increase(itemAt(matrix, itemAt(labels, first + i)), predicted);
    });
    done += crops.length;
    onProgress?.(done, total);
  };
  for (let first = 0; first < paths.length; first += batchSize) {
    const pictures = await decoded(dataset.root, paths.slice(first, first + batchSize), signal);
    // The network runs beside the making of what it gets next.
    let running = Promise.resolve();
    for (const [v, { corruption, strength }] of variants.entries()) {
      const crops = pictures.map((picture, i) =>
        cropWhole(corrupt(picture, corruption, strength, points, seed, first + i), preprocessing, lowContrast),
      );
      await running;
      signal?.throwIfAborted();
      running = count(crops, first, itemAt(tallies, v));
      // It is awaited in turn; until then its failure is not unhandled.
      running.catch(() => undefined);
    }
    await running;
  }
  const counts = applicable.map(({ name, unit, strengths }, c) => ({
    name,
    unit,
    strengths: strengths.map((strength, s) => ({ strength, confusion: itemAt(tallies, c * strengths.length + s) })),
  }));
  return {
    seed,
    ...robustnessOf(confusionMatrix(labels, predictions(measured.logits), classes), counts),
    leftOut: corruptions.filter((one) => !applicable.includes(one)).map(({ name }) => name),
  };
}

function corrupt(
  picture: Picture,
  { name, apply }: Corruption,
  strength: number,
  points: CropTemplate['points'],
  seed: number,
  index: number,
): Picture {
  return apply(picture, strength, { points, stream: random(seed, 'corruption', name, index) });
}

async function decoded(root: string, paths: readonly string[], signal: AbortSignal | undefined): Promise<Picture[]> {
  const pictures = new Map<number, Picture>();
  await forEachParallel(
    paths,
    lanes,
    async (path, i) => {
      pictures.set(i, corruptible(await decodePicture(join(root, path))));
    },
    signal,
  );
  return [...pictures].sort(([a], [b]) => a - b).map(([, picture]) => picture);
}

const emptyMatrix = (classes: number): number[][] =>
  Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
