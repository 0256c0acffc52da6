import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDataset } from './dataset.js';
import { failsWith, temporaryFolder, writeTree } from './helpers.test.js';
import { isSameSplit, reportedSplitOf, splitAmong, splitRole, splitsOf } from './splits.js';

test('what a folder is for does not depend on case, and usual synonyms count', () => {
  const names = {
    train: [
      'train',
      'Train',
      'TRAIN',
      'training',
      'Training',
      'trainset',
      'train_set',
      'training-data',
      'Train Images',
    ],
    valid: ['valid', 'Val', 'VALIDATION', 'dev', 'devset', 'eval', 'Evaluation', 'val_set', 'PublicTest'],
    test: ['test', 'TEST', 'Testing', 'test_set', 'PrivateTest'],
  } as const;
  for (const role of ['train', 'valid', 'test'] as const) {
    for (const name of names[role]) assert.equal(splitRole(name), role, name);
  }
  for (const name of ['happy', 'data', 'set', 'images', 'tests', 'trainer', 'test1', 'attest', '', '1']) {
    assert.equal(splitRole(name), undefined, name);
  }
  assert.ok(isSameSplit('train', 'Training') && isSameSplit('wild', 'wild') && !isSameSplit('wild', 'tame'));
});

test('splits are found by name or purpose; what is ambiguous is said', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'TEST/a/1.png': '', 'TEST/b/1.png': '', 'Training/a/1.png': '', 'Training/b/1.png': '' });
  await writeTree(root, { 'more/a/1.png': '', 'more/c/1.png': '', 'flat/1.png': '' });
  assert.deepEqual(await splitsOf(root), ['Training', 'TEST']);
  assert.equal(reportedSplitOf(await splitsOf(root)), 'TEST');
  const train = await loadDataset(root, 'train');
  assert.deepEqual([train.split, train.labels.labels, train.samples.length], ['Training', ['a', 'b'], 2]);
  assert.equal((await loadDataset(root, 'test')).split, 'TEST');
  // Any folder of class folders, by its name.
  assert.equal((await loadDataset(root, 'more')).samples.length, 2);
  for (const none of ['valid', 'flat', '../x', 'more/a']) {
    await failsWith(() => loadDataset(root, none), 'has no split', 'Training, TEST');
  }
  await writeTree(root, { 'val/a/1.png': '', 'dev/b/1.png': '' });
  await failsWith(() => loadDataset(root, 'valid'), "'dev' and 'val' are both meant by 'valid'");
  assert.equal((await loadDataset(root, 'dev')).split, 'dev');
  assert.equal(splitAmong(['val', 'dev', 'valid'], 'valid'), 'valid');
  assert.equal(reportedSplitOf(['train', 'val', 'dev']), undefined);
  assert.equal(reportedSplitOf(['train', 'PrivateTest', 'test']), 'test');
});

test('what dataset.json names as a class folder is no split', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, {
    'dev/1.png': '',
    'ops/1.png': '',
    'dataset.json': JSON.stringify({ folders: { dev: 'developers', ops: 'operators' } }),
  });
  assert.deepEqual(await splitsOf(root), ['.']);
  assert.deepEqual((await loadDataset(root, '.')).labels.labels, ['developers', 'operators']);
  await failsWith(() => splitsOf(join(root, 'nowhere')), 'no dataset folder');
  await writeFile(join(root, 'photo.jpg'), 'x');
  await failsWith(() => splitsOf(join(root, 'photo.jpg')), 'photo.jpg is no folder; give the folder of a dataset');
});
