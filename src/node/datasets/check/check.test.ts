import assert from 'node:assert/strict';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { UserError } from '../../../common/errors.js';
import { rafdb } from '../../../common/label-sets.js';
import { random } from '../../../common/random.js';
import { failsWith, plainPng, temporaryFolder, writeTree } from '../helpers.test.js';
import { checkDataset } from './check.js';
import { groupEqual, groupSimilar } from './duplicates.js';
import { fingerprintWords, inspectPicture } from './inspect.js';
import { sharedPictures } from './shared-pictures.js';
import { verdictOn } from './verdict.js';

/** Soft patterns, each seed another. */
function pattern(seed: number, width = 60, height = 60, channels: 1 | 3 = 1): Sharp {
  const cells = random(seed, 'pattern');
  const data = Uint8Array.from({ length: 8 * 8 * channels }, () => Math.floor(cells.next() * 256));
  return sharp(data, { raw: { width: 8, height: 8, channels } }).resize(width, height, {
    kernel: 'cubic',
    fit: 'fill',
  });
}
const png = (seed: number, width?: number, height?: number, channels?: 1 | 3): Promise<Buffer> =>
  pattern(seed, width, height, channels).png().toBuffer();

test('pictures that were prepared as tensors are read as training reads them', async (context) => {
  const root = await temporaryFolder(context);
  const header = (shape: string): Buffer =>
    Buffer.from(`${`{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)}\n`, 'latin1');
  const npy = (shape: string, values: number): Buffer => {
    const start = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), header(shape)]);
    return Buffer.concat([start, Buffer.alloc(4 * values)]);
  };
  await writeTree(root, {
    'dataset.json': JSON.stringify({ name: 'made', labels: ['angry', 'happy'], tensors: true }),
    'train/angry/a.npy': npy('(3, 2, 2)', 12),
    'train/happy/b.npy': npy('(1, 4, 4)', 16),
    'train/happy/cut.npy': npy('(1, 4, 4)', 15),
    'train/happy/flat.npy': npy('(16,)', 16),
  });
  const [train] = (await checkDataset(root)).splits;
  assert.deepEqual([train?.counts, train?.gray, train?.colour], [[1, 3], 1, 1]);
  assert.deepEqual(
    train?.unreadable.map(({ path }) => path),
    ['train/happy/cut.npy', 'train/happy/flat.npy'],
  );
});

test('counts, sizes, colours, what cannot be read, what is there twice', async (context) => {
  const root = await temporaryFolder(context);
  const [a, b, c, d, e] = [await png(1), await png(2, 40, 50), await png(3, 80, 80, 3), await png(4), await png(5)];
  await writeTree(root, {
    'train/angry/a.png': a,
    'train/angry/a-again.png': a,
    'train/angry/b.png': b,
    'train/happy/c.png': c,
    'train/happy/b-too.png': b,
    'train/happy/broken.png': d.subarray(0, 300),
    'train/happy/empty.png': '',
    'test/angry/d.png': d,
    'test/happy/c-copied.png': c,
    'test/happy/e.png': e,
    'test/happy/a-saved-again.jpg': await pattern(1).jpeg({ quality: 80 }).toBuffer(),
  });
  const progress: number[] = [];
  const check = await checkDataset(root, { workers: 2, onProgress: (done, total) => progress.push(done, total) });
  const [train, testing] = check.splits;
  assert.deepEqual(progress, [11, 11]);
  assert.deepEqual(check.labels.labels, ['angry', 'happy']);
  assert.deepEqual(train?.counts, [3, 4]);
  assert.deepEqual(train?.sizes, {
    smallest: { width: 40, height: 50 },
    median: { width: 60, height: 60 },
    largest: { width: 80, height: 80 },
  });
  assert.deepEqual([train?.nonSquare, train?.gray, train?.colour], [2, 4, 1]);
  assert.deepEqual(
    train?.unreadable.map(({ path }) => path),
    ['train/happy/broken.png', 'train/happy/empty.png'],
  );
  assert.match(train?.unreadable[0]?.reason ?? '', /truncated or damaged/);
  assert.deepEqual([testing?.split, testing?.pictures, testing?.unreadable], ['test', 4, []]);
  assert.deepEqual(
    check.identical.map(({ pictures, acrossSplits, acrossLabels }) => [
      pictures.map(({ path }) => path),
      acrossSplits,
      acrossLabels,
    ]),
    [
      [['test/happy/c-copied.png', 'train/happy/c.png'].reverse(), true, false],
      [['train/angry/a-again.png', 'train/angry/a.png'], false, false],
      [['train/angry/b.png', 'train/happy/b-too.png'], false, true],
    ].sort((x, y) => String(x[0]).localeCompare(String(y[0]))),
  );
  assert.deepEqual(
    check.similar.map(({ pictures }) => pictures.map(({ path }) => path)),
    [['train/angry/a-again.png', 'test/happy/a-saved-again.jpg']],
  );
  assert.deepEqual((await checkDataset(root, { similar: false })).similar, []);
  const { problems, warnings } = verdictOn(check);
  assert.deepEqual(problems, [
    '1 picture is in more than one split: what is measured there was seen in training.',
    '1 picture lies under more than one label.',
    "Split 'train' has 2 pictures that cannot be read.",
  ]);
  assert.match(warnings.join('\n'), /1 picture within a class is a copy/);
  assert.match(warnings.join('\n'), /1 group of pictures that look the same, in other bytes, spans several splits/);
  assert.match(warnings.join('\n'), /'train' has 2 pictures of 5 that are not square/);
  assert.match(warnings.join('\n'), /'train' mixes 4 gray pictures with 1 in colour/);
});

test('labels of the weights: the same, another order, others; numbered folders', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'train/happy/a.png': await png(1), 'train/sad/b.png': await png(2) });
  const check = await checkDataset(root);
  const verdict = (...labels: string[]): ReturnType<typeof verdictOn> => verdictOn(check, { name: 'w', labels });
  assert.deepEqual(verdict('Happiness', 'Sadness').problems, []);
  assert.equal(verdict('Happiness', 'Sadness').comparison?.kind, 'same');
  const reordered = verdict('Sadness', 'Happiness');
  assert.deepEqual(reordered.problems, []);
  assert.match(reordered.warnings.join(), /another order.*matches them by name/);
  assert.match(verdict('Happiness', 'Fear').problems.join(), /do not know sad/);
  await writeTree(root, { 'n/train/1/a.png': await png(1), 'n/train/2/b.png': await png(2) });
  assert.match(verdictOn(await checkDataset(join(root, 'n')), rafdb).problems.join(), /class folders .* are numbers/);
  await failsWith(() => checkDataset(join(root, 'n'), { folderLabels: rafdb }), '2 numbered class folders');
  await writeTree(root, { 'release/basic/a.png': await png(1), 'release/basic/b.png': await png(2) });
  assert.match(
    verdictOn(await checkDataset(join(root, 'release'))).problems.join(),
    /All pictures are of one class, 'basic'/,
  );
  const names = { name: 'mine', labels: ['Fear', 'Anger'] };
  assert.deepEqual((await checkDataset(join(root, 'n'), { folderLabels: names })).labels, names);
});

test('pictures by every usual ending; what is not looked at is told', async (context) => {
  const root = await temporaryFolder(context);
  const jpeg = await pattern(3).jpeg().toBuffer();
  await writeTree(root, {
    'Train/happy/a.jfif': jpeg,
    'Train/happy/b.JPE': await pattern(4).jpeg().toBuffer(),
    'Train/happy/more/c.png': await png(5),
    'Train/sad/d.png': await png(6),
    'Train/sad/e.heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
    'Train/sad/notes.txt': 'x',
    'Train/sad/Thumbs.db': 'x',
    'Train/sad/noending': 'x',
    'Train/sad/.hidden': 'x',
    'Train/f.png': await png(7),
    'images/happy/g.png': await png(8),
    'papers/read.pdf': 'x',
  });
  const check = await checkDataset(root);
  assert.deepEqual(check.splits[0]?.counts, [3, 2]);
  assert.match(check.splits[0]?.unreadable[0]?.reason ?? '', /e\.heic is a HEIC picture/);
  assert.deepEqual(check.unexamined, {
    folders: ['images'],
    splits: [
      {
        split: 'Train',
        endings: [
          { ending: '.db', files: 1 },
          { ending: '', files: 1 },
          { ending: '.txt', files: 1 },
        ],
        besideClasses: 1,
        nested: ['happy/more'],
      },
    ],
  });
  const warnings = verdictOn(check).warnings.join('\n');
  assert.match(warnings, /^The folder 'images' beside the splits was not looked at/m);
  assert.match(
    warnings,
    /^Split 'Train' has 3 files in class folders .* not read \(1 \.db, 1 without ending, 1 \.txt\)\.$/m,
  );
  assert.match(warnings, /^Split 'Train' has 1 picture beside its class folders/m);
  assert.match(warnings, /^Split 'Train' has 1 folder within class folders, .*'happy\/more'\)\.$/m);
});

test('a split that cannot be used is told, the other is looked at', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, {
    'dataset.json': JSON.stringify({ name: 'x', labels: ['a', 'b'], folders: { a: 'a', b: 'b' } }),
    'train/a/1.png': await png(1),
    'test/c/1.png': await png(2),
  });
  const check = await checkDataset(root);
  assert.deepEqual(
    check.splits.map(({ split }) => split),
    ['train'],
  );
  const { problems, warnings } = verdictOn(check);
  assert.match(problems.join(), /^Split 'test' cannot be used: .*'folders'/);
  assert.deepEqual(warnings, ["Split 'train' has no picture of b."]);
  await failsWith(() => checkDataset(join(root, 'train/a')), 'no class folders');
  await failsWith(() => checkDataset(join(root, 'none')), 'no dataset folder');
  const reason = new UserError('Stopped here.', 'interrupted');
  await assert.rejects(checkDataset(root, { signal: AbortSignal.abort(reason) }), reason);
});

test('fingerprints: the same picture in another form is near, others are far, blank ones have none', async (context) => {
  const root = await temporaryFolder(context);
  const bits = (a: Uint32Array, b: Uint32Array): number =>
    a.reduce((sum, word, i) => sum + (word ^ (b[i] ?? 0)).toString(2).replace(/[^1]/g, '').length, 0);
  const print = async (bytes: Buffer): Promise<Uint32Array> => {
    const path = join(root, 'p.png');
    await writeFile(path, bytes);
    const { fingerprint } = await inspectPicture(path);
    assert.ok(fingerprint !== undefined);
    assert.equal(fingerprint.length, fingerprintWords);
    return fingerprint;
  };
  const first = await print(await png(1));
  for (const other of [
    await pattern(1).jpeg({ quality: 60 }).toBuffer(),
    await png(1, 97, 97),
    await png(1, 33, 50),
    await pattern(1).linear(0.7, 20).png().toBuffer(),
  ]) {
    const near = await print(other);
    assert.deepEqual(groupSimilar([first, near]), [[0, 1]]);
  }
  for (let seed = 2; seed < 8; seed++) assert.ok(bits(first, await print(await png(seed))) > 60);
  await writeFile(join(root, 'p.png'), await plainPng(9, 9, 9));
  assert.equal((await inspectPicture(join(root, 'p.png'))).fingerprint, undefined);
  await writeFile(join(root, 'p.png'), await plainPng(9, 200, 9, 1, 1));
  assert.deepEqual(await inspectPicture(join(root, 'p.png')).then(({ width, gray }) => [width, gray]), [1, false]);
});

test('groups: what is equal, and chains of what is near', () => {
  assert.deepEqual(groupEqual(['a', 'b', undefined, 'a', 'c', 'b', undefined, 'a']), [
    [0, 3, 7],
    [1, 5],
  ]);
  const print = (bits: number): Uint32Array =>
    Uint32Array.from({ length: fingerprintWords }, (_, i) => (i === 0 ? bits : i));
  // 0 to 1 and 1 to 2 differ in 6 bits, 0 to 2 in 12.
  assert.deepEqual(groupSimilar([print(0), print(0b111111), print(0b111111111111), undefined]), [[0, 1, 2]]);
  assert.deepEqual(groupSimilar([print(0), print(0b111111111111)]), []);
  fc.assert(
    fc.property(fc.array(fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined })), (keys) => {
      const groups = groupEqual(keys);
      for (const group of groups) assert.equal(new Set(group.map((i) => keys[i])).size, 1);
      assert.equal(new Set(groups.flat()).size, groups.flat().length);
    }),
  );
});

test('pictures that two sets share: byte for byte, whatever they are called', async (context) => {
  const root = await temporaryFolder(context);
  const bytes = (seed: number): Buffer => Buffer.from(Array.from({ length: 200 }, (_, i) => (seed * (i + 1)) % 251));
  // The same size and middle, another end.
  const alike = bytes(3);
  alike[199] = 1;
  await writeTree(root, {
    'a/1': bytes(1),
    'a/2': bytes(2),
    'a/3': bytes(3),
    'a/4': bytes(4).subarray(1),
    'a/5': '',
    'b/x': bytes(2),
    'b/y': alike,
    'b/z': bytes(4),
    'b/0': '',
  });
  await copyFile(join(root, 'a/1'), join(root, 'b/w'));
  await symlink('gone', join(root, 'a/6'));
  await mkdir(join(root, 'a/7'));
  const at = (...paths: string[]): { path: string }[] => paths.map((path) => ({ path: join(root, path) }));
  const a = at('a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6', 'a/7');
  const found = await sharedPictures(a, at('b/w', 'b/x', 'b/y', 'b/z', 'b/0', 'b/none'));
  assert.deepEqual(found, [
    { path: join(root, 'a/1'), other: join(root, 'b/w') },
    { path: join(root, 'a/2'), other: join(root, 'b/x') },
  ]);
  assert.deepEqual(await sharedPictures(a, []), []);
});
