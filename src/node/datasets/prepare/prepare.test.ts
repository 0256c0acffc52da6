import assert from 'node:assert/strict';
import { mkdir, readdir, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../common/errors.js';
import { affectnet7, affectnet8, caers, rafdb } from '../../../common/label-sets.js';
import { classCounts, loadDataset } from '../dataset.js';
import { failsWith, npy, plainPng, temporaryFolder, writeTree } from '../helpers.test.js';
import { type Prepared, prepareDataset, type ReleaseName } from './prepare.js';
import { isSafePath } from './release.js';

const picture = await plainPng(9, 8, 7);

/** Writes pictures (names that end in a slash: folders) and other files, and prepares them. */
async function prepared(
  context: TestContext,
  name: ReleaseName,
  pictures: readonly string[],
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<{ root: string; out: string; result: Prepared }> {
  const root = await temporaryFolder(context);
  await writeTree(join(root, 'src'), { ...Object.fromEntries(pictures.map((path) => [path, picture])), ...files });
  const out = join(root, 'out');
  return { root, out, result: await prepareDataset(name, join(root, 'src'), out) };
}

const countsOf = ({ splits }: Prepared): [string, readonly number[]][] =>
  splits.map(({ split, counts }) => [split, counts]);

const rafList = 'train_00001.jpg 5\r\ntrain_00002.jpg 1\ntest_0001.jpg 7 \n\n';
const rafPictures = ['train_00001_aligned.jpg', 'train_00002_aligned.jpg', 'test_0001_aligned.jpg'];

test('RAF-DB: the label list, in the folders of the release or flat, and class folders', async (context) => {
  for (const [list, folder] of [
    ['EmoLabel/list_patition_label.txt', 'Image/aligned/'],
    ['basic/EmoLabel/list_patition_label.txt', 'basic/Image/aligned/'],
    ['list_patition_label.txt', ''],
    ['list_partition_label.txt', 'aligned/'],
  ] as const) {
    const all = rafPictures.map((name) => `${folder}${name}`);
    const { out, result } = await prepared(context, 'raf-db', all, { [list]: rafList });
    assert.deepEqual(countsOf(result), [
      ['train', [1, 0, 0, 0, 1, 0, 0]],
      ['valid', [0, 0, 0, 0, 0, 0, 1]],
    ]);
    assert.deepEqual(result.links, { hard: 3, symbolic: 0, copy: 0 });
    const train = await loadDataset(out, 'train');
    assert.deepEqual(train.labels, rafdb);
    assert.deepEqual(
      train.samples.map(({ path, label }) => [path.slice(out.length + 1), label]),
      [
        ['train/1/train_00002_aligned.jpg', 0],
        ['train/5/train_00001_aligned.jpg', 4],
      ],
    );
    assert.match(
      result.warnings.map(({ sentence }) => sentence).join(' '),
      /'train' has 2 pictures where RAF-DB was published with 12,271/,
    );
  }
  const folders = await prepared(context, 'raf-db', ['train/1/a.jpg', 'train/7/b.jpg', 'test/3/c.jpg']);
  assert.equal(folders.result.layout, 'class folders');
  const valid = await loadDataset(folders.out, 'valid');
  assert.deepEqual([valid.labels, classCounts(valid)], [rafdb, [0, 0, 1, 0, 0, 0, 0]]);
});

test('RAF-DB: lines that do not fit are named; or left out, counted and named', async (context) => {
  const root = await temporaryFolder(context);
  const src = join(root, 'src');
  await writeTree(src, Object.fromEntries(rafPictures.map((name) => [name, picture])));
  const list = join(src, 'list_patition_label.txt');
  const bad = [
    ['train_00003.jpg 3', 'which is not there'],
    ['train_00001.jpg 8', "label '8', not one of 1 to 7"],
    ['train_00001.jpg 0', "label '0'"],
    ['train_00001.jpg happy', "label 'happy'"],
    ['train_00001.jpg', 'is not a picture and its label'],
    ['train_00001.jpg 1 2', 'is not a picture and its label'],
    ['train_00002.jpg 2', 'repeats'],
    ['other_1.jpg 2', 'neither train_ nor test_'],
    ['../train_00001.jpg 2', 'not a plain path'],
    ['/etc/passwd 2', 'not a plain path'],
    ['train_..\\x.jpg 2', 'not a plain path'],
    ['.train_1.jpg 2', 'not a plain path'],
  ] as const;
  for (const [line, why] of bad) {
    await writeFile(list, `train_00002.jpg 1\n${line}\n`);
    await failsWith(
      () => prepareDataset('raf-db', src, join(root, 'out')),
      `${list}, line 2,`,
      why,
      'or skip what is bad',
    );
  }
  assert.deepEqual(await readdir(root), ['src'], 'nothing is left behind');
  await writeFile(list, `train_00002.jpg 1\n${bad.map(([line]) => line).join('\n')}\ntest_0001.jpg 2\n`);
  const { splits, problems } = await prepareDataset('raf-db', src, join(root, 'out'), { skipBad: true });
  assert.deepEqual(
    splits.map(({ counts }) => counts),
    [
      [1, 0, 0, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0],
    ],
  );
  assert.equal(problems.length, bad.length);
  assert.ok(problems.every((sentence) => /list_patition_label\.txt, line \d+, .*[^.]\.$/.test(sentence)));
  await writeFile(list, 'train_00009.jpg 1\n');
  await failsWith(() => prepareDataset('raf-db', src, join(root, 'out2'), { skipBad: true }), 'None of the pictures');
  await writeFile(list, '\n');
  await failsWith(() => prepareDataset('raf-db', src, join(root, 'out2')), 'no picture that can be used');
});

test('RAF-DB: without aligned pictures, or another folder altogether', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'a/EmoLabel/list_patition_label.txt': rafList, 'a/Image/original/train_00001.jpg': picture });
  await failsWith(() => prepareDataset('raf-db', join(root, 'a'), join(root, 'out')), 'no aligned pictures');
  await failsWith(() => prepareDataset('raf-db', root, join(root, 'out')), 'is not RAF-DB');
  await failsWith(() => prepareDataset('raf-db', join(root, 'none'), join(root, 'out')), 'no folder');
  await writeTree(root, { 'b/train/1/a.png': picture, 'b/train/8/b.png': picture });
  await failsWith(() => prepareDataset('raf-db', join(root, 'b'), join(root, 'out')), 'train/8 is no class of RAF-DB');
  await writeTree(root, { 'b/train/8/b.png': picture, 'b/train/2/empty.png': '' });
  await failsWith(() => prepareDataset('raf-db', join(root, 'b'), join(root, 'out')), /no class|empty/);
});

