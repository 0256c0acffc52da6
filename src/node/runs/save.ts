import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { entryOf } from '../../common/item-at.js';
import { describeZodError } from '../../common/json.js';
import {
  encodeTrainState,
  type ModelCheckpoint,
  type ModelDescription,
  type ProtocolRecord,
  type TrainingRecord,
  type TrainState,
} from '../../safetensors/index.js';
import type { Snapshot } from '../../train/engine.js';
import type { TrainingProgram } from '../../train/program.js';
import type { TrainerSnapshot } from '../../train/trainer.js';
import { type loadTrainState, saveLast, saveModel } from '../checkpoints/index.js';
import type { DataDigest } from './data-digest.js';
import { type RunOptions, withPaths } from './options.js';
import { bestFileName } from './run-document.js';
import { accumulatorsOf, positionOf, type RunPosition } from './run-position.js';
import type { TeacherRecord } from './teachers.js';
import { type Commit, versions } from './versions.js';

export interface RunRecord {
  readonly run: RunOptions;
  readonly description: ModelDescription;
  readonly program: Pick<TrainingProgram, 'parameters' | 'masks'>;
  readonly command: string;
  readonly dataset: string;
  readonly protocol: ProtocolRecord;
  readonly data: DataDigest;
  readonly teachers: readonly TeacherRecord[];
  /** Of this program; null where it is no clone. */
  readonly commit: Commit | null;
}

function checkpointOf(
  record: RunRecord,
  values: ReadonlyMap<string, Float32Array>,
  epoch: number,
  metrics: Readonly<Record<string, number>>,
): ModelCheckpoint {
  const parameters = new Map(
    [...record.program.parameters.values()].map(({ name, shape }) => [name, { shape, data: entryOf(values, name) }]),
  );
  return { ...record.description, parameters, training: trainingOf(record, epoch, metrics) };
}

function trainingOf(
  { command, commit, dataset, protocol, run }: RunRecord,
  epoch: number,
  metrics: Readonly<Record<string, number>>,
): TrainingRecord {
  return {
    command,
    seed: run.seed,
    epoch,
    metrics: { ...metrics },
    dataset,
    protocol,
    versions: versions(),
    ...(commit === null ? {} : { git: commit }),
    // Weights are passed on; where their maker keeps things is nobody's business.
    options: withPaths(run, (path) => basename(resolve(path))),
  };
}

/** The weights to use, averaged ones if there are any. */
export async function saveBest(
  dir: string,
  record: RunRecord,
  snapshot: Snapshot,
  epoch: number,
  metrics: Readonly<Record<string, number>>,
): Promise<string> {
  const path = join(dir, bestFileName);
  await saveModel(path, checkpointOf(record, snapshot.averaged ?? snapshot.parameters, epoch, metrics));
  return path;
}

/** Everything that going on needs. */
export async function saveState(dir: string, record: RunRecord, snapshot: Snapshot, at: RunPosition): Promise<string> {
  return saveLast(dir, checkpointOf(record, snapshot.parameters, at.epoch, {}), stateOf(record, snapshot, at));
}

/**
 * That what this run's checkpoints will say can be saved, by the rules of saving itself: to be called before anything is
 * trained.
 * @throws UserError that names what cannot be.
 */
export function checkSavable(record: RunRecord): void {
  const at = positionOf(undefined, false);
  const nothing: Snapshot = { parameters: new Map(), optimizer: new Map(), optimizerSteps: 0, averageUpdates: 0 };
  try {
    const model = { ...record.description, parameters: new Map(), training: trainingOf(record, 0, {}) };
    encodeTrainState(model, stateOf(record, nothing, at));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new UserError(
      `No checkpoint can hold what describes this run (${describeZodError(error)}); change that before training.`,
    );
  }
}

function stateOf({ data, run, teachers }: RunRecord, snapshot: Snapshot, at: RunPosition): TrainState {
  const { epoch, nextBatch, step, best } = at;
  return {
    ...{ epoch, nextBatch, step },
    ...(best ? { best } : {}),
    accumulators: accumulatorsOf(at),
    data,
    ...(teachers.length === 0 ? {} : { teachers: teachers.map(({ sha256 }) => sha256) }),
    seed: run.seed,
    // From wherever it is resumed.
    config: withPaths(run, (path) => resolve(path)),
    optimizer: {
      name: run.optimizer,
      steps: snapshot.optimizerSteps,
      scalars: {},
      slots: bySlot(snapshot.optimizer),
    },
    ...(snapshot.averaged
      ? { ema: { updates: snapshot.averageUpdates, decay: run.ema, arrays: snapshot.averaged } }
      : {}),
  };
}

/** What a stored state lets a trainer go on from. */
export function snapshotOf({ model, state }: Awaited<ReturnType<typeof loadTrainState>>): TrainerSnapshot {
  const optimizer = new Map<string, Float32Array>();
  for (const [slot, arrays] of state.optimizer.slots) {
    for (const [name, values] of arrays) optimizer.set(`${slot}/${name}`, values);
  }
  const { epoch, nextBatch, step } = state;
  return {
    parameters: new Map([...model.parameters].map(([name, { data }]) => [name, data])),
    optimizer,
    optimizerSteps: state.optimizer.steps,
    averageUpdates: state.ema?.updates ?? 0,
    ...(state.ema ? { averaged: state.ema.arrays } : {}),
    position: { epoch, nextBatch, step },
  };
}

/** `slot/parameter` arrays by slot, then by parameter. */
function bySlot(arrays: ReadonlyMap<string, Float32Array>): Map<string, Map<string, Float32Array>> {
  const slots = new Map<string, Map<string, Float32Array>>();
  for (const [key, values] of arrays) {
    const cut = key.indexOf('/');
    const name = key.slice(0, cut);
    const slot = slots.get(name) ?? new Map<string, Float32Array>();
    slot.set(key.slice(cut + 1), values);
    slots.set(name, slot);
  }
  return slots;
}
