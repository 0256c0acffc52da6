import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadParameters, writePth } from '../src/node/checkpoints/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import type { Tensor } from '../src/safetensors/index.js';
import { bytesOf } from '../src/safetensors/tensor.js';
import { fails, poster, succeeds } from './support/cli.js';

// PyTorch files on the command line. What the reader does with them is tested beside it.

const dir = await mkdtemp(join(tmpdir(), 'poster-pth-'));
after(() => rm(dir, { recursive: true }));
const portrait = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/checkpoints/${name}`, import.meta.url));

const resultSchema = z.object({
  model: z.string(),
  images: z.tuple([z.object({ scores: z.array(z.object({ label: z.string(), probability: z.number() })) })]),
});

async function scoresOf(
  ...options: string[]
): Promise<{ readonly model: string; readonly byLabel: Map<string, number> }> {
  const { stdout } = await succeeds(['predict', portrait, '--aligned', '--json', ...options], dir);
  const { model, images } = resultSchema.parse(JSON.parse(stdout));
  return { model, byLabel: new Map(images[0].scores.map(({ label, probability }) => [label, probability])) };
}

test('a .pth without a word about itself predicts as the weights it was made from', async () => {
  const { parameters } = await loadParameters(bundledCheckpoint());
  const tensors = [...parameters].map(([name, { shape, data }]): [string, Tensor] => [
    `module.${name}`,
    { dtype: 'F32', shape, data: bytesOf(data) },
  ]);
  const path = join(dir, 'theirs.pth');
  await writePth(path, (storages) => {
    const state = new Map(tensors.map(([name, tensor]) => [name, storages.tensor(tensor)]));
    return new Map([['state_dict', state]]);
  });
  // A .pth has no temperature.
  const ours = await scoresOf('--raw');
  const theirs = await scoresOf('--checkpoint', path, '--labels', 'FER+');
  assert.equal(theirs.model, 'poster-v2-nano');
  assert.deepEqual([...theirs.byLabel.keys()].toSorted(), [...ours.byLabel.keys()].toSorted());
  for (const [label, probability] of ours.byLabel) {
    assert.ok(Math.abs((theirs.byLabel.get(label) ?? Number.NaN) - probability) < 1e-5, label);
  }
  const predict = ['predict', portrait, '--aligned', '--checkpoint', path];
  await fails(predict, dir, 3, /its 8 outputs mean: .*: AffectNet-8, FER\+ \(--labels NAME\)/);
  await fails([...predict, '--labels', 'RAF-DB'], dir, 3, /has 8 outputs, and RAF-DB has 7 labels/);
});

test('files that are dangerous or broken: a sentence, nothing runs', async () => {
  await copyFile(fixture('evil-zip.pth'), join(dir, 'evil.pth'));
  const predict = (file: string): string[] => ['predict', portrait, '--aligned', '--checkpoint', file];
  const { code, stderr } = await poster(predict('evil.pth'), dir);
  assert.equal(code, 3);
  assert.match(stderr, /evil\.pth asks for code .* nothing was run\. Refused: posix\.system\('touch pwned'\)/);
  assert.match(stderr, /evil\.pth does not say which network/);
  assert.ok(!existsSync(join(dir, 'pwned')));
  await fails(predict(fixture('truncated-legacy.pth')), dir, 3, /is a truncated PyTorch checkpoint/);
  await fails(predict(fixture('not-a-checkpoint.pth')), dir, 3, /is no checkpoint but a web page/);
});
