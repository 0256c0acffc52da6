import { basename, join, relative, resolve } from 'node:path';
import { aText, requireOptions } from '../../common/check-options.js';
import { withoutFolders } from '../../common/command-line.js';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { countsOf } from '../../common/sampling.js';
import type { DetectOptions } from '../../detect/index.js';
import { classesFor } from '../../learn/classes.js';
import {
  type LabelledCrop,
  type LearnEpoch,
  type Learned,
  Learner,
  type LearnOptions,
  readBase,
} from '../../learn/index.js';
import { largestFace } from '../../learn/largest-face.js';
import type { AssumedModel } from '../../models/index.js';
import { Recognizer } from '../../recognize/index.js';
import type { TrainingRecord } from '../../safetensors/index.js';
import { requireNoState, saveModel } from '../checkpoints/index.js';
import { type Dataset, loadDataset, splitsOf } from '../datasets/index.js';
import { bundledCheckpoint, requireBundledCheckpoint } from '../host/bundled-weights.js';
import { programCommit, versions } from './versions.js';

export interface LearnFolderOptions extends Omit<LearnOptions, 'base' | 'crops' | 'labels' | 'name'> {
  /** File to write, a `.safetensors`. */
  readonly out: string;
  /** The weights to begin with: a file, or a folder that holds one. Default: the bundled ones. */
  readonly checkpoint?: string;
  /** What a checkpoint that does not say it itself holds. */
  readonly assumed?: AssumedModel;
  /** The pictures are face crops already: nothing is detected. Default false. */
  readonly aligned?: boolean;
  /** How faces are found. */
  readonly detect?: Omit<DetectOptions, 'signal'>;
  /** For the record in the file (default: that this function was called). */
  readonly command?: string;
  /** While faces are looked for it ends all, by throwing the signal's reason; later it ends training, and the best so far is saved. */
  readonly signal?: AbortSignal;
  readonly onPicture?: (done: number, total: number) => void;
  readonly onEpoch?: (epoch: LearnEpoch) => void;
}

export interface LearnedFolder extends Pick<Learned, 'epoch' | 'evaluation' | 'history'> {
  /** The file that was written. */
  readonly path: string;
  readonly labels: LabelSet;
  /** Crops that trained, and that were held out. */
  readonly counts: { readonly training: number; readonly heldOut: number };
  /** Pictures that were left out, relative to the folder, and why. */
  readonly without: readonly { readonly picture: string; readonly reason: string }[];
  /** What the user should know about the folders: a sentence each. */
  readonly notes: readonly string[];
  /** Of wall time: looking for faces, and training. */
  readonly seconds: { readonly faces: number; readonly training: number };
  /** Whether the signal ended it before its last epoch. */
  readonly interrupted: boolean;
}

/**
 * Learns expressions from class folders of photos: the largest face of each is cut out as the weights were trained, a part of
 * each class is held out, and the network that the weights hold is fine-tuned on the others.
 * @throws UserError where folder or weights cannot be used, or the classes cannot be learned: one alone, one with fewer than two
 * faces
 */
export async function learn(root: string, options: LearnFolderOptions): Promise<LearnedFolder> {
  requireOptions<LearnFolderOptions>(options, { out: aText }, 'learn');
  await requireNoState(options.out);
  const { out, checkpoint, assumed, aligned, detect, command, signal, onPicture, onEpoch, ...learning } = options;
  const dataset = await classFoldersIn(root);
  const path =
    checkpoint === undefined || checkpoint === bundledCheckpoint() ? await requireBundledCheckpoint() : checkpoint;
  const base = await readBase(path, assumed);
  // What the folders say already is told before their pictures are looked at.
  const shown = dataset.samples.map(({ label }) => itemAt(dataset.labels.labels, label));
  classesFor(base.labels.labels, shown, { labels: dataset.labels.labels, ...defined({ keep: options.keep }) });
  const begun = performance.now();
  const found = await facesIn(
    dataset,
    path,
    defined({ assumed, aligned, detect, signal, onPicture, threads: options.threads }),
  );
  const trained = performance.now();
  const name = printable(dataset.labels.name, 200);
  const learner = await Learner.create({ ...learning, base, crops: found.crops, labels: dataset.labels.labels, name });
  try {
    const interrupted = await trainAll(learner, signal, onEpoch);
    const { checkpoint: model, epoch, evaluation, history } = learner.best();
    const { counts, labels } = learner;
    const commit = await programCommit();
    const training: TrainingRecord = {
      command: command === undefined ? `learn(${JSON.stringify(basename(resolve(root)))})` : withoutFolders(command),
      seed: options.seed ?? 0,
      epoch,
      metrics: defined<{ accuracy: number; crossEntropy: number }>({
        accuracy: evaluation.accuracy ?? undefined,
        crossEntropy: evaluation.crossEntropy ?? undefined,
      }),
      dataset: `${countText(counts.heldOut, 'face')} held out of '${name}', which trained on ${counts.training}`,
      versions: versions(),
      ...(commit === null ? {} : { git: commit }),
    };
    await saveModel(out, { ...model, training });
    const seconds = { faces: (trained - begun) / 1000, training: (performance.now() - trained) / 1000 };
    const { without } = found;
    return {
      path: out,
      labels,
      counts,
      epoch,
      evaluation,
      history,
      without,
      notes: dataset.notes ?? [],
      seconds,
      interrupted,
    };
  } finally {
    await learner.dispose();
  }
}