const header = 'subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal';
const csvLine = (path: string, expression: string | number): string =>
  `${path},1,2,30,40,"1.5;2.5;3.5",${expression},-0.1,0.2`;

function affectCsv(folder = '', withHeader = true): Record<string, string | Buffer> {
  const lists = `${folder}Manually_Annotated_file_lists`;
  const images = `${folder}Manually_Annotated_Images`;
  const train = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((e) => csvLine(`${e + 100}/${e}.jpg`, e));
  return {
    [`${lists}/training.csv`]: [...(withHeader ? [header] : []), ...train, ''].join('\r\n'),
    [`${lists}/validation.csv`]: [...(withHeader ? [header] : []), csvLine('1/v.jpg', 7), csvLine('1/w.jpg', 6)].join(
      '\n',
    ),
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((e) => [`${images}/${e + 100}/${e}.jpg`, picture])),
    [`${images}/1/v.jpg`]: picture,
    [`${images}/1/w.jpg`]: picture,
  };
}

test('AffectNet: CSV lists; 0..6 or 0..7 are kept, the others counted by name', async (context) => {
  const eight = await prepared(context, 'affectnet-8', [], affectCsv('Manually_Annotated/'));
  assert.deepEqual(countsOf(eight.result), [
    ['train', [1, 1, 1, 1, 1, 1, 1, 1]],
    ['test', [0, 0, 0, 0, 0, 0, 1, 1]],
  ]);
  assert.deepEqual((await loadDataset(eight.out, 'test')).labels, affectnet8);
  assert.deepEqual(
    eight.result.splits[0]?.leftOut.map(({ reason, pictures }) => [reason, pictures]),
    [
      ['None', 1],
      ['Uncertain', 1],
      ['No-Face', 1],
    ],
  );
  // Without a first line of names: the columns of the release.
  const seven = await prepared(context, 'affectnet-7', [], affectCsv('', false));
  const train = await loadDataset(seven.out, 'train');
  assert.deepEqual([train.labels, classCounts(train)], [affectnet7, [1, 1, 1, 1, 1, 1, 1]]);
  assert.equal(train.samples[3]?.path, join(seven.out, 'train/3/103/3.jpg'));
  assert.equal((await loadDataset(seven.out, 'valid')).samples.length, 1);
  assert.deepEqual(seven.result.splits[1]?.leftOut, [{ reason: 'Contempt', pictures: 1 }]);
});

