import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../src/common/errors.js';
import {
  lastCheckpointAt,
  loadLast,
  loadTrainState,
  readRunConfig,
  saveLast,
} from '../src/node/checkpoints/last-checkpoint.js';
import { loadModel, saveModel } from '../src/node/checkpoints/model-file.js';
import { readSafetensors, writeSafetensors } from '../src/node/checkpoints/safetensors-file.js';
import type { ModelCheckpoint } from '../src/safetensors/model-checkpoint.js';
import { lastFileName, type TrainState } from '../src/safetensors/train-state.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-state-'));
after(() => rm(dir, { recursive: true }));

const model: ModelCheckpoint = {
  model: { name: 'test', config: {} },
  labels: { name: 'two', labels: ['a', 'b'] },
  preprocessing: { imageSize: 4, channels: 1, mean: [0], std: [1] },
  parameters: new Map([
    ['w/1', { shape: [2, 1], data: new Float32Array([1, 2]) }],
    ['running_var', { shape: [1], data: new Float32Array([0.3]) }],
  ]),
};

const state: TrainState = {
  epoch: 3,
  nextBatch: 17,
  step: 317,
  seed: 42,
  config: { lr: 3.5e-5, nested: [null, true] },
  accumulators: { loss: 0.1 + 0.2, samples: 1234, votes: [1, 2.5] },
  best: { epoch: 2, metric: 'accuracy', value: 1 / 3 },
  optimizer: {
    name: 'adam',
    steps: 317,
    scalars: { beta1Power: 0.9 ** 317 },
    slots: new Map([
      ['exp_avg', new Map([['w/1', new Float32Array([1e-40, -0])]])],
      ['exp_avg_sq', new Map([['w/1', new Float32Array([Number.NaN, Number.POSITIVE_INFINITY])]])],
      ['empty', new Map()],
    ]),
  },
  ema: {
    updates: 300,
    decay: 0.999,
    arrays: new Map([
      ['w/1', new Float32Array([7, 8])],
      ['running_var', new Float32Array([0.5])],
    ]),
  },
};

test('the state of training comes back to the bit, with the model', async () => {
  const run = join(dir, 'new', 'run');
  const path = await saveLast(run, model, state);
  assert.equal(path, join(run, lastFileName));
  assert.deepEqual(await loadLast(run), { model, state });
  assert.deepEqual(await readdir(run), [lastFileName]);
});

test('the last checkpoint is a model checkpoint too', async () => {
  assert.deepEqual(await loadModel(await saveLast(join(dir, 'model'), model, state)), model);
});

test("a run's folder means its state, also where its best weights are beside it", async () => {
  const run = join(dir, 'both');
  const path = await saveLast(run, model, state);
  await saveModel(join(run, 'best.safetensors'), model);
  assert.equal(await lastCheckpointAt(run), path);
  assert.equal(await lastCheckpointAt(path), path);
  for (const named of [run, path]) assert.deepEqual(await readRunConfig(named), state.config);
  await assert.rejects(readRunConfig(dir), /Cannot read .*last\.safetensors: there is no such file/);
});

test('what is optional may be absent; one flat array an optimizer is fine', async () => {
  const { best: _best, ema: _ema, ...rest } = state;
  const flat: TrainState = {
    ...rest,
    optimizer: { ...state.optimizer, slots: new Map([['momentum', new Map([['', new Float32Array(5)]])]]) },
  };
  await saveLast(join(dir, 'flat'), model, flat);
  assert.deepEqual((await loadLast(join(dir, 'flat'))).state, flat);
});

