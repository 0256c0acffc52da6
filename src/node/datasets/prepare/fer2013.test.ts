import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fer2013 } from '../../../common/label-sets.js';
import { decodePicture } from '../../decode/decode.js';
import { classCounts, loadDataset } from '../dataset.js';
import { failsWith, temporaryFolder, writeTree } from '../helpers.test.js';
import { parsePixels, side } from './fer2013.js';
import { prepareDataset } from './prepare.js';

const ramp = (start: number): number[] => Array.from({ length: side * side }, (_, i) => (start + i) % 256);
const usages = ['Training', 'Training', 'PublicTest', 'PrivateTest'];
const votes = [
  'Training,fer0000000.png,4,0,0,0,1,0,0,0,0,0',
  'Training,,0,0,0,0,0,0,0,0,0,10',
  'PublicTest,fer0000002.png,0,9,0,0,0,0,0,1,0,0',
  'PrivateTest,fer0000003.png,3,3,3,0,0,0,0,1,0,0',
];
const votesHeader = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF';
const newCsv = (lines = votes): string => `${[votesHeader, ...lines].join('\n')}\n`;
const oldCsv = (rows = usages): string =>
  `${['emotion,pixels,Usage', ...rows.map((usage, i) => `${i + 3},${ramp(i).join(' ')},${usage}`)].join('\r\n')}\r\n`;
/** As the contest's later page has it: other order of columns, spaces in the header, quotes. */
const icmlCsv = (): string =>
  `${['emotion, Usage, pixels', ...usages.map((usage, i) => `${i + 3},${usage},"${ramp(i).join(' ')}"`)].join('\n')}\n`;

test('the two files that people have become FER+, to the pixel', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'a/fer2013/fer2013.csv': oldCsv(), 'a/FERPlus/fer2013new.csv': newCsv() });
  await writeTree(root, { 'b/icml_face_data.csv': icmlCsv(), 'b/fer2013new.csv': newCsv() });
  // A clone of FER+'s repository: lists without pictures.
  await writeTree(root, { 'b/FER2013Train/label.csv': '', 'b/FER2013Test/label.csv': '' });
  for (const src of ['a', 'b']) {
    const out = join(root, `${src}-out`);
    const prepared = await prepareDataset('ferplus', join(root, src), out);
    assert.deepEqual([prepared.layout, prepared.written], ['fer2013.csv and fer2013new.csv', 3]);
    assert.deepEqual(prepared.links, { hard: 0, symbolic: 0, copy: 0 });
    assert.equal(prepared.warnings.length, 3);
    assert.match(
      prepared.warnings.map(({ sentence }) => sentence).join(),
      /'train' has 1 pictures where FER\+ was published with 25,045: the release/,
    );
    const train = await loadDataset(out, 'train');
    assert.equal(train.samples[0]?.path, join(out, 'train', '0-neutral', 'fer0000000.png'));
    assert.deepEqual([...(train.samples[0]?.distribution ?? [])], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(classCounts(await loadDataset(out, 'valid')), [0, 1, 0, 0, 0, 0, 0, 0]);
    await failsWith(() => loadDataset(out, 'test'), 'majority');
    const picture = await decodePicture(join(out, 'valid', '1-happiness', 'fer0000002.png'));
    assert.deepEqual([picture.width, picture.height], [48, 48]);
    assert.deepEqual(
      [...picture.data].filter((_, i) => i % 3 === 0),
      ramp(2),
    );
    assert.equal(prepared.splits.find(({ split }) => split === 'train')?.leftOut[0]?.pictures, 1);
  }
});

test('fer2013.csv alone has its own seven labels', async (context) => {
  const root = await temporaryFolder(context);
  await writeFile(join(root, 'fer2013.csv'), oldCsv());
  const prepared = await prepareDataset('fer2013', root, join(root, 'out'));
  assert.deepEqual([prepared.dataset, prepared.labels], ['FER2013', fer2013.labels]);
  const train = await loadDataset(join(root, 'out'), 'train');
  assert.deepEqual(train.labels, fer2013);
  assert.deepEqual(classCounts(train), [0, 0, 0, 1, 1, 0, 0]);
  assert.match(
    prepared.warnings.map(({ sentence }) => sentence).join(),
    /'test' has 1 pictures where FER2013 was published with 3,589 \(/,
  );
});

test('files that do not belong together, are not there or are damaged are told', async (context) => {
  const root = await temporaryFolder(context);
  const fails = async (files: Readonly<Record<string, string>>, ...parts: readonly string[]): Promise<void> => {
    const src = join(root, String(Math.random()));
    await writeTree(src, files);
    await failsWith(() => prepareDataset('ferplus', src, join(root, 'never')), ...parts);
  };
  const both = (old: string, fresh = newCsv()): Record<string, string> => ({
    'fer2013.csv': old,
    'fer2013new.csv': fresh,
  });
  await fails({ 'fer2013.csv': oldCsv() }, "not FER+'s votes", 'fer2013new.csv', 'prepare it as fer2013');
  await fails({ 'fer2013new.csv': newCsv() }, 'not the pictures', 'fer2013.csv');
  await fails({ 'x.csv': '' }, 'is not the FER+ release', 'fer2013.csv with fer2013new.csv');
  await fails(both(oldCsv(usages.toReversed())), 'fer2013new.csv, line 2,', 'does not belong to the same line');
  await fails(both(oldCsv(usages.slice(0, 3))), 'line 5,', 'does not belong');
  await fails(both(oldCsv([...usages, 'PrivateTest'])), 'line 6,', 'does not belong');
  await fails(both(oldCsv(['Testing'])), "line 2, has the Usage 'Testing' instead of Training");
  await fails(both('a,b\n1,2\n'), "no column 'emotion'");
  await fails(both('emotion,pixels,Usage\n'), 'has no pictures');
  await fails(both(oldCsv(), newCsv(['Training,../x.png,4,0,0,0,1,0,0,0,0,0'])), 'not a plain file name');
  await fails(both(oldCsv().replace(' 17 ', ' 256 ')), "the pixel '256'", 'line 2,');
  await fails(both(oldCsv().replace(' 17 ', ' ')), 'has 2303 pixels instead of 48 x 48');
});

test('whatever pixels are written: all of a picture, or a reason', () => {
  assert.deepEqual(parsePixels(ramp(7).join(' ')), Uint8Array.from(ramp(7)));
  const word = fc.oneof(fc.nat(300).map(String), fc.constantFrom('-1', '1.5', '0x1', '', 'a', '1e2'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      assert.equal(typeof parsePixels(words.join(' ')), 'string');
    }),
  );
});
