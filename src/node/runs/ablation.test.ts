import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../common/errors.js';
import { lastFileName } from '../../safetensors/index.js';
import { ablate, ablationAt, planAblation, readAblation, runsOf } from './ablation.js';
import type { TrainResult } from './job.js';
import type { RunOptions } from './options.js';
import { planOf } from './plan-files.js';
import { defaultRun } from './recipes.js';
import { requireNoRun } from './resume.js';

const refused = (message: RegExp, settings: readonly string[] = []) => ({ kind: 'usage', message, settings });
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

test('a new ablation does not go on with runs that it has not planned', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const train = (): Promise<TrainResult> => assert.fail('nothing is trained');
  for (const [name, message] of [
    [lastFileName, /image-alone[/\\]seed-7 already holds a run; resume it/],
    ['best.safetensors', /image-alone[/\\]seed-7[/\\]best\.safetensors would be written over; move it away/],
  ] as const) {
    // The last of its runs: what is left of an ablation whose ablation.json was removed.
    const out = join(root, name);
    await mkdir(join(out, 'image-alone', 'seed-7'), { recursive: true });
    await writeFile(join(out, 'image-alone', 'seed-7', name), '');
    const job = { plan: planned('two-stream', [0, 7]), goesOn: false, out, train };
    await assert.rejects(ablate(job), { name: 'UserError', kind: 'usage', message });
    await assert.rejects(ablationAt(out), { message: /holds no ablation to resume/ });
  }
  const out = join(root, 'single');
  await mkdir(out);
  await writeFile(join(out, lastFileName), '');
  const job = { plan: planned('two-stream', [0]), goesOn: false, out, train };
  const message = /holds a single run, not an ablation; choose another folder/;
  await assert.rejects(ablate(job), { name: 'UserError', kind: 'usage', message });
});

test('an ablation whose first run cannot begin leaves no plan behind', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const out = join(root, 'out');
  const train = (): Promise<TrainResult> => Promise.reject(new UserError('There is no such split; name another.'));
  const job = { plan: planned('two-stream', [0]), goesOn: false, out, train };
  await assert.rejects(ablate(job), { message: /no such split/ });
  await assert.rejects(ablationAt(out), { message: /holds no ablation to resume/ });
  // Once a run was begun, the plan stays.
  const begun = async ({ out: folder }: { readonly out: string }): Promise<TrainResult> => {
    await mkdir(folder, { recursive: true });
    throw new UserError('The disk is full; make room.', 'resources');
  };
  await assert.rejects(ablate({ ...job, train: begun }), { message: /disk is full/ });
  assert.deepEqual(await readAblation(await ablationAt(out)), job.plan);
});

test('a run that is trained anew counts as not done until it has ended', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(out, { recursive: true, force: true }));
  let interrupted = false;
  const train = async (job: { readonly out: string }): Promise<TrainResult> => {
    await mkdir(job.out, { recursive: true });
    await writeFile(join(job.out, lastFileName), '');
    return {
      ...{ bestEpoch: 0, bestAccuracy: 0, bestCheckpoint: null, lastCheckpoint: '', temperature: null, epochs: 0 },
      ...{ interrupted, init: [], shared: [], skipped: [] },
    };
  };
  const plan = await ablate({ plan: planned('two-stream', [0]), goesOn: false, out, train });
  assert.equal(plan.done.length, 2);
  await rm(join(out, 'image-alone', 'seed-0'), { recursive: true });
  interrupted = true;
  const stopped = await ablate({ plan, goesOn: true, out, train });
  assert.deepEqual(stopped.done, [{ arm: 'landmark-to-image', seed: 0 }]);
  assert.deepEqual(await readAblation(out), stopped);
  interrupted = false;
  assert.equal((await ablate({ plan, goesOn: true, out, train })).done.length, 2);
});

test('a folder of several runs takes no other run, and no other plan', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(out, { recursive: true, force: true }));
  await writeFile(join(out, 'cross-validation.json'), '{}');
  const train = (): Promise<TrainResult> => assert.fail('nothing is trained');
  const message = /holds a cross-validation; choose another folder/;
  await assert.rejects(ablate({ plan: planned('two-stream', [0]), goesOn: false, out, train }), { message });
  await assert.rejects(requireNoRun(out), { message });
  assert.deepEqual(await planOf(join(out, 'fold-1')), { folder: out, what: 'a cross-validation' });
  assert.equal(await planOf(out), undefined);
});

