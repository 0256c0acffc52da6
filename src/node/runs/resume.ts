import { createReadStream } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { compareLabels } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import type { ParameterSpec } from '../../nn/index.js';
import { lastFileName, requireFinite, type TrainState } from '../../safetensors/index.js';
import { firstMisfit } from '../../train/first-values.js';
import { type loadTrainState, readDescription } from '../checkpoints/index.js';
import { explainFileError, writeFileAtomic } from '../files/files.js';
import { exists, isFile } from '../files/path-kind.js';
import type { DataDigest } from './data-digest.js';
import type { RunOptions } from './options.js';
import { requireNoPlan } from './plan-files.js';
import type { RunData } from './run-data.js';
import { bestFileName, historyFileName, runFileName } from './run-document.js';
import { picturesOf } from './run-file.js';

type Stored = Awaited<ReturnType<typeof loadTrainState>>;

/**
 * That a stored state can go on as `run` says.
 * @throws UserError where its settings and state do not belong together, or it is beyond `run`'s last epoch.
 */
export function checkState({ model, state }: Stored, run: RunOptions, path: string): void {
  const problem =
    model.model.name !== run.model
      ? `the weights of a ${model.model.name} with the settings of a ${run.model}`
      : state.optimizer.name !== run.optimizer
        ? `the state of ${state.optimizer.name} with the settings of ${run.optimizer}`
        : undefined;
  if (problem !== undefined) {
    throw new UserError(`${printable(path)} holds ${printable(problem)}; resume from another checkpoint.`);
  }
  for (const [what, arrays] of [...state.optimizer.slots, ['average', state.ema?.arrays ?? []] as const]) {
    for (const [name, values] of arrays) requireFinite(values, `${what} of ${name}`, path);
  }
  const { epoch, nextBatch } = state;
  if (epoch > run.epochs || (epoch === run.epochs && nextBatch > 0)) {
    const where = nextBatch > 0 ? `is in epoch ${epoch + 1}` : `has ${countText(epoch, 'epoch')} behind it`;
    throw new UserError(
      `The run in ${printable(path)} ${where}, beyond the ${countText(run.epochs, 'epoch')} asked for; give more, or leave them out.`,
      'usage',
      { settings: ['epochs'] },
    );
  }
}

/** @throws UserError where a file does not hold the arrays of the network that its settings describe. */
export function checkSame(
  specs: ReadonlyMap<string, ParameterSpec>,
  found: ReadonlyMap<string, Float32Array>,
  path: string,
): void {
  const name = firstMisfit(specs, found);
  if (name === undefined) return;
  throw new UserError(
    `${path} does not hold the network that its settings describe (${name} is missing or has another size); resume from another checkpoint.`,
  );
}

/**
 * That the data is what the run has been trained on: it may lie elsewhere now.
 * @param digest of the data
 * @param path of the stored state
 * @returns a sentence where that could not be seen from all there is to compare
 * @throws UserError where classes or pictures are others.
 */
export async function checkData(
  { model, state }: Stored,
  { batchSize, data: folder }: RunOptions,
  { labels, train: { samples } }: RunData,
  digest: DataDigest,
  path: string,
): Promise<string | undefined> {
  const other = (problem: string): UserError =>
    new UserError(`${problem}; give the same data, or start a new run from these weights.`, 'input', {
      settings: ['data', 'init'],
    });
  if (!isDeepStrictEqual(model.labels.labels, labels.labels) && compareLabels(model.labels, labels).kind !== 'same') {
    const names = (set: LabelSet): string => printable(set.labels.join(', '), 200);
    throw other(`The run was trained on the classes ${names(model.labels)}, and ${folder} has ${names(labels)}`);
  }
  const before = await picturesOf(dirname(path));
  const batches = Math.ceil(samples.length / batchSize);
  // Fewer updates are possible: batches of which no picture could be read.
  if ((before?.train ?? samples.length) !== samples.length || state.step > state.epoch * batches + state.nextBatch) {
    const were = before === undefined ? 'another number of pictures' : countText(before.train, 'picture');
    throw other(`The run was trained on ${were}, and ${folder} has ${samples.length} to train on`);
  }
  if (state.data === undefined) {
    return (
      'Note: this state is of an early version, which kept no digest of its pictures: whether these are the same was ' +
      'judged by their number alone.'
    );
  }
  for (const [part, what] of [
    ['train', 'trained on'],
    ['validation', 'chooses its best epoch on'],
  ] as const) {
    if (state.data[part] === digest[part]) continue;
    throw other(
      `The pictures that the run ${part === 'train' ? 'was ' : ''}${what} are not those of ${folder}: names, labels or sizes ` +
        'of files differ',
    );
  }
  return undefined;
}

/**
 * Takes along what lies beside a stored state when its run goes on in another folder: the best weights so far, the
 * history and `run.json`. What is not there is left out.
 * @param to a folder that exists
 * @returns whether the weights of the best epoch so far are in `to` now
 * @throws UserError where a file cannot be read or written, or other weights in `to` would be written over.
 */
export async function carryOver(path: string, to: string, best: TrainState['best']): Promise<boolean> {
  const from = dirname(path);
  if (resolve(from) !== resolve(to)) {
    // Those of this run lie there where copying was broken off before.
    if (!(await holdsBest(to, best))) await requireNoBest(to);
    if (await holdsBest(from, best)) await copy(bestFileName, from, to);
    for (const name of [historyFileName, runFileName]) if (await isFile(join(from, name))) await copy(name, from, to);
  }
  return holdsBest(to, best);
}

/** Whether a resumed run's folder has its state already. */
export const isOwnState = (path: string, out: string): boolean => resolve(path) === resolve(out, lastFileName);

/** @throws UserError where a folder holds a run already, which another one would write over, or several runs. */
export async function requireNoRun(out: string): Promise<void> {
  const last = join(out, lastFileName);
  if (!(await exists(last))) return requireNoPlan(out);
  throw new UserError(
    `${printable(out, 4096)} already holds a run; resume it (resume from ${printable(last, 4096)}) or choose another folder.`,
    'usage',
    { settings: ['resume', 'out'] },
  );
}

/** @throws UserError where a run that begins would write over another one, or over weights that are left of one. */
export async function requireNoWeights(out: string): Promise<void> {
  await requireNoRun(out);
  await requireNoBest(out);
}

async function requireNoBest(out: string): Promise<void> {
  const best = join(out, bestFileName);
  if (!(await exists(best))) return;
  throw new UserError(
    `${printable(best, 4096)} would be written over; move it away, or choose another folder.`,
    'usage',
    { settings: ['out'] },
  );
}

/** Whether the best weights in a folder are those that a state speaks of: they may be another run's, or of another epoch. */
export async function holdsBest(folder: string, best: TrainState['best']): Promise<boolean> {
  const path = join(folder, bestFileName);
  if (best === undefined || !(await isFile(path))) return false;
  try {
    const { training } = await readDescription(path);
    return training?.epoch === best.epoch + 1 && training.metrics[best.metric] === best.value;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function copy(name: string, from: string, to: string): Promise<void> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of createReadStream(join(from, name))) yield Buffer.from(chunk);
    } catch (error) {
      throw explainFileError(error, 'read', join(from, name));
    }
  }
  await writeFileAtomic(join(to, name), chunks());
}
