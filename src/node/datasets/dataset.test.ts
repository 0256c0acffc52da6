import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import { affectnet7, rafdb } from '../../common/label-sets.js';
import { formatDescription } from '../../safetensors/index.js';
import { classCounts, type Dataset, holdOut, loadDataset } from './dataset.js';
import { failsWith, temporaryFolder, writeTree } from './helpers.test.js';
import { reportedSplitOf, splitsOf } from './splits.js';
import { formatVotes, type PictureVotes, parseVotes } from './votes.js';

const preprocessing = { imageSize: 8, channels: 1, mean: [0], std: [1] } as const;

// Listing opens no picture: their content does not matter here.
const listed = (dataset: Dataset): string[] =>
  dataset.samples.map(({ path, label }) => `${label}:${relative(dataset.root, path).replaceAll('\\', '/')}`);

test('folders and files come in ImageFolder order, other files are passed over', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, {
    'train/b/2.png': '',
    'train/b/10.JPG': '',
    'train/b/notes.txt': '',
    'train/b/.hidden.png': '',
    'train/b/sub/1.png': '',
    'train/B/x.webp': '',
    'train/a/é.png': '',
    'train/a/z.png': '',
    'train/README.md': '',
  });
  const dataset = await loadDataset(root, 'train');
  assert.deepEqual(dataset.labels.labels, ['B', 'a', 'b']);
  assert.deepEqual(listed(dataset), [
    '0:train/B/x.webp',
    '1:train/a/z.png',
    '1:train/a/é.png',
    '2:train/b/10.JPG',
    '2:train/b/2.png',
    '2:train/b/sub/1.png',
  ]);
  assert.deepEqual(classCounts(dataset), [1, 2, 3]);
  assert.deepEqual(await splitsOf(root), ['train']);
});

test('labels are what checkpoints can hold: joiners of languages and emoji, but nothing invisible or turning', async (context) => {
  const root = await temporaryFolder(context);
  const fit = ['क्\u200dष', 'خوش\u200cحال', '👨\u200d👩', 'x'.repeat(200)];
  await writeTree(root, Object.fromEntries(fit.map((label) => [`fit/train/${label}/1.png`, ''])));
  const { labels } = await loadDataset(join(root, 'fit'), 'train');
  assert.deepEqual(labels.labels.toSorted(), fit.toSorted());
  formatDescription({ model: { name: 'm', config: {} }, labels, preprocessing });
  const unfit = {
    'a\u202eb': 'U+202E',
    'a\u0007': 'U+0007',
    'so\u00adft': 'U+00AD',
    'a\u2028b': 'U+2028',
    [`${'x'.repeat(201)}`]: '200',
  };
  for (const [n, [label, reason]] of Object.entries(unfit).entries()) {
    await writeTree(root, { [`${n}/train/a/1.png`]: '', [`${n}/train/${label}/1.png`]: '' });
    await failsWith(() => loadDataset(join(root, String(n)), 'train'), 'no checkpoint can hold', reason, 'rename');
  }
  // What the dataset's own folder is called is nobody's label.
  for (const name of ['d\u0007', `${'y'.repeat(220)}`]) {
    await writeTree(root, { [`${name}/train/a/1.png`]: '', [`${name}/train/b/1.png`]: '' });
    const { labels } = await loadDataset(join(root, name), 'train');
    formatDescription({ model: { name: 'm', config: {} }, labels, preprocessing });
  }
});

test('class folders directly in the root are split "."', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'happy/1.png': '', 'sad/1.png': '' });
  assert.deepEqual(listed(await loadDataset(root, '.')), ['0:happy/1.png', '1:sad/1.png']);
  await failsWith(() => loadDataset(root, 'train'), "no split 'train'", "'.'");
});

test('numbered folders take the names of a label set, named ones its order', async (context) => {
  const root = await temporaryFolder(context);
  const files = [1, 2, 3, 4, 5, 6, 7].map((n) => [`train/${n}/p.png`, ''] as const);
  await writeTree(root, Object.fromEntries(files));
  const numbered = await loadDataset(root, 'train', { labels: rafdb });
  assert.deepEqual(numbered.labels, rafdb);
  assert.equal(numbered.samples[3]?.label, 3);
  await failsWith(
    () => loadDataset(root, 'train', { labels: { name: 'two', labels: ['a', 'b'] } }),
    '7 numbered',
    'two',
  );
  // AffectNet's folders are 0..6: these cannot be its.
  await failsWith(
    () => loadDataset(root, 'train', { labels: affectnet7 }),
    'does not follow AffectNet-7: its class folders are 1, 2, 3, 4, 5, 6, 7, and AffectNet-7 counts 0..6',
  );

  await writeTree(root, { 'other/train/happy/1.png': '', 'other/train/angry/1.png': '' });
  const named = await loadDataset(join(root, 'other'), 'train', { labels: rafdb });
  assert.deepEqual(listed(named), ['5:train/angry/1.png', '3:train/happy/1.png']);
  await writeTree(root, { 'other/train/bored/1.png': '' });
  await failsWith(() => loadDataset(join(root, 'other'), 'train', { labels: rafdb }), "'bored'", 'RAF-DB');
});

