import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { loadDataset } from '../src/node/datasets/index.js';
import { tinyCheckpoint } from '../src/recognize/helpers.test.js';
import { Recognizer } from '../src/recognize/index.js';
import { checkpointBytes } from '../src/safetensors/index.js';
import type { LearningResults } from './browser/learn.js';
import { findChromium } from './support/chromium.js';
import { type OpenPage, openModulePage } from './support/learn-page.js';

// Learning in a real browser, and what was learned there in Node.
const program = findChromium();
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
let opened: OpenPage | undefined;
let results: LearningResults | undefined;

before(async () => {
  if (program === undefined) return;
  const base = checkpointBytes(tinyCheckpoint());
  opened = await openModulePage(
    program,
    'test/browser/learn.js',
    new Map([
      ['/base.safetensors', base],
      // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
      ['/portrait.png', await sharp(portrait).resize(300).png().toBuffer()],
    ]),
  );
  results = await opened.page.evaluate(() => window.learning('base.safetensors'));
});
after(() => opened?.close());

/** A test of what the page saw, left out where there is no browser. */
function pageTest(name: string, check: (results: LearningResults) => void | Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (program === undefined) return t.skip('no Chromium or Chrome here (CHROME_PATH says where one is)');
    assert.ok(results);
    return check(results);
  });
}

