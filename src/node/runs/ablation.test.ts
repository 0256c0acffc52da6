import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastFileName } from '../../safetensors/index.js';
import { ablate, ablationAt, planAblation, readAblation, runsOf } from './ablation.js';
import type { TrainResult } from './job.js';
import { defaultRun } from './recipes.js';

const nano = defaultRun('poster-v2-nano', 'faces');
const planned = (study: 'window' | 'two-stream', seeds: readonly number[], given = {}) =>
  planAblation({ compared: study, run: nano, given, seeds, classes: 8, init: [] });

test('runs that are done are not trained again, and one that was stopped goes on', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const out = join(root, 'out');
  let left = 3;
  const trained: string[] = [];
  const train = async (job: { readonly out: string; readonly resume?: string }): Promise<TrainResult> => {
    trained.push(`${job.out.slice(out.length + 1)}${job.resume === undefined ? '' : ' goes on'}`);
    await mkdir(job.out, { recursive: true });
    await writeFile(join(job.out, lastFileName), '');
    left--;
    return {
      ...{ bestEpoch: 0, bestAccuracy: 0, bestCheckpoint: null, lastCheckpoint: '', temperature: null, epochs: 0 },
      ...{ interrupted: left === 0, init: [], shared: [], skipped: [] },
    };
  };
  const stopped = await ablate({ plan: planned('two-stream', [0, 7]), goesOn: false, out, train });
  assert.deepEqual(trained, ['landmark-to-image/seed-0', 'image-alone/seed-0', 'landmark-to-image/seed-7']);
  assert.equal(stopped.done.length, 2);

  const plan = await readAblation(await ablationAt(join(out, 'ablation.json')));
  assert.deepEqual(plan, stopped);
  const finished = await ablate({ plan, goesOn: true, out, train });
  assert.deepEqual(trained.slice(3), ['landmark-to-image/seed-7 goes on', 'image-alone/seed-7']);
  assert.equal(finished.done.length, 4);
  // A run whose folder was removed is trained anew.
  await rm(join(out, 'image-alone', 'seed-0'), { recursive: true });
  await ablate({ plan, goesOn: true, out, train });
  assert.deepEqual(trained.slice(5), ['image-alone/seed-0']);
  await assert.rejects(ablate({ plan, goesOn: false, out, train }), { message: /already holds an ablation/ });
  await assert.rejects(ablationAt(root), { message: /holds no ablation to resume/ });
});

test('what cannot be compared is refused', () => {
  const arm = defaultRun('arm-nano', 'faces');
  assert.throws(() => planAblation({ compared: 'two-stream', run: arm, given: {}, seeds: [0], classes: 8, init: [] }), {
    message: /^arm-nano has no ablation two-stream: it has none; two-stream is of poster-v1, /,
  });
  assert.throws(() => planned('window', [0], { windows: [6, 3, 3] }), {
    message: 'The study window compares values of windows; leave that out.',
  });
  assert.throws(() => planned('window', [0, 0]), { message: /must be given once each/ });
  assert.throws(() => planned('window', []), { message: /must be given once each/ });
});

test("arms of one's own change any option of a run", () => {
  const own = (...arms: readonly (readonly [name: string, options: Readonly<Record<string, unknown>>])[]) =>
    planAblation({
      compared: arms.map(([name, options]) => ({ name, summary: '', options })),
      run: nano,
      given: { epochs: 2 },
      seeds: [4, 5],
      classes: 8,
      init: [],
    });
  const plan = own(['plain', {}], ['noisy', { noise: 0.02, lr: 0.01 }]);
  assert.equal(plan.study, null);
  assert.deepEqual(
    runsOf(plan, 'out').map(({ out, run: { noise, lr, seed } }) => ({ out, noise, lr, seed })),
    [
      { out: 'out/plain/seed-4', noise: nano.noise, lr: nano.lr, seed: 4 },
      { out: 'out/noisy/seed-4', noise: 0.02, lr: 0.01, seed: 4 },
      { out: 'out/plain/seed-5', noise: nano.noise, lr: nano.lr, seed: 5 },
      { out: 'out/noisy/seed-5', noise: 0.02, lr: 0.01, seed: 5 },
    ],
  );
  const plain = ['plain', {}] as const;
  assert.throws(() => own(plain), { message: /two arms or more/ });
  assert.throws(() => own(plain, plain), { message: /Two arms are called plain/ });
  assert.throws(() => own(plain, ['other', { model: 'arm-nano' }]), { message: /arm other changes model, which all/ });
  assert.throws(() => own(plain, ['longer', { epochs: 3 }]), { message: /^The arms compare values of epochs; / });
  assert.throws(() => own(plain, ['odd', { noise: 2 }]), { message: /noise/ });
});
