import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { classCounts, type Dataset, loadDataset } from './dataset.js';
import { failsWith, temporaryFolder, writeTree } from './helpers.test.js';
import { formatVotes } from './votes.js';

// Listing opens no picture: their content does not matter here.
const files = (...paths: string[]): Record<string, string> => Object.fromEntries(paths.map((path) => [path, '']));
const labelled = ({ root, samples, labels }: Dataset): string[] =>
  samples.map(({ path, label }) => `${labels.labels[label]}:${relative(root, path).replaceAll('\\', '/')}`);

test('the classes are those of all splits together: one split may lack some, or have them empty', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, {
    ...files('train/angry/1.png', 'train/happy/1.png', 'train/sad/1.png', 'train/extra/notes.txt'),
    ...files('test/happy/1.png', 'test/sad/1.png', 'test/sad/2.png', 'test/angry/notes.txt', 'test/fear/1.png'),
  });
  const train = await loadDataset(root, 'train');
  const testing = await loadDataset(root, 'test');
  assert.deepEqual(train.labels.labels, ['angry', 'fear', 'happy', 'sad']);
  assert.deepEqual(testing.labels, train.labels);
  assert.deepEqual(classCounts(train), [1, 0, 1, 1]);
  assert.deepEqual(classCounts(testing), [0, 1, 1, 2]);
  assert.match((train.notes ?? []).join(), /train.extra holds no pictures: it is no class\.$/);
  assert.deepEqual(testing.notes, []);
});

test('one class has one index whatever each split calls it; two folders of one split stay two', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, files('Train/0-Happy/1.png', 'Train/1-Sad/1.png', 'test/happiness/1.png', 'test/sad/1.png'));
  assert.deepEqual(labelled(await loadDataset(root, 'test')), ['0-Happy:test/happiness/1.png', '1-Sad:test/sad/1.png']);
  await writeTree(root, files('two/train/Mild/1.png', 'two/train/mild/1.png', 'two/test/mild/1.png'));
  const two = await loadDataset(`${root}/two`, 'test');
  // Where file names differ by case alone, there is one folder only.
  assert.ok(labelled(two)[0]?.startsWith(two.labels.labels.includes('mild') ? 'mild:' : 'Mild:'));
});

test('numbers keep their places: an empty one counts, and splits that count otherwise are refused', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, files('train/1/a.png', 'train/2/readme.txt', 'train/3/a.png', 'test/01/a.png', 'test/3/a.png'));
  assert.deepEqual((await loadDataset(root, 'test')).labels.labels, ['1', '2', '3']);
  assert.deepEqual(labelled(await loadDataset(root, 'test')), ['1:test/01/a.png', '3:test/3/a.png']);
  await writeTree(root, files('shifted/train/0/a.png', 'shifted/train/1/a.png'));
  await writeTree(root, files('shifted/test/1/a.png', 'shifted/test/2/a.png'));
  await failsWith(() => loadDataset(`${root}/shifted`, 'train'), "test/ lacks '0'", "train/ lacks '2'", 'numbering');
  await writeTree(root, files('apart/train/a/a.png', 'apart/train/b/a.png', 'apart/test/x/a.png'));
  await failsWith(() => loadDataset(`${root}/apart`, 'train'), 'differ', 'in all their names');
});

test('names are compared, and labels written, in one Unicode form', async (context) => {
  const root = await temporaryFolder(context);
  const [composed, apart] = ['\u00e9merveill\u00e9', 'e\u0301merveille\u0301'];
  await writeTree(root, {
    ...files(`train/${apart}/1.png`, 'train/triste/1.png', `test/${composed}/e\u0301.png`, 'test/triste/1.png'),
    'test/votes.jsonl': formatVotes([{ image: `${apart}/\u00e9.png`, majority: true, votes: [1, 3] }]),
  });
  for (const split of ['train', 'test']) {
    assert.deepEqual((await loadDataset(root, split)).labels.labels, ['triste', composed]);
  }
  const distributions = (await loadDataset(root, 'test')).samples.flatMap(({ distribution }) =>
    distribution === undefined ? [] : [[...distribution]],
  );
  assert.deepEqual(distributions, [[0.25, 0.75]]);
  await writeTree(root, {
    'dataset.json': JSON.stringify({ labels: [apart, 'triste'], folders: { [composed]: apart, triste: 'triste' } }),
  });
  assert.deepEqual((await loadDataset(root, 'train')).labels.labels, [composed, 'triste']);
  // The order of weights that were made where labels came in the other form.
  const ordered = await loadDataset(root, 'train', { labels: { name: 'w', labels: ['triste', apart] } });
  assert.deepEqual(
    ordered.samples.map(({ label }) => label),
    [1, 0],
  );
});

test('dataset.json needs say no more than the folders do not', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, files('named/train/happy/1.png', 'named/train/1_Sad/1.png'));
  await writeTree(root, { 'named/dataset.json': '\uFEFF{"labels": ["sadness", "happy"]}' });
  const named = await loadDataset(`${root}/named`, 'train');
  assert.deepEqual(named.labels, { name: 'named', labels: ['sadness', 'happy'] });
  assert.deepEqual(labelled(named), ['sadness:train/1_Sad/1.png', 'happy:train/happy/1.png']);
  await writeTree(root, files('numbers/train/1/1.png', 'numbers/train/2/1.png'));
  await writeTree(root, { 'numbers/dataset.json': '{"labels": ["x", "y"]}' });
  assert.deepEqual(labelled(await loadDataset(`${root}/numbers`, 'train')), ['x:train/1/1.png', 'y:train/2/1.png']);
  await writeTree(root, files('numbers/train/4/1.png'));
  await failsWith(() => loadDataset(`${root}/numbers`, 'train'), "called as none of the 'labels'");
  await writeTree(root, files('order/train/a/1.png', 'order/train/b/1.png'));
  await writeTree(root, { 'order/dataset.json': '{"folders": {"b": "second", "a": "first"}}' });
  assert.deepEqual((await loadDataset(`${root}/order`, 'train')).labels.labels, ['second', 'first']);
});

test('folders that are plainly no classes are refused, and told where they might be none', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, files('archive/train/happy/1.png', 'archive/test/happy/1.png', 'other/1.png'));
  await failsWith(() => loadDataset(root, '.'), "it holds the splits 'test', 'train'", 'its own path');
  await writeTree(root, files('people/anna/happy/1.png', 'people/anna/sad/1.png', 'people/ben/happy/1.png'));
  await failsWith(() => loadDataset(`${root}/people`, '.'), "no class: it holds the class folders 'happy', 'sad'");
  await failsWith(() => loadDataset(`${root}/people`, 'train'), "where 'anna' holds class folders, name one");
  assert.deepEqual((await loadDataset(`${root}/people`, 'anna')).labels.labels, ['happy', 'sad']);
  await writeTree(root, files('sets/a/x/1.png', 'sets/a/y/1.png', 'sets/b/x/1.png', 'sets/b/y/1.png'));
  const sets = await loadDataset(`${root}/sets`, '.');
  assert.match((sets.notes ?? []).join(), /^The classes 'a', 'b' hold folders of the same names \('x', 'y'\)/);
  // Folders by person within each expression are usual.
  await writeTree(root, files('usual/happy/a/1.png', 'usual/happy/b/1.png', 'usual/sad/a/1.png', 'usual/sad/b/1.png'));
  assert.deepEqual((await loadDataset(`${root}/usual`, '.')).notes, []);
});
