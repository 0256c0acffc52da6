import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { distinctCheckpoints } from './checkpoints-to-measure.js';

const dir = await mkdtemp(join(tmpdir(), 'poster-checkpoints-'));
after(() => rm(dir, { recursive: true }));
const at = (...parts: string[]): string => join(dir, ...parts);

before(async () => {
  await mkdir(at('run'));
  for (const path of [at('a.safetensors'), at('run', 'best.safetensors')]) await writeFile(path, 'w');
});

test('weights count once, by whatever path they are named', { skip: process.platform === 'win32' }, async () => {
  await symlink('a.safetensors', at('link.safetensors'));
  const [a, run] = [at('a.safetensors'), at('run')];
  const twice = [`${dir}/./a.safetensors`, at('link.safetensors'), at('run', 'best.safetensors')];
  const { paths, notes } = await distinctCheckpoints([a, run, ...twice]);
  assert.deepEqual(paths, [a, run]);
  assert.deepEqual(
    notes,
    twice.map((path, i) => `${path} names the same file as ${i < 2 ? a : run}: it counts once.`),
  );
});

test('one that is not there is told before any is measured', async () => {
  await assert.rejects(distinctCheckpoints([at('a.safetensors'), at('typo')]), /Cannot read .*typo/);
});