const description = JSON.stringify({
  name: 'mine',
  labels: ['neutral', 'happy'],
  folders: { '0-neutral': 'neutral', '1-happy': 'happy' },
});
const vote = (image: string, majority: boolean, ...votes: number[]): PictureVotes => ({ image, majority, votes });

test('a validation split may be called val', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, { 'train/a/1.png': '', 'train/b/1.png': '', 'val/a/2.png': '', 'val/b/2.png': '' });
  assert.deepEqual(await splitsOf(root), ['train', 'val']);
  assert.equal(reportedSplitOf(await splitsOf(root)), 'val');
  assert.equal((await loadDataset(root, 'val')).samples.length, 2);
});

test('dataset.json names the folders, votes.jsonl gives distributions and majority', async (context) => {
  const root = await temporaryFolder(context);
  await writeTree(root, {
    'dataset.json': description,
    'valid/0-neutral/1.png': '',
    'valid/0-neutral/2.png': '',
    'train/0-neutral/1.png': '',
    'train/1-happy/1.png': '',
    'train/1-happy/2.png': '',
    'train/votes.jsonl': formatVotes([
      vote('0-neutral/1.png', true, 6, 2),
      vote('1-happy/1.png', false, 4, 4),
      vote('1-happy/removed since.png', true, 0, 1),
    ]),
  });
  const train = await loadDataset(root, 'train');
  assert.deepEqual(listed(train), ['0:train/0-neutral/1.png', '1:train/1-happy/2.png']);
  assert.deepEqual([...(train.samples[0]?.distribution ?? [])], [0.75, 0.25]);
  assert.equal(train.samples[1]?.distribution, undefined);
  const all = await loadDataset(root, 'train', { keepNonMajority: true });
  assert.deepEqual(
    all.samples.map(({ majority }) => majority),
    [true, false, true],
  );
  // Another order takes the distributions along.
  const turned = await loadDataset(root, 'train', { labels: { name: 'w', labels: ['Happiness', 'Neutral'] } });
  assert.deepEqual(
    turned.samples.map(({ label }) => label),
    [1, 0],
  );
  assert.deepEqual([...(turned.samples[0]?.distribution ?? [])], [0.25, 0.75]);
  // With a description, a split may lack a class.
  assert.equal((await loadDataset(root, 'valid')).samples.length, 2);
});

test('class folders may be called like what every object has', async (context) => {
  const root = await temporaryFolder(context);
  const folders = '{"__proto__":"sad","constructor":"happy"}';
  await writeTree(root, {
    'dataset.json': `{"labels":["happy","sad"],"folders":${folders}}`,
    'train/__proto__/1.png': '',
    'train/constructor/1.png': '',
  });
  assert.deepEqual(listed(await loadDataset(root, 'train')), ['1:train/__proto__/1.png', '0:train/constructor/1.png']);
});

test('what is wrong with a dataset is one sentence', async (context) => {
  const root = await temporaryFolder(context);
  const make = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    await writeTree(join(root, name), files);
    return join(root, name);
  };
  await failsWith(() => loadDataset(join(root, 'nowhere'), 'train'), 'no dataset folder');
  await mkdir(join(root, 'bare'));
  await failsWith(() => loadDataset(join(root, 'bare'), '.'), 'no class folders');
  const two = await make('two', { 'train/a/1.png': '', 'train/b/1.png': '', 'test/a/1.png': '' });
  await failsWith(() => loadDataset(two, 'valid'), 'train, test');
  const empty = await make('empty', { 'train/a/1.txt': '', 'train/b/readme.txt': '' });
  await failsWith(() => loadDataset(empty, 'train'), 'No class folder', 'holds pictures');
  const unknown = await make('unknown', { 'dataset.json': description, 'train/2-sad/1.png': '' });
  await failsWith(() => loadDataset(unknown, 'train'), '2-sad', 'dataset.json');
  for (const [broken, why] of [
    ['{', /not valid JSON/],
    ['[]', /it is not an object/],
    ['{"name":"x"}', /it has neither 'labels' nor 'folders'/],
    ['{"name":"x","labels":["a","a"],"folders":{}}', /'labels' has 'a' twice/],
    ['{"name":"x","labels":["a","b"],"folders":{"a":"c"}}', /'folders' gives 'a' the label 'c', which 'labels' lacks/],
    ['{"name":"x","labels":["a"],"folders":{}}', /'labels' has fewer than two names/],
    ['{"labels":"a, b"}', /'labels' is not a list of names in index order/],
    ['{"labels":["a", 2]}', /one of 'labels' is not text/],
    ['{"labels":["a","b"],"folders":["a","b"]}', /'folders' does not give the label of each class folder/],
    ['{"folders":{"a":"x"}}', /'folders' has fewer than two labels/],
    ['{"labels":["x","y"]}', /called as none of the 'labels'.*give its label in 'folders'/],
    ['{"labels":["a","b"],"classes":{}}', /the field 'classes', and known are name, labels, folders, tensors/],
    ['{"labels":["a","b"],"tensors":"no"}', /'tensors' is neither true nor false/],
  ] as const) {
    const one = await make('broken', { 'dataset.json': broken, 'train/a/1.png': '' });
    await failsWith(() => loadDataset(one, 'train'), 'dataset.json', why);
  }
  const loop = await make('loop', { 'train/a/1.png': '' });
  await symlink('..', join(loop, 'train/a/up'));
  await failsWith(() => loadDataset(loop, 'train'), 'symbolic link');
  const none = await make('none', {
    'train/a/1.png': '',
    'train/votes.jsonl': formatVotes([vote('a/1.png', false, 1)]),
  });
  await failsWith(() => loadDataset(none, 'train'), 'majority');
});