/** @returns whether the signal ended it. What it had learned until then is there. */
async function trainAll(
  learner: Learner,
  signal: AbortSignal | undefined,
  onEpoch: ((epoch: LearnEpoch) => void) | undefined,
): Promise<boolean> {
  let isBegun = false;
  try {
    for await (const epoch of learner.train(defined({ signal }))) {
      isBegun = true;
      onEpoch?.(epoch);
    }
    return false;
  } catch (error) {
    if (isBegun && signal?.aborted === true && error === signal.reason) return true;
    throw error;
  }
}

/** @throws UserError where the folder holds splits, which are more than one set of classes, or tensors. */
async function classFoldersIn(root: string): Promise<Dataset> {
  const splits = await splitsOf(root);
  const [first] = splits;
  if (first !== undefined && first !== '.') {
    throw new UserError(
      `${root} holds splits (${splits.map((split) => printable(split)).join(', ')}) and no class folders; give one of them, such as ${join(root, first)}.`,
    );
  }
  const dataset = await loadDataset(root, '.');
  if (dataset.tensors !== true) return dataset;
  throw new UserError(
    `${root} holds prepared tensors (dataset.json), in which no faces can be found; give photos or crops.`,
  );
}

interface Found {
  readonly crops: readonly LabelledCrop[];
  readonly without: LearnedFolder['without'];
}

/** @throws UserError where a class is left with fewer than two faces */
async function facesIn(
  { root, labels, samples }: Dataset,
  checkpoint: string,
  options: Pick<LearnFolderOptions, 'assumed' | 'aligned' | 'detect' | 'threads' | 'signal' | 'onPicture'>,
): Promise<Found> {
  const { signal, onPicture, ...loading } = options;
  const crops: LabelledCrop[] = [];
  const without: { readonly picture: string; readonly reason: string }[] = [];
  const shown: number[] = [];
  const recognizer = await Recognizer.load({ checkpoint, ...loading });
  try {
    let done = 0;
    const paths = samples.map(({ path }) => path);
    for await (const result of recognizer.settle(paths, { crops: true, ...defined({ signal }) })) {
      const { path, label } = itemAt(samples, done);
      const crop = result.status === 'fulfilled' ? largestFace(result.value.faces)?.crop : undefined;
      if (crop === undefined) {
        const reason = result.status === 'rejected' ? messageOf(result.reason) : 'no face was found';
        without.push({ picture: relative(root, path), reason });
      } else {
        crops.push({ crop, label: itemAt(labels.labels, label) });
        shown.push(label);
      }
      done++;
      onPicture?.(done, samples.length);
    }
  } finally {
    await recognizer.dispose();
  }
  checkFaces(labels, countsOf(shown, labels.labels.length), samples, without);
  return { crops, without };
}

function checkFaces(
  { labels }: LabelSet,
  faces: readonly number[],
  samples: Dataset['samples'],
  [first]: LearnedFolder['without'],
): void {
  const pictures = countsOf(
    samples.map(({ label }) => label),
    labels.length,
  );
  labels.forEach((label, k) => {
    const [all, usable] = [itemAt(pictures, k), itemAt(faces, k)];
    if (usable >= 2 || usable === all || first === undefined) return;
    throw new UserError(
      `Of the class '${printable(label, 60)}' only ${usable} of ${all} pictures can be used, and two are the least ` +
        `(${printable(first.picture, 300)}: ${printable(first.reason, 300)}); add photos in which its faces are larger and upright.`,
    );
  });
}
