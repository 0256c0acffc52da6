import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { tinyCheckpoint } from '../src/recognize/helpers.test.js';
import { Recognizer } from '../src/recognize/index.js';
import { encodeModel, safetensorsChunks } from '../src/safetensors/index.js';
import type { SeenLearning } from './browser/learn.js';
import { findChromium } from './support/chromium.js';
import { type OpenPage, openModulePage } from './support/learn-page.js';

// Learning in a real browser, and what was learned there in Node.
const program = findChromium();
let opened: OpenPage | undefined;
let seen: SeenLearning | undefined;

before(async () => {
  if (program === undefined) return;
  const { tensors, metadata } = encodeModel(tinyCheckpoint());
  const base = Buffer.concat([...safetensorsChunks(tensors, metadata)]);
  opened = await openModulePage(program, 'test/browser/learn.js', new Map([['/base.safetensors', base]]));
  seen = await opened.page.evaluate(() => window.learning('base.safetensors'));
});
after(() => opened?.close());

/** A test of what the page saw, left out where there is no browser. */
function seenTest(name: string, check: (seen: SeenLearning) => void | Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (program === undefined) return t.skip('no Chromium or Chrome here (CHROME_PATH says where one is)');
    assert.ok(seen);
    return check(seen);
  });
}

seenTest(
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

seenTest('what a page learned recognises in Node', async ({ file, labels }) => {
  const recognizer = await Recognizer.load({ checkpoint: Buffer.from(file, 'base64'), aligned: true });
  assert.deepEqual(recognizer.labels, { name: 'learned', labels });
  const bright = Uint8Array.from({ length: 16 * 16 }, (_, at) => (Math.floor((3 * at) / 256) === 1 ? 220 : 30));
  const { faces } = await recognizer.recognize({ width: 16, height: 16, channels: 1, data: bright });
  await recognizer.dispose();
  assert.equal(faces[0]?.expression, 'puzzled');
});

seenTest(
  'training that is stopped or left goes on to the same end, in a worker as in the page',
  ({ isSame, stopped }) => {
    assert.deepEqual(isSame, { stopped: true, left: true, here: true });
    assert.equal(stopped.reason, 'Error: enough');
    assert.ok(stopped.epochs >= 2);
  },
);

seenTest('what cannot be learned is told in a sentence', ({ refused }) => {
  const expected: Readonly<Record<string, RegExp>> = {
    nothing: /^UserError: There are no pictures to learn from; give some of at least two classes\.$/,
    alone: /^UserError: The class 'sad' is alone, .* add pictures of another/,
    one: /^UserError: The class 'puzzled' has one picture; add at least one more/,
    text: /^UserError: Crop 25 is not a picture in a format that can be read/,
    canvas: /^UserError: Crop 25 is a canvas of 0 x 8 pixels; give it a size and draw on it\.$/,
    base: /^UserError: The checkpoint /,
    epochs: /^UserError: Learning cannot have 0 as epochs; give a whole number from 1\.$/,
    early: /^UserError: Nothing is learned yet; begin to train first\.$/,
    disposed: /^UserError: A network was run after it had been disposed of; load it again\.$/,
  };
  assert.deepEqual(Object.keys(refused), Object.keys(expected));
  for (const [name, pattern] of Object.entries(expected)) assert.match(refused[name] ?? '', pattern, name);
});