pageTest(
  'a page learns classes from pixels, files and canvases, in a worker',
  ({ labels, counts, history, evaluation }) => {
    assert.deepEqual(labels, ['sad', 'puzzled', 'happiness']);
    assert.deepEqual(counts, { training: 21, heldOut: 3 });
    assert.deepEqual(
      history.map(({ epoch }) => epoch),
      Array.from({ length: 13 }, (_, i) => i),
    );
    const [first, last] = [history[1]?.loss ?? Number.NaN, history[12]?.loss ?? Number.NaN];
    assert.ok(last < first, `${first} became ${last}`);
    assert.equal(evaluation.accuracy, 1);
    assert.deepEqual(evaluation.confusion, [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
  },
);

pageTest('what a page learned recognises in Node', async ({ file, labels }) => {
  const recognizer = await Recognizer.load({ checkpoint: Buffer.from(file, 'base64'), aligned: true });
  assert.deepEqual(recognizer.labels, { name: 'learned', labels });
  const bright = Uint8Array.from({ length: 16 * 16 }, (_, at) => (Math.floor((3 * at) / 256) === 1 ? 220 : 30));
  const { faces } = await recognizer.recognize({ width: 16, height: 16, channels: 1, data: bright });
  await recognizer.dispose();
  assert.equal(faces[0]?.expression, 'puzzled');
});

pageTest(
  'training that is stopped or left goes on to the same end, in a worker as in the page',
  ({ isSame, stopped }) => {
    assert.deepEqual(isSame, { stopped: true, left: true, here: true });
    assert.equal(stopped.reason, 'Error: enough');
    assert.ok(stopped.epochs >= 2);
  },
);

pageTest('what cannot be learned is told in a sentence', ({ refused }) => {
  const expected: Readonly<Record<string, RegExp>> = {
    nothing: /^UserError: There are no pictures to learn from; give some of at least two classes\.$/,
    alone: /^UserError: The class 'sad' is alone, .* add pictures of another/,
    one: /^UserError: The class 'puzzled' has one picture; add at least one more/,
    text: /^UserError: Crop 25 is not a picture in a format that can be read/,
    canvas: /^UserError: Crop 25 is a canvas of 0 x 8 pixels; give it a size and draw on it\.$/,
    base: /^UserError: The checkpoint /,
    epochs: /^UserError: Learning cannot have 0 as epochs; give a whole number from 1\.$/,
    misspelt: /^UserError: Learner\.create has no option 'epoch'; its options are /,
    early: /^UserError: Nothing is learned yet; begin to train first\.$/,
    disposed: /^UserError: A network was run after it had been disposed of; load it again\.$/,
  };
  assert.deepEqual(Object.keys(refused), Object.keys(expected));
  for (const [name, pattern] of Object.entries(expected)) assert.match(refused[name] ?? '', pattern, name);
});

pageTest('what workers refuse, and that they are not there or end, is told in a sentence', ({ refusedByWorkers }) => {
  const expected: Readonly<Record<string, RegExp>> = {
    learning: /^UserError: The worker that learns does not start: its file learn-worker\.js is missing/,
    'learning that ends': /^UserError: The worker that learns has ended \(out of memory\); what was learned until then/,
    exporting:
      /^UserError: The worker that writes files of weights does not start: its file export-worker\.js is missing/,
    'an unknown network': /^UserError: The network to export/,
    'workers left': /^0$/,
  };
  assert.deepEqual(Object.keys(refusedByWorkers), Object.keys(expected));
  for (const [name, pattern] of Object.entries(expected)) assert.match(refusedByWorkers[name] ?? '', pattern, name);
});

pageTest('a page records faces of pictures, keeps them, and gives them up', ({ shots }) => {
  const { portrait, nobody, cutThere, added, reopened, changed, imported, cleared, leftOut } = shots;
  assert.deepEqual(portrait, [112, 112, 'image/png']);
  assert.ok(nobody);
  assert.equal(cutThere, 96);
  assert.deepEqual(added, { 'nobody yet': 0, bored: 2, '../so: tired?': 2 });
  assert.deepEqual(reopened, added);
  assert.deepEqual(changed, { 'nobody yet': 0, 'very bored': 1 });
  assert.deepEqual(imported, { 'nobody yet': 0, 'very bored': 1, bored: 2, '../so: tired?': 2 });
  assert.deepEqual(leftOut, []);
  assert.deepEqual(cleared, {});
});

pageTest(
  'where the browser keeps nothing, or has no room, nothing that was recorded is lost',
  ({ shots: { forbidden, full } }) => {
    assert.match(
      forbidden.problem,
      /^This browser keeps nothing for this page \(SecurityError\), as in a private window: .*export it/,
    );
    assert.deepEqual(forbidden.counts, { bored: 1 });
    assert.match(
      full.problem,
      /^The browser could not keep 1 of the pictures \(QuotaExceededError\): .*delete some others, or export all\.$/,
    );
    assert.deepEqual(full.counts, { bored: 2 });
    assert.equal(full.then, 'everything is kept');
    assert.deepEqual(full.reopened, { bored: 3 });
  },
);

pageTest(
  'what is deleted does not come back: the connection is made anew, and what the browser did not delete is tried again',
  ({ shots: { disconnected, undeleted, lost } }) => {
    assert.deepEqual(disconnected, { problem: 'all is well', reopened: {} });
    const failed =
      /^The browser could not delete all that you deleted \(UnknownError\): it comes back when .* Delete once more, or/;
    const [first = '', second, third = '', fourth] = undeleted.problems;
    assert.match(first, failed);
    assert.match(third, failed);
    assert.match(third, /The browser could not keep 1 of the pictures/);
    assert.deepEqual([second, fourth], ['all is well', 'all is well']);
    assert.deepEqual(undeleted.isPending, [true, false, true, false]);
    assert.deepEqual(undeleted.reopened, [{ bored: 1, tired: 1 }, { new: 2 }]);
    assert.match(
      lost.problem,
      /^The browser deleted what it kept for this page: 2 of the pictures are here until .*export/,
    );
    assert.deepEqual([lost.counts, lost.reopened], [{ bored: 3 }, { bored: 1 }]);
  },
);

pageTest('names and archives that cannot be are told in a sentence', ({ shots: { refused } }) => {
  const expected: Readonly<Record<string, RegExp>> = {
    twice: /^UserError: There is a class 'bored' already; give this one another name\.$/,
    empty: /^UserError: A class cannot be called '': it is empty; name it otherwise\.$/,
    hidden: /^UserError: A class cannot be called .*U\+202E.*; name it otherwise\.$/,
    taken: /^UserError: There is a class '\.\.\/so: tired\?' already/,
    gone: /^UserError: This class has been deleted; choose another\.$/,
    noArchive: /^UserError: my\.zip is no zip archive, or is damaged; choose one that was exported here\.$/,
    noPicture: /^UserError: none\.zip holds no face crops in class folders; choose one that was exported here\.$/,
    recognition:
      /^UserError: This recognition has no picture to cut a face from; recognize with \{ portraits: 112 \}\.$/,
  };
  assert.deepEqual(Object.keys(refused), Object.keys(expected));
  for (const [name, pattern] of Object.entries(expected)) assert.match(refused[name] ?? '', pattern, name);
});

pageTest(
  'archives that a page exports are a dataset and a folder for Hugging Face, in Node',
  async ({ shots, labels }) => {
    const folder = await mkdtemp(join(tmpdir(), 'poster-learn-page-'));
    try {
      for (const archive of [shots.archive, shots.huggingFace]) {
        for (const [path, bytes] of Object.entries(unzipSync(Buffer.from(archive, 'base64')))) {
          await mkdir(dirname(join(folder, path)), { recursive: true });
          await writeFile(join(folder, path), bytes);
        }
      }
      const dataset = await loadDataset(join(folder, 'shots'), '.');
      assert.deepEqual(dataset.labels, { name: 'shots', labels: ['bored', '../so: tired?'] });
      assert.equal(dataset.samples.length, 4);
      const recognizer = await Recognizer.load({ checkpoint: join(folder, 'hugging-face'), aligned: true });
      assert.deepEqual(recognizer.labels.labels, labels);
      const recognitions = await recognizer.recognize(dataset.samples.map(({ path }) => path));
      await recognizer.dispose();
      assert.equal(recognitions.length, 4);
      // The same tensors and metadata, to the byte.
      const ofFolder = await readFile(join(folder, 'hugging-face', 'model.safetensors'));
      assert.ok(ofFolder.equals(Buffer.from(shots.safetensors, 'base64')));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
