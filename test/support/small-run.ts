import { join } from 'node:path';
import type { Batch } from '../../src/image/index.js';
import { zeros } from '../../src/nn/index.js';
import { loadTrainState } from '../../src/node/checkpoints/index.js';
import type { Dataset, LoadedBatch, Loader } from '../../src/node/datasets/index.js';
import { claimFolder } from '../../src/node/files/folder-lock.js';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { single } from '../../src/node/ranks/transport.js';
import { withEvents } from '../../src/node/report/training-events.js';
import type { TrainListener } from '../../src/node/runs/job.js';
import { runEpochs } from '../../src/node/runs/loop.js';
import { learningRateOf } from '../../src/node/runs/options.js';
import { defaultRun } from '../../src/node/runs/recipes.js';
import { holdsBest } from '../../src/node/runs/resume.js';
import { type RunRecord, snapshotOf } from '../../src/node/runs/save.js';
import { flatten } from '../../src/optim/index.js';
import { lastFileName, type TrainState } from '../../src/safetensors/index.js';
import type { Engine, Gradients, MicroBatch, PassResult } from '../../src/train/engine.js';
import { Trainer } from '../../src/train/trainer.js';

const labels = { name: 'faces', labels: ['happy', 'sad'] };
const batches = 2;
const size = 4;

/** One weight that moves as the learning rates say, and logits that follow from it: epochs 1 and 3 are the best so far. */
function engineFrom(state: TrainState | undefined, first: Float32Array): Engine {
  const weight = Float32Array.from(first);
  let steps = state?.optimizer.steps ?? 0;
  const momentum = Float32Array.from(state?.optimizer.slots.get('momentum')?.get('w') ?? [0]);
  const gradients: Gradients = {
    layout: flatten(new Map()),
    onHost: () => Promise.resolve(),
    climb: () => Promise.reject(new Error('no run here climbs')),
    update: (lr) => {
      steps++;
      momentum[0] = 0.9 * (momentum[0] ?? 0) + lr;
      weight[0] = (weight[0] ?? 0) + (momentum[0] ?? 0);
      return Promise.resolve();
    },
  };
  const resultOf = ({ size, targets }: MicroBatch): PassResult => ({
    losses: Float32Array.from({ length: size }, (_, i) => 0.5 + (targets[2 * i] ?? 0) / (2 + steps)),
    logits: Float32Array.from({ length: 2 * size }, (_, i) => (i + steps) % 3),
  });
  return {
    forwardBackward: (parts) =>
      Promise.resolve({ results: parts.map(resultOf), gradients, moveStatistics: () => Promise.resolve() }),
    logits: (_, n) => {
      // How many are right after so many epochs.
      const right = [0, 4, 3, 8][steps / batches] ?? 0;
      const isRight = (i: number): boolean => i < right;
      return Promise.resolve(
        Float32Array.from({ length: 2 * n }, (_, i) => Number((i % 2 === Math.floor(i / 2) % 2) === isRight(i >> 1))),
      );
    },
    snapshot: () =>
      Promise.resolve({
        parameters: new Map([['w', weight]]),
        averageUpdates: 0,
        optimizer: new Map([['momentum/w', momentum]]),
        optimizerSteps: steps,
      }),
    dispose: () => Promise.resolve(),
  };
}

function loaderOf(count: number, batchSize: number): Loader {
  const samples = Array.from({ length: count }, (_, i) => ({ path: `${i}.png`, label: i % 2, majority: true }));
  const dataset: Dataset = { root: 'faces', split: 'train', labels, samples };
  const batch = (index: number): LoadedBatch => ({
    index,
    size: batchSize,
    lowContrast: null,
    skipped: [],
    images: new Float32Array(batchSize),
    targets: Float32Array.from({ length: 2 * batchSize }, (_, i) => Number(i % 2 === (i >> 1) % 2)),
    labels: Int32Array.from({ length: batchSize }, (_, i) => i % 2),
    indices: Int32Array.from({ length: batchSize }, (_, i) => i),
  });
  return {
    dataset,
    batches: count / batchSize,
    skipped: [],
    async *epoch(_, { fromBatch = 0 } = {}) {
      for (let index = fromBatch; index < count / batchSize; index++) yield batch(index);
    },
    close: () => Promise.resolve(),
  };
}

/** As much of a PNG as event files read. */
const onePixel = Uint8Array.from({ length: 24 }, (_, i) => Number(i === 19 || i === 23));

export const epochs = 3;

/** A run of three epochs of two steps, without a network, as `poster train` does it; it goes on where there is a state. */
export async function smallRun(out: string, saveEvery: number, signal?: AbortSignal, more: TrainListener = {}) {
  const last = join(out, lastFileName);
  const stored = await loadTrainState(last).catch(() => undefined);
  const state = stored?.state;
  const run = {
    ...defaultRun('poster-v2-nano', 'faces'),
    ...({ epochs, batchSize: size, microBatch: size, optimizer: 'sgd', ema: 0 } as const),
  };
  const record: RunRecord = {
    run,
    description: {
      model: { name: 'poster-v2-nano', config: {} },
      labels,
      preprocessing: { imageSize: 1, channels: 1, mean: [0], std: [1] },
    },
    program: {
      parameters: new Map([['w', { name: 'w', shape: [1], init: zeros, role: 'weight', trained: true }]]),
      masks: new Map(),
    },
    command: 'poster train',
    dataset: 'faces',
    protocol: { dataset: 'faces', trainSplit: 'train', selectionSplit: null, selection: 'held out' },
    data: { train: 'a', validation: 'b' },
    teachers: [],
    commit: null,
  };
  const folder = await claimFolder(out, [lastFileName, 'best.safetensors', 'metrics.jsonl', 'run.json']);
  const events = withEvents(more, out, run, () => Promise.resolve({ 'validation/confusion': onePixel }));
  const trainLoader = loaderOf(batches * size, size);
  const trainer = new Trainer(
    engineFrom(state, stored?.model.parameters.get('w')?.data ?? new Float32Array(1)),
    { classes: 2, pixels: 1, masks: new Map(), learningRate: learningRateOf(run, batches) },
    { microBatch: size },
    stored && snapshotOf(stored).position,
  );
  try {
    const context = {
      job: { out, saveEvery, ...(state === undefined ? {} : { resume: last }) },
      run,
      record,
      trainer,
      trainLoader,
      teach: (batches: AsyncIterable<Batch>) => batches,
      valLoader: loaderOf(8, 8),
      listener: events.listener,
      ranks: new Communicator(single),
    };
    const hasBest = await holdsBest(out, state?.best);
    return await runEpochs(context, state, hasBest, signal, ({ epoch, step }, { events: history }) =>
      events.listener.onStart?.({
        ...{ device: 'cpu', trainSamples: 8, valSamples: 8, parameters: 1, batches, labels: labels.labels },
        epochsLeft: run.epochs - epoch,
        step,
        history,
      }),
    );
  } finally {
    await events.stop();
    await folder.leave();
  }
}
