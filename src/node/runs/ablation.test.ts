import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastFileName } from '../../safetensors/index.js';
import { ablate, ablationAt, planAblation, readAblation } from './ablation.js';
import type { TrainResult } from './job.js';
import { defaultRun } from './recipes.js';

const nano = defaultRun('poster-v2-nano', 'faces');
const planned = (study: 'window' | 'two-stream', seeds: readonly number[], given = {}) =>
  planAblation(study, nano, given, seeds, []);

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
  await assert.rejects(ablationAt(root), { message: /holds no ablation to go on with/ });
});

test('what cannot be compared is refused', () => {
  const arm = defaultRun('arm-nano', 'faces');
  assert.throws(() => planAblation('two-stream', arm, {}, [0], []), {
    message: /^arm-nano has no ablation two-stream: it has none; two-stream is of poster-v1, /,
  });
  assert.throws(() => planned('window', [0], { windows: [6, 3, 3] }), {
    message: 'The study window compares values of windows itself; leave that out.',
  });
  assert.throws(() => planned('window', [0, 0]), { message: /must be given once each/ });
  assert.throws(() => planned('window', []), { message: /must be given once each/ });
});