test('a file that holds no plan of this kind is a sentence', async (t) => {
  const out = await mkdtemp(join(tmpdir(), 'poster-ablation-'));
  t.after(() => rm(out, { recursive: true, force: true }));
  const plan = planned('two-stream', [0, 7]);
  const arms = (name: string) => plan.arms.map((arm, index) => (index === 0 ? arm : { ...arm, name }));
  const text = JSON.stringify(plan);
  for (const [content, message] of [
    ['', /ablation\.json is not valid JSON/],
    [text.slice(0, -9), /ablation\.json is not valid JSON/],
    [JSON.stringify({ ...plan, arms: arms('../../elsewhere') }), /at arms\.1\.name/],
    [JSON.stringify({ ...plan, arms: arms(plan.arms[0]?.name.toUpperCase() ?? '') }), /two arms have one name/],
    [JSON.stringify({ ...plan, seeds: [0, 0] }), /a seed occurs twice/],
  ] as const) {
    await writeFile(join(out, 'ablation.json'), content);
    await assert.rejects(readAblation(await ablationAt(out)), { name: 'UserError', message });
  }
  await writeFile(join(out, 'ablation.json'), text);
  assert.deepEqual(await readAblation(out), plan);
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
  type Arm = readonly [name: string, options: Readonly<Record<string, unknown>>];
  const ownOf = (run: RunOptions, ...arms: readonly Arm[]) =>
    planAblation({
      compared: arms.map(([name, options]) => ({ name, summary: '', options })),
      run,
      given: { epochs: 2 },
      seeds: [4, 5],
      classes: 8,
      init: [],
    });
  const own = (...arms: readonly Arm[]) => ownOf(nano, ...arms);
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
  // One folder, where file systems do not tell case.
  assert.throws(() => own(plain, ['Plain', { noise: 0.1 }]), { message: /Two arms are called Plain/ });
  // Figures of other pictures say nothing about the arms.
  for (const option of [{ valSplit: 'valid' }, { holdOut: 0.3 }]) {
    assert.throws(() => own(plain, ['other', option]), refused(/changes (valSplit|holdOut), which all runs/));
  }
  for (const option of [{ trainSplit: 'more' }, { calibration: 0.1 }]) {
    const message = /changes (trainSplit|calibration), and so which pictures are held out to measure it/;
    assert.throws(() => own(plain, ['other', option]), refused(message, ['valSplit']));
    assert.equal(ownOf({ ...nano, valSplit: 'valid' }, plain, ['other', option]).arms.length, 2);
  }
  // What would be compared with itself.
  for (const [option, message] of [
    [{ momentum: 0.5 }, /changes momentum, which changes nothing with adamw; leave that out/],
    [{ gamma: 0.9 }, /changes gamma, which changes nothing with the schedule one-cycle/],
    [{ erasingRatio: [1, 2], erasing: 0 }, /changes erasingRatio, which changes nothing where nothing is erased/],
  ] as const) {
    assert.throws(() => own(plain, ['other', option]), refused(message));
  }
  for (const option of [
    { optimizer: 'sgd', momentum: 0.5 },
    { erasing: 0.5, erasingRatio: [1, 2] },
  ]) {
    assert.equal(own(plain, ['other', option]).arms.length, 2);
  }
  assert.throws(
    () => own(plain, ['noisy', { noise: 0.1 }], ['same', { lr: nano.lr }]),
    refused(/plain and same train/),
  );
  const listened = ['listened', { teacherWeight: 0.7 }] as const;
  assert.throws(
    () => own(plain, listened),
    refused(/temperature of the arm listened say nothing without/, ['teacher']),
  );
  assert.equal(own(plain, ['taught', { teacher: ['a'], teacherWeight: 0.7 }]).arms.length, 2);
  assert.equal(ownOf({ ...nano, teacher: ['a'] }, plain, listened).arms.length, 2);
});
