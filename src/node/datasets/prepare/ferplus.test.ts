import assert from 'node:assert/strict';
import { readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ferplus } from '../../../common/label-sets.js';
import { classCounts, loadDataset } from '../dataset.js';
import { failsWith, plainPng, temporaryFolder, writeTree } from '../helpers.test.js';
import { ferPlusLabel, parseFerPlusEntry } from './ferplus-labels.js';
import { prepareDataset } from './prepare.js';

const box = '"(0, 0, 48, 48)"';

test("FER+'s rules", () => {
  const all = [0, 0, 0, 0, 0, 0, 0, 0];
  // 5 of 5 once single votes are gone.
  assert.deepEqual(ferPlusLabel([5, 1, 1, 1, 1, 0, 0, 0, 1, 0]), { label: 0, majority: true, votes: all.with(0, 5) });
  // 4 of 9 is no majority, nor is exactly half.
  assert.equal(ferPlusLabel([4, 0, 0, 1, 3, 2, 0, 0, 0, 0])?.majority, false);
  assert.equal(ferPlusLabel([5, 5, 0, 0, 0, 0, 0, 0, 0, 0])?.majority, false);
  // Votes for unknown count against a majority and are then dropped.
  assert.deepEqual(ferPlusLabel([0, 4, 0, 0, 0, 2, 0, 0, 2, 2]), {
    label: 1,
    majority: false,
    votes: all.with(1, 4).with(5, 2),
  });
  assert.equal(ferPlusLabel([0, 4, 0, 0, 0, 0, 0, 0, 4, 2])?.label, 1);
  assert.equal(ferPlusLabel([3, 0, 0, 0, 0, 0, 0, 0, 7, 0]), undefined);
  assert.equal(ferPlusLabel([0, 0, 0, 0, 0, 0, 0, 0, 0, 10]), undefined);
  assert.equal(ferPlusLabel([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), undefined);
  fc.assert(
    fc.property(fc.array(fc.nat(10), { minLength: 10, maxLength: 10 }), (votes) => {
      const result = ferPlusLabel(votes);
      if (result === undefined) return;
      const most = result.votes[result.label] ?? 0;
      assert.ok(most >= 2 && most === Math.max(...result.votes) && result.votes.length === 8);
      const total = votes.reduce((sum, vote) => sum + (vote > 1 ? vote : 0), 0);
      assert.equal(result.majority, most * 2 > total);
    }),
  );
});

const votes = '1,2,3,4,5,6,7,8,9,0'.split(',');

test('label lines are parsed, or refused', () => {
  const whole = '(0, 0, 48, 48)';
  assert.deepEqual(parseFerPlusEntry(['fer0.png', whole, ...votes]), {
    image: 'fer0.png',
    votes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0],
  });
  for (const [fields, why] of [
    [['x.png', whole, '1', '2'], '4 fields'],
    [['../../etc/passwd', whole, ...votes], 'plain file name'],
    [['.hidden', whole, ...votes], 'plain file name'],
    [['a\\b.png', whole, ...votes], 'plain file name'],
    [['x.png', '(0, 0, 48)', ...votes], 'crop box'],
    [['x.png', '(9, 0, 3, 48)', ...votes], 'crop box'],
    [['x.png', '(1, 0, 48, 48)', ...votes], 'crops x.png'],
    [['x.png', whole, ...votes.with(5, '-6')], 'whole number'],
    [['x.png', whole, ...votes.with(5, '1e3')], 'whole number'],
  ] as const) {
    assert.ok(String(parseFerPlusEntry(fields)).includes(why), why);
  }
});

test('whatever is in a line: an entry or a reason', () => {
  const field = fc.oneof(fc.string({ maxLength: 8 }), fc.constant('(0, 0, 48, 48)'), fc.nat(20).map(String));
  const line = fc.oneof(
    fc.array(field, { minLength: 11, maxLength: 13 }),
    fc
      .array(fc.nat(12), { minLength: 10, maxLength: 10 })
      .map((all) => ['p.png', '(0, 0, 48, 48)', ...all.map(String)]),
  );
  fc.assert(
    fc.property(line, (fields) => {
      const entry = parseFerPlusEntry(fields);
      if (typeof entry === 'string') return;
      assert.match(entry.image, /^[\w][\w.-]*$/);
      assert.ok(entry.votes.length === 10 && entry.votes.every((vote) => Number.isInteger(vote) && vote >= 0));
    }),
  );
});

