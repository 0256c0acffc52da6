import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import type { FaceDetector } from '../src/detect/index.js';
import { maxFilesBytes, maxPictureBytes } from '../src/image/picture-limits.js';
import { fileMemory, pictureMemory } from '../src/image/picture-memory.js';
import { decodeImage } from '../src/node/decode/decode-image.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { Recognizer } from '../src/recognize/recognizer.js';

/** Decoding it takes 162 MB: four go beside each other, two ahead of need. */
let picture: Buffer;
let recognizer: Recognizer;
let beside = 0;
/** Pictures that were looked at at the same time, at most. */
let mostBeside = 0;

const detector: FaceDetector = {
  async detect() {
    mostBeside = Math.max(mostBeside, ++beside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    beside--;
    return [];
  },
  async follow(_, faces) {
    return faces.map(() => undefined);
  },
  async dispose() {},
};

before(async () => {
  picture = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: '#777' } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const { classifier } = await Recognizer.load({ threads: 1, aligned: true });
  recognizer = Recognizer.of({ classifier, detector, decode: decodeImage });
});
after(() => recognizer.dispose());

test('pictures of all calls share one budget, are looked at one by one, and let other work go between', async () => {
  let [highest, turns, done] = [0, 0, false];
  const watch = (): void => {
    highest = Math.max(highest, pictureMemory().used);
    turns++;
    if (!done) setImmediate(watch);
  };
  watch();
  const results = await Promise.all(Array.from({ length: 8 }, () => recognizer.recognize(picture)));
  done = true;
  assert.deepEqual(new Set(results.map(({ width, frames }) => `${width} ${frames}`)), new Set(['6000 1']));
  assert(highest > 300e6 && highest <= maxPictureBytes, `${highest} bytes`);
  assert.equal(mostBeside, 1);
  assert(turns > 8);
  assert.equal(pictureMemory().used, 0);
});

test('a list whose results are not fetched keeps no other call from its memory', async () => {
  const sizes: number[] = [];
  for await (const outer of recognizer.settle([picture, picture, picture, picture])) {
    assert.equal(outer.status, 'fulfilled');
    // By now the next picture of the outer list may be decoded and wait.
    const inner = await recognizer.recognize([picture, picture]);
    sizes.push(inner.length);
  }
  assert.deepEqual(sizes, [2, 2, 2, 2]);
  assert.equal(pictureMemory().used, 0);
});

test('a list that is left gives its memory back', async () => {
  for await (const _ of recognizer.settle([picture, picture, picture, picture])) break;
  assert.equal(pictureMemory().used, 0);
});

test('files that are read wait for those that are read already', async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'large.png');
  // 200 MB of nothing behind the picture.
  await writeFile(path, picture);
  await truncate(path, 200e6);
  let [highest, done] = [0, false];
  const watch = (): void => {
    highest = Math.max(highest, fileMemory.used);
    if (!done) setImmediate(watch);
  };
  watch();
  const results = await Promise.all(Array.from({ length: 4 }, () => recognizer.recognize(path)));
  done = true;
  assert.equal(results.length, 4);
  assert(highest >= 200e6 && highest <= maxFilesBytes, `${highest} bytes`);
  assert.equal(fileMemory.used, 0);
});