test('votes survive writing and reading', () => {
  const entry = fc.record({
    image: fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
    majority: fc.boolean(),
    votes: fc
      .array(fc.oneof(fc.nat(10), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 3, maxLength: 3 })
      .filter((votes) => votes.some((one) => one > 0)),
  });
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ image }) => image }), (entries) => {
      const parsed = [...parseVotes(formatVotes(entries), 3, 'votes').values()];
      assert.equal(JSON.stringify(parsed), JSON.stringify(entries));
    }),
    { numRuns: 40 },
  );
});

test('hostile vote files give a UserError with the line', async () => {
  const good = formatVotes([vote('a', true, 1, 0)]);
  await failsWith(() => parseVotes(`${good}${good}`, 2, 'v'), 'v, line 2', 'repeats');
  await failsWith(() => parseVotes(`${good}\n{"image":"b"}`, 2, 'v'), 'v, line 3');
  await failsWith(() => parseVotes(formatVotes([vote('a', true, 1)]), 2, 'v'), '1 vote', '2 labels');
  await failsWith(() => parseVotes(formatVotes([vote('a', true, 0, 0)]), 2, 'v'), 'line 1');
  await failsWith(() => parseVotes(formatVotes([vote('a', true, -1, 3)]), 2, 'v'), 'line 1');
  await failsWith(() => parseVotes('{"image":"a","majority":true,"votes":[1e999,1]}', 2, 'v'), 'line 1');
  const line = fc.oneof(fc.string(), fc.json(), fc.constant(good.trim()));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      try {
        for (const { votes } of parseVotes(lines.join('\n'), 2, 'v').values()) assert.equal(votes.length, 2);
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
        assert.ok(!error.message.includes('\n'));
      }
    }),
  );
});

const made = (counts: readonly number[], majority = true): Dataset => ({
  root: '/nowhere',
  split: 'train',
  labels: { name: 'x', labels: counts.map((_, i) => `c${i}`) },
  samples: counts.flatMap((n, label) =>
    Array.from({ length: n }, (_, i) => ({ path: `${label}/${i}`, label, majority })),
  ),
});

test('holding out takes the same share of every class, and each picture goes to one side', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.integer(),
      (counts, fraction, seed) => {
        const dataset = made(counts);
        const { train, validation } = holdOut(dataset, fraction, seed);
        classCounts(validation).forEach((count, i) => {
          const of = counts[i] ?? 0;
          assert.equal(count, Math.min(of - 1, Math.max(1, Math.round(of * fraction))));
        });
        const paths = [...train.samples, ...validation.samples].map(({ path }) => path).sort();
        assert.deepEqual(paths, dataset.samples.map(({ path }) => path).sort());
        assert.deepEqual(holdOut(dataset, fraction, seed), { train, validation });
      },
    ),
  );
});

test('pictures without majority are not held out; nonsense is refused', async () => {
  const mixed = { ...made([10]), samples: [...made([10]).samples, ...made([30], false).samples] };
  assert.ok(holdOut(mixed, 0.5, 1).validation.samples.every(({ majority }) => majority));
  await failsWith(() => holdOut(made([10]), 0, 1), 'between 0 and 1');
  await failsWith(() => holdOut(made([10]), Number.NaN, 1), 'between 0 and 1');
  await failsWith(() => holdOut(made([1, 1]), 0.5, 1), 'two pictures');
});