async function release(root: string): Promise<string> {
  const png = await plainPng(1, 2, 3, 48, 48);
  await writeTree(root, {
    'src/FER2013Train/label.csv': [
      `a.png,${box},8,1,0,0,0,0,0,0,1,0`,
      `b.png,${box},0,5,0,0,0,5,0,0,0,0`,
      `c.png,${box},0,0,0,0,0,0,0,0,0,10`,
      `d.png,${box},0,0,0,0,0,0,0,9,1,0`,
    ].join('\n'),
    'src/FER2013Train/a.png': png,
    'src/FER2013Train/b.png': png,
    'src/FER2013Train/d.png': png,
    'src/FER2013Valid/label.csv': `v.png,${box},0,6,0,0,0,2,0,0,2,0\n`,
    'src/FER2013Valid/v.png': png,
  });
  return join(root, 'src');
}

test('the release becomes a dataset that loads, in FER+ order, with its votes', async (context) => {
  const root = await temporaryFolder(context);
  const src = await release(root);
  const out = join(root, 'out');
  const progress: [number, number][] = [];
  const prepared = await prepareDataset('ferplus', src, out, {
    onProgress: (done, total) => progress.push([done, total]),
  });
  const at = (...indices: number[]): number[] => ferplus.labels.map((_, i) => (indices.includes(i) ? 1 : 0));
  assert.deepEqual(prepared.splits, [
    {
      split: 'train',
      counts: at(0, 7),
      noMajority: at(1),
      leftOut: [{ reason: 'no face, unknown, or no two votes alike', pictures: 1 }],
    },
    { split: 'valid', counts: at(1), noMajority: at(), leftOut: [] },
  ]);
  assert.deepEqual(progress, [[4, 4]]);
  const train = await loadDataset(out, 'train');
  assert.deepEqual(train.labels, ferplus);
  assert.deepEqual(classCounts(train), at(0, 7));
  const all = await loadDataset(out, 'train', { keepNonMajority: true });
  assert.deepEqual(
    [...(all.samples[1]?.distribution ?? [])],
    [0, 0.5, 0, 0, 0, 0.5, 0, 0].map((x) => x),
  );
  assert.equal((await loadDataset(out, 'valid')).samples.length, 1);
  assert.deepEqual(await readFile(join(out, 'valid/1-happiness/v.png')), await plainPng(1, 2, 3, 48, 48));
  assert.deepEqual((await readdir(root)).sort(), ['out', 'src'], 'nothing is left beside');
});

test('an occupied output is refused, an empty one filled; a failure leaves nothing behind', async (context) => {
  const root = await temporaryFolder(context);
  const src = await release(root);
  await writeTree(root, { 'full/mine.txt': 'keep' });
  await failsWith(() => prepareDataset('ferplus', src, join(root, 'full')), 'not empty');
  await rm(join(root, 'full/mine.txt'));
  await prepareDataset('ferplus', src, join(root, 'full'));
  await failsWith(() => prepareDataset('ferplus', src, join(root, 'full')), 'not empty');
  // Of pictures that are symbolic links the file itself is taken: they may go.
  await rm(join(src, 'FER2013Valid/v.png'));
  await symlink('../FER2013Train/a.png', join(src, 'FER2013Valid/v.png'));
  await prepareDataset('ferplus', src, join(root, 'linked'));
  await rm(join(src, 'FER2013Valid/v.png'));
  await failsWith(
    () => prepareDataset('ferplus', src, join(root, 'second')),
    'v.png',
    'which is not there',
    'label.csv, line 1,',
  );
  await failsWith(() => prepareDataset('ferplus', join(root, 'nowhere'), join(root, 'x')), 'no folder');
  await failsWith(() => prepareDataset('ferplus', root, join(root, 'x')), 'FER2013Train/');
  await writeTree(src, { 'FER2013Valid/label.csv': 'v.png,"(1, 0, 48, 48)",0,6,0,0,0,2,0,0,2,0\n' });
  await failsWith(() => prepareDataset('ferplus', src, join(root, 'x')), 'crops v.png');
  await writeTree(src, { 'FER2013Test/readme.txt': '' });
  await rm(join(src, 'FER2013Valid'), { recursive: true });
  await failsWith(() => prepareDataset('ferplus', src, join(root, 'x')), 'label.csv', /no such file/);
  assert.deepEqual((await readdir(root)).sort(), ['full', 'linked', 'src']);
});
