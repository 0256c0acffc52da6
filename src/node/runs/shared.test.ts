import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { parseRun, type RunOptions } from './options.js';
import { defaultRun } from './recipes.js';
import { openData } from './run-data.js';
import { type SharedSet, sharedSets } from './shared.js';

test('training pictures that are among those of validation, another split or the fold kept are counted', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'poster-shared-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  // Pictures are not opened: any bytes will do.
  for (const split of ['train', 'valid', 'test']) {
    for (const label of ['happy', 'sad']) {
      await mkdir(join(root, split, label), { recursive: true });
      for (let i = 0; i < 6; i++) await writeFile(join(root, split, label, `${i}.png`), `${split} ${label} ${i}`);
    }
  }
  const shared = async (changes: Partial<RunOptions>): Promise<SharedSet[]> => {
    const run = parseRun({ ...defaultRun('poster-v2-nano', root), ...changes });
    return sharedSets(run, await openData(run));
  };
  const counts = async (changes: Partial<RunOptions>): Promise<[string, number][]> =>
    (await shared(changes)).map(({ where, pictures }) => [where, pictures.length]);
  assert.deepEqual(await counts({ valSplit: 'valid' }), []);
  await cp(join(root, 'train/happy/2.png'), join(root, 'test/sad/copy.png'));
  await cp(join(root, 'train/happy/3.png'), join(root, 'test/happy/3-again.png'));
  await cp(join(root, 'train/sad/1.png'), join(root, 'valid/sad/x.png'));
  const found = await shared({ valSplit: 'valid' });
  assert.deepEqual(
    found.map(({ where, pictures }) => [where, pictures.length]),
    [
      ["the validation pictures (split 'valid')", 1],
      ["split 'test'", 2],
    ],
  );
  assert.deepEqual(found[0]?.pictures, [{ path: join(root, 'train/sad/1.png'), other: join(root, 'valid/sad/x.png') }]);
  // Each picture of sadness twice: whatever half is held out, some of the other half are the same.
  for (let i = 0; i < 6; i++) await cp(join(root, `train/sad/${i}.png`), join(root, `train/sad/${i}-again.png`));
  const held = await counts({ holdOut: 0.5 });
  assert.match(held[0]?.[0] ?? '', /^the validation pictures \(50% held out/);
  const kept = await shared({ valSplit: 'valid', calibration: 0.5 });
  const ofTemperature = kept.find(({ where }) => where === 'the pictures kept for a temperature')?.pictures ?? [];
  assert.ok(ofTemperature.length > 0);
  assert.ok(ofTemperature.every(({ path, other }) => basename(path).slice(0, 1) === basename(other).slice(0, 1)));
  const folds = await counts({ folds: 3, fold: 1 });
  assert.ok(folds.some(([where, count]) => where.startsWith('fold 1') && count > 0));
  // A split that cannot be used is not this one's business.
  await rm(join(root, 'test'), { recursive: true });
  await mkdir(join(root, 'test/happy'), { recursive: true });
  assert.deepEqual(await counts({ valSplit: 'valid' }), [["the validation pictures (split 'valid')", 2]]);
});
