import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRun } from './options.js';
import { defaultRun } from './recipes.js';
import { noteClasses, openData } from './run-data.js';

test('data takes the order of the weights that training goes on from, and says which classes lack pictures', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-run-data-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  // Pictures are not opened: any bytes will do. The accent is stored as a letter of its own.
  for (const folder of [
    'Training/e\u0301mu',
    'Training/triste',
    'val/triste',
    'test/calme',
    'test/triste',
    'Training/none',
  ]) {
    await mkdir(join(root, folder), { recursive: true });
    if (!folder.endsWith('none')) await writeFile(join(root, folder, '1.png'), folder);
  }
  const run = parseRun({ ...defaultRun('poster-v2-nano', root), valSplit: 'valid' });
  const data = await openData(run);
  assert.deepEqual(data.labels.labels, ['calme', 'triste', '\u00e9mu']);
  assert.equal(data.validationName, "split 'val'");
  const before = { name: 'before', labels: ['triste', 'calme', 'e\u0301mu'] };
  const resumed = await openData(run, before);
  assert.deepEqual(resumed.labels, before);
  assert.deepEqual(
    resumed.train.samples.map(({ label }) => label),
    [2, 0],
  );
  assert.deepEqual(noteClasses(data), [
    `Note: Folder ${join(root, 'Training', 'none')} holds no pictures: it is no class.`,
    'Note: no training picture shows calme: the network cannot learn it.',
    "Note: no validation picture (split 'val') shows calme, \u00e9mu: means over classes leave it out.",
  ]);
});

test('a temperature leaves pictures to choose the best epoch on', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-run-data-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const folder of ['train/happy', 'train/sad', 'valid/happy', 'valid/sad']) {
    await mkdir(join(root, folder), { recursive: true });
    for (let i = 0; i < 4; i++) await writeFile(join(root, folder, `${i}.png`), '');
  }
  const run = parseRun({ ...defaultRun('poster-v2-nano', root), calibration: 0.9 });
  await assert.rejects(openData(run), {
    kind: 'input',
    settings: ['calibration', 'valSplit'],
    message: /^So much is held out of .* for a temperature that no class has two pictures left/,
  });
  const { train, calibration } = await openData({ ...run, valSplit: 'valid' });
  assert.deepEqual([train.samples.length, calibration?.samples.length], [2, 6]);
});