test('AffectNet: lines that do not fit', async (context) => {
  const root = await temporaryFolder(context);
  const src = join(root, 'src');
  await writeTree(src, affectCsv());
  const list = join(src, 'Manually_Annotated_file_lists/training.csv');
  for (const [line, ...why] of [
    [csvLine('100/0.jpg', 11), 'line 3,', "expression '11', not one of 0 to 10"],
    [csvLine('100/0.jpg', -1), 'line 3,', "expression '-1'"],
    [csvLine('100/0.jpg', ''), 'line 3,', "expression ''"],
    [csvLine('../../../etc/passwd', 1), 'line 3,', 'not a plain path'],
    [csvLine('/etc/passwd', 1), 'line 3,', 'not a plain path'],
    [csvLine('1/../../x.jpg', 1), 'line 3,', 'not a plain path'],
    [csvLine('', 1), 'line 3,', 'not a plain path'],
    [csvLine('101/1.jpg', 2), 'line 3,', 'repeats'],
    [csvLine('999/9.jpg', 1), 'line 3,', 'is not there'],
    ['101/1.jpg,1', 'line 3,', '2 fields instead of 9'],
    ['101/1.jpg,"1,2', 'line 3', 'quote is not closed'],
    [`101/1.jpg,"${'x'.repeat(70_000)}`, 'line 3', 'characters'],
  ] as const) {
    await writeFile(list, `${header}\n${csvLine('101/1.jpg', 1)}\n${line}\n`);
    await failsWith(() => prepareDataset('affectnet-8', src, join(root, 'out')), list, ...why);
  }
  await writeFile(list, `${header.replace('expression', 'emotion')}\n`);
  await failsWith(() => prepareDataset('affectnet-8', src, join(root, 'out')), "no column 'expression'");
  await failsWith(() => prepareDataset('affectnet-8', root, join(root, 'out')), 'is not AffectNet');
  assert.deepEqual(await readdir(root), ['src']);
});

const text = (value: string): Buffer =>
  npy(`<U${value.length}`, Buffer.from([...value].map((one) => `${one}\0\0\0`).join('')));

test('AffectNet: .npy annotations', async (context) => {
  const files = {
    'train_set/images/0.jpg': picture,
    'train_set/annotations/0_exp.npy': text('1'),
    'train_set/annotations/0_val.npy': text('-0.5'),
    'train_set/images/12.jpg': picture,
    'train_set/annotations/12_exp.npy': npy('<i4', Buffer.from([7, 0, 0, 0])),
    'val_set/images/3.jpg': picture,
    'val_set/annotations/3_exp.npy': text('6'),
  };
  const eight = await prepared(context, 'affectnet-8', [], files);
  assert.deepEqual(countsOf(eight.result), [
    ['train', [0, 1, 0, 0, 0, 0, 0, 1]],
    ['test', [0, 0, 0, 0, 0, 0, 1, 0]],
  ]);
  const seven = await prepared(context, 'affectnet-7', [], files);
  assert.deepEqual(countsOf(seven.result)[0], ['train', [0, 1, 0, 0, 0, 0, 0]]);
  assert.deepEqual(seven.result.splits[0]?.leftOut, [{ reason: 'Contempt', pictures: 1 }]);
  for (const [bad, why] of [
    [{ 'train_set/annotations/0_exp.npy': text('11') }, 'has the expression 11, not one of 0 to 10'],
    [{ 'train_set/annotations/0_exp.npy': text('0.5') }, 'expression 0.5'],
    [{ 'train_set/annotations/0_exp.npy': npy('<c8', Buffer.alloc(8)) }, "the type 'c8'"],
    [{ 'train_set/annotations/0_exp.npy': '' }, 'not a NumPy file'],
    [{ 'train_set/annotations/5_exp.npy': text('1') }, 'has no picture'],
    [{ 'val_set/images/5.jpg': picture }, 'images/5.jpg has no annotation'],
    [{ 'val_set/images/3.jpg': '' }, 'is empty'],
  ] as const) {
    await failsWith(() => prepared(context, 'affectnet-8', [], { ...files, ...bad }), why);
  }
  await writeTree(join(eight.root, 'src'), {
    'train_set/annotations/0_exp.npy': 'no',
    'val_set/images/5.jpg': picture,
  });
  const rest = await prepareDataset('affectnet-8', join(eight.root, 'src'), join(eight.root, 'rest'), {
    skipBad: true,
  });
  assert.equal(rest.problems.length, 2);
  assert.deepEqual(countsOf(rest)[0], ['train', [0, 0, 0, 0, 0, 0, 0, 1]]);
});

test('AffectNet in class folders; a folder 7 is left out of 7', async (context) => {
  const { result, out } = await prepared(context, 'affectnet-7', ['train/0/a.jpg', 'train/7/b.jpg', 'val/6/c.jpg']);
  assert.deepEqual(countsOf(result), [
    ['train', [1, 0, 0, 0, 0, 0, 0]],
    ['valid', [0, 0, 0, 0, 0, 0, 1]],
  ]);
  assert.deepEqual(result.splits[0]?.leftOut, [{ reason: 'Contempt', pictures: 1 }]);
  assert.deepEqual((await readdir(out)).sort(), ['dataset.json', 'train', 'valid']);
});