test('nothing to resume, or nonsense, is a sentence', async () => {
  await assert.rejects(loadLast(join(dir, 'nowhere')), /Cannot read .*last\.safetensors: there is no such file/);
  const weights = join(dir, 'weights.safetensors');
  await saveModel(weights, model);
  await assert.rejects(loadTrainState(weights), {
    message: /holds weights but no state of training.*: start a run from it/,
    settings: ['init'],
  });

  const path = await saveLast(join(dir, 'hostile'), model, state);
  const { metadata, tensors } = await readSafetensors(path);
  const broken = (json: string): Promise<void> =>
    writeSafetensors(path, tensors, new Map([...metadata, ['poster_v2_train_state', json]]));
  for (const json of ['', '[]', '{"format":1}', '{"format":1,"epoch":-1}']) {
    await broken(json);
    await assert.rejects(loadTrainState(path), (error) => {
      assert(error instanceof UserError);
      assert.match(error.message, /^The training state in .*last\.safetensors/);
      return true;
    });
  }
  const short = new Map(tensors);
  short.set('train_state/ema/w/1', { dtype: 'F32', shape: [1], data: new Uint8Array(4) });
  await writeSafetensors(path, short, metadata);
  await assert.rejects(loadTrainState(path), /inconsistent: the average of w\/1 has 1 values for a parameter of 2/);
  for (const name of model.parameters.keys()) {
    const lacking = new Map(tensors);
    lacking.delete(`train_state/ema/${name}`);
    await writeSafetensors(path, lacking, metadata);
    await assert.rejects(loadTrainState(path), {
      name: 'UserError',
      message: new RegExp(`inconsistent: the average of ${name} is missing; resume from another checkpoint`),
    });
  }
});

test('a state that could not be read back is a defect, and the previous one stays', async () => {
  const run = join(dir, 'defect');
  await saveLast(run, model, state);
  const wrong: readonly TrainState[] = [
    { ...state, accumulators: { loss: Number.NaN } },
    { ...state, optimizer: { ...state.optimizer, slots: new Map([['a/b', new Map()]]) } },
  ];
  for (const each of wrong) {
    await assert.rejects(saveLast(run, model, each), (error) => !(error instanceof UserError));
  }
  assert.deepEqual((await loadLast(run)).state, state);
});

test('killed at any moment while saving, the checkpoint is whole', { timeout: 60_000 }, async () => {
  const run = join(dir, 'killed');
  // Every value of generation n is n, so a mixture of two generations shows.
  const script = `
    const { saveLast } = await import(${JSON.stringify(new URL('../src/node/checkpoints/last-checkpoint.js', import.meta.url).href)});
    const array = (n) => new Float32Array(60_000).fill(n);
    for (let n = Number(process.argv[1]); ; n++) {
      await saveLast(${JSON.stringify(run)}, {
        model: { name: 'test', config: {} },
        labels: { name: 'two', labels: ['a', 'b'] },
        preprocessing: { imageSize: 4, channels: 1, mean: [0], std: [1] },
        parameters: new Map(['a', 'b', 'c'].map((name) => [name, { shape: [60_000], data: array(n) }])),
      }, {
        epoch: 0, nextBatch: n, step: n, seed: 0, config: null, accumulators: {},
        optimizer: { name: 'adam', steps: n, scalars: {}, slots: new Map([['m', new Map([['a', array(n)]])]]) },
      });
      console.log(n);
    }`;
  let reached = 0;
  let interrupted = 0;
  // A busy machine may need more rounds until a kill meets the writing.
  for (let round = 0; round < 10 || (interrupted === 0 && round < 60); round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, String(reached + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    let reported = reached;
    lines.on('line', (line) => {
      reported = Number(line);
    });
    await once(lines, 'line');
    await sleep(Math.random() * 12);
    child.kill('SIGKILL');
    await once(child, 'close');

    const { model: loaded, state: resumed } = await loadLast(run);
    // What was reported as saved is there, or the one after it, which was renamed but not reported any more.
    assert(resumed.step === reported || resumed.step === reported + 1, `${resumed.step} after ${reported}`);
    const arrays = [...loaded.parameters.values()].map(({ data }) => data);
    arrays.push(...[...resumed.optimizer.slots.values()].flatMap((slot) => [...slot.values()]));
    assert.equal(arrays.length, 4);
    for (const data of arrays) assert(data.every((value) => value === resumed.step));
    reached = resumed.step;
    const leftovers = (await readdir(run)).filter((name) => name.endsWith('.tmp'));
    interrupted += leftovers.length;
    for (const name of leftovers) await rm(join(run, name));
  }
  // Every other round, or so; none at all would mean that the kills missed the writing and the test shows nothing.
  assert(interrupted > 0);
});