test('CAER-S: folders by name, and what it holds is said', async (context) => {
  const all = caers.labels.flatMap((name) => [`train/${name}/0001.png`, `test/${name}/0001.png`]);
  const { root, out, result } = await prepared(context, 'caer-s', [...all, 'train/Happy/0002.png']);
  assert.match(result.warnings.map(({ sentence }) => sentence).join(' '), /whole scenes.*crop the faces first/);
  const train = await loadDataset(out, 'train');
  assert.deepEqual([train.labels, classCounts(train)], [caers, [1, 1, 1, 2, 1, 1, 1]]);
  assert.equal((await loadDataset(out, 'test')).samples.length, 7);
  const cropped = await prepareDataset('caer-s', join(root, 'src'), join(root, 'cropped'), { crops: true });
  assert.deepEqual(cropped.warnings, []);
  await writeTree(root, { 'src/test/Contempt/1.png': picture });
  await failsWith(() => prepareDataset('caer-s', join(root, 'src'), join(root, 'x')), 'Contempt is no class of CAER-S');
  await failsWith(() => prepareDataset('caer-s', root, join(root, 'x')), 'is not CAER-S');
});

test('links of the kind asked for; symbolic links of the release are followed', async (context) => {
  const { root, out } = await prepared(context, 'raf-db', ['train/1/a.jpg', 'train/2/b.jpg']);
  const src = join(root, 'src');
  const inode = async (path: string): Promise<number> => (await stat(path)).ino;
  assert.equal(await inode(join(out, 'train/1/a.jpg')), await inode(join(src, 'train/1/a.jpg')));
  await symlink('a.jpg', join(src, 'train/1/c.jpg'));
  const copies = await prepareDataset('raf-db', src, join(root, 'copies'), { link: 'copy' });
  assert.deepEqual(copies.links, { hard: 0, symbolic: 0, copy: 3 });
  assert.notEqual(await inode(join(root, 'copies/train/1/a.jpg')), await inode(join(src, 'train/1/a.jpg')));
  const links = await prepareDataset('raf-db', src, join(root, 'links'), { link: 'symbolic' });
  assert.deepEqual(links.links, { hard: 0, symbolic: 3, copy: 0 });
  assert.equal(await readlink(join(root, 'links/train/1/a.jpg')), join(src, 'train/1/a.jpg'));
  assert.equal((await loadDataset(join(root, 'links'), 'train')).samples.length, 3);
  const hard = await prepareDataset('raf-db', src, join(root, 'hard'), { link: 'hard' });
  assert.equal(hard.links.hard, 3);
});

test('stopped halfway: nothing is left, and it can be run again; what a killed process left is removed', async (context) => {
  const { root, out } = await prepared(context, 'raf-db', ['train/1/a.jpg', 'train/2/b.jpg']);
  const src = join(root, 'src');
  const reason = new UserError('Stopped here.', 'interrupted');
  await assert.rejects(prepareDataset('raf-db', src, join(root, 'two'), { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual((await readdir(root)).sort(), ['out', 'src']);
  await failsWith(() => prepareDataset('raf-db', src, out), 'is not empty');
  const long = new Date(Date.now() - 1e8);
  for (const name of ['.two.0123456789ab.partial', '.two.0123456789ac.partial']) {
    await mkdir(join(root, name));
    await writeTree(root, { [`${name}/train/1/x.jpg`]: picture });
    for (const folder of ['train/1', 'train', '']) await utimes(join(root, name, folder), long, long);
  }
  await writeTree(root, { '.two.0123456789ac.partial/train/1/y.jpg': picture });
  await prepareDataset('raf-db', src, join(root, 'two'));
  assert.deepEqual((await readdir(root)).sort(), ['.two.0123456789ac.partial', 'out', 'src', 'two']);
});

test('paths of a release lead nowhere else', () => {
  for (const good of ['a.jpg', '689/73 7d(1).jpg', 'é/ü.png', 'a/b/c_d-e.f.png']) assert.ok(isSafePath(good), good);
  for (const bad of [
    '',
    '.',
    '..',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    'a/./b',
    '.a',
    'a/.b',
    'a\\b',
    'a\0',
    'C:/a',
    'a\n',
    '~a',
  ]) {
    assert.ok(!isSafePath(bad), JSON.stringify(bad));
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', ' ', '~', '\0') }), (path) => {
      if (isSafePath(path)) assert.ok(join('/root', path).startsWith('/root/a'));
    }),
  );
});
