import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { type Recognition, Recognizer } from '../src/recognize/index.js';
import { detectorDigest, expressionDigest } from '../src/web/host/bundled-digests.js';
import type { PageReport } from './browser/page.js';
import { type Visit, visitBrowser } from './support/browser-visit.js';
import { pngOfSize, webpOf } from './support/containers.js';

// From a picture to an expression in a real browser, beside the same in Node.
const portrait = await readFile(new URL('../../assets/astronaut.png', import.meta.url));
/** Lies on its side, and says by EXIF how it is turned upright. */
const turned = await sharp(portrait).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();

const small = await sharp(portrait).resize(192).png().toBuffer();

/** Served beside what the package and ONNX Runtime need. */
const files = async (): Promise<Map<string, Uint8Array | string>> =>
  new Map<string, Uint8Array | string>([
    ['/portrait.png', portrait],
    // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
    ['/kinds.png', await sharp(portrait).resize(300).png().toBuffer()],
    ['/turned.jpg', turned],
    ['/huge.png', pngOfSize(portrait, 100_000, 100_000)],
    ['/small.png', small],
    ['/animated.webp', webpOf(3, await sharp(small).webp().toBuffer(), 192)],
    ['/sixty.png', pngOfSize(portrait, 60_000, 60_000)],
    ['/text.png', 'not a picture'],
    [
      '/empty.png',
      await sharp({ create: { width: 80, height: 60, channels: 3, background: 'teal' } })
        .png()
        .toBuffer(),
    ],
  ]);

type CompleteReport = Required<Pick<PageReport, 'plain' | 'isolated'>>;

/** What two pages saw, and how often they asked for each path. */
type BrowserVisit = CompleteReport & Pick<Visit<CompleteReport>, 'asked'>;

let visit: Visit<CompleteReport> | string = 'there was no visit';
before(async () => {
  visit = await visitBrowser<CompleteReport>({
    program: 'page',
    files: await files(),
    isComplete: (report): report is CompleteReport => report.isolated !== undefined,
  });
});

/** A test of what the pages saw, left out where there is no browser. */
function pageTest(name: string, check: (visit: BrowserVisit) => void | Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (typeof visit === 'string') t.skip(visit);
    else await check({ ...visit.report, asked: visit.asked });
  });
}

/** Greatest distances of the one face of two results. */
interface Tolerance {
  /** In pixels. */
  readonly box: number;
  readonly probability: number;
}

function assertSameFace(there: Recognition | undefined, here: Recognition, tolerance: Tolerance, name: string): void {
  const [other, face] = [there?.faces[0], here.faces[0]];
  assert.ok(other?.keypoints && face?.keypoints, name);
  assert.deepEqual([there?.width, there?.height, there?.faces.length], [here.width, here.height, 1], name);
  for (const side of ['x', 'y', 'width', 'height'] as const) {
    const distance = Math.abs(other.box[side] - face.box[side]);
    assert.ok(distance <= tolerance.box, `${name}: ${side}: ${other.box[side]}, ${face.box[side]}`);
  }
  for (const { label, probability } of face.scores) {
    const found = other.scores.find((score) => score.label === label)?.probability ?? Number.NaN;
    const distance = Math.abs(probability - found);
    assert.ok(distance <= tolerance.probability, `${name}: ${label}: ${found}, ${probability}`);
  }
}

/** WebAssembly adds up in another order. */
const samePixels = { box: 0.05, probability: 1e-3 };

pageTest('a browser finds the same faces and reads the same expressions as Node', async ({ plain, isolated }) => {
  const { results, refused } = plain;
  const recognizer = await Recognizer.load();
  const [upright, lying] = await recognizer.recognize([portrait, turned]);
  await recognizer.dispose();
  assert.ok(upright !== undefined && lying !== undefined);
  assert.deepEqual(
    results.map(({ width, height, faces }) => [width, height, faces.map(({ expression }) => expression)]),
    [
      [512, 512, ['happiness']],
      [512, 512, ['happiness']],
      [80, 60, []],
    ],
  );
  assert.equal(refused.length, 2);
  assert.match(refused[0] ?? '', /^UserError: Picture 1 is 100000 x 100000 pixels, more than the 64 megapixels/);
  assert.match(refused[1] ?? '', /^UserError: Picture 2 is not a picture in a format that can be read/);
  assertSameFace(results[0], upright, samePixels, 'PNG');
  // Decoders of JPEG differ by a level or two.
  assertSameFace(results[1], lying, { box: 0.5, probability: 0.02 }, 'JPEG');
  assertSameFace(isolated.result, upright, samePixels, 'in the thread of the page');
});

pageTest('a picture of every kind gives the same face', ({ plain: { kinds, results, turnedImage } }) => {
  const [, lying] = results;
  const { HTMLVideoElement, ...others } = kinds;
  const upright = others['Blob'];
  assert.ok(upright !== undefined && lying !== undefined);
  assert.deepEqual(
    upright.faces.map(({ expression }) => expression),
    ['happiness'],
  );
  assert.equal(Object.keys(others).length, 12);
  for (const [kind, result] of Object.entries(others)) {
    assertSameFace(result, upright, { box: 0, probability: 0 }, kind);
  }
  // Its frames have fewer colours than pixels.
  assertSameFace(HTMLVideoElement, upright, { box: 1, probability: 0.05 }, 'HTMLVideoElement');
  assertSameFace(turnedImage, lying, { box: 0, probability: 0 }, 'a turned image');
});

const sentences: Readonly<Record<string, RegExp>> = {
  'tainted canvas': /^UserError: Picture 1 shows pixels of another origin, which a page may not read; load them with/,
  'image of another origin': /^UserError: Picture 1 shows pixels of another origin, which a page may not read/,
  'image that is loading': /^UserError: Picture 1 is an image that is not loaded yet; wait for its decode\(\)/,
  'image that is missing': /^UserError: Picture 1 is an image without pixels: its file is missing, damaged/,
  'video without a frame': /^UserError: Picture 1 is a video that has no frame yet; wait for its event loadeddata/,
  'canvas without pixels': /^UserError: Picture 1 is a canvas of 0 x 0 pixels; give it a size and draw on it\.$/,
  'canvas that is huge': /^UserError: Picture 1 is 60000 x 60000 pixels, more than the 64 megapixels/,
  'closed bitmap': /^UserError: Picture 1 is an ImageBitmap that has been closed; pass it before it is closed\.$/,
  'closed frame': /^UserError: Picture 1 is a VideoFrame that has been closed; pass it before it is closed\.$/,
  'no bytes': /^UserError: Picture 1 is empty \(0 bytes\); replace it or leave it out\.$/,
  'missing file': /^UserError: Picture 1 nowhere\.png cannot be loaded: the server answered 404; check the address\.$/,
  'an object': /^UserError: Picture 1 is of type object, not a picture; pass an address, a Blob, .* of the page\.$/,
};

pageTest('what a page cannot use is a sentence each', ({ plain: { unusable } }) => {
  assert.deepEqual(Object.keys(unusable), Object.keys(sentences));
  for (const [name, sentence] of Object.entries(sentences)) assert.match(unusable[name] ?? '', sentence, name);
});

const allWeights = new RegExp(`^${expressionDigest.bytes} bytes came$`);

/** What is told of what visitors and servers do wrong. */
const badInputSentences: Readonly<Record<string, RegExp>> = {
  'not a picture': /^UserError: Picture 1 is a web page, not a picture in a format that can be read/,
  'no bytes': /^UserError: Picture 1 is empty \(0 bytes\); replace it or leave it out\.$/,
  'PNG cut in half': /^UserError: Picture 1 is truncated or damaged; replace it or leave it out\.$/,
  'JPEG cut in half': /^UserError: Picture 1 is truncated or damaged; replace it or leave it out\.$/,
  'header alone': /^UserError: Picture 1 is truncated or damaged; replace it or leave it out\.$/,
  'header of 60,000 x 60,000': /^UserError: Picture 1 is 60000 x 60000 pixels, more than the 64 megapixels/,
  animation: /^happiness$/,
  'address that is not there': /^UserError: Picture 1 nowhere\.png cannot be loaded: the server answered 404;/,
  'server that is not there': /^UserError: Picture 1 http:\S+ cannot be loaded \(Failed to fetch\); check the address/,
  'answer that never ends': /^Error: the visitor has gone on$/,
  'answer that never comes': /^Error: the visitor has gone on$/,
  'weights that are no file of weights':
    /^UserError: small\.png is not a usable safetensors file: .+; download or save/,
  'weights at no address': /^UserError: The checkpoint nowhere\.safetensors cannot be loaded: the server answered 404;/,
  'detector that is another file':
    /^UserError: The face detector's file is not the face detector's network: .+; install/,
  'no WebGPU':
    /^UserError: There is no WebGPU in this browser, or in a page of http:; choose the device cpu, or another/,
  'no adapter of WebGPU': /^UserError: This browser gives WebGPU no graphics processor; switch on its hardware accel/,
  'lost graphics processor':
    /^0,2,3 \| UserError: The graphics processor was lost, as after sleep .+ or choose the device cpu\. \| 0,2,3$/,
  'storage forbidden': allWeights,
  'no storage at all': allWeights,
  'storage full': allWeights,
  'storage with room again': allWeights,
};

pageTest('a bad input is a sentence, and the next picture is read', ({ plain: { bad } }) => {
  assert.deepEqual(Object.keys(bad), Object.keys(badInputSentences));
  for (const [name, sentence] of Object.entries(badInputSentences)) {
    assert.match(bad[name]?.message ?? '', sentence, name);
    assert.equal(bad[name]?.afterwards, 'happiness', name);
  }
});

pageTest('weights are fetched once, and their loading is told', ({ plain: { progress }, asked }) => {
  for (const { name: file, bytes: total } of [expressionDigest, detectorDigest]) {
    const reports = progress.filter((one) => one.file === file);
    assert.ok(reports.every((one) => one.total === total && one.loaded <= total));
    const loaded = reports.map((one) => one.loaded);
    assert.deepEqual(
      loaded,
      [...loaded].sort((a, b) => a - b),
    );
    // The last is told by the second load, of which the server hears nothing.
    assert.deepEqual(loaded.slice(-2), [total, total]);
  }
  assert.equal(asked.get('/weights/face-detector.onnx'), 1);
  // Once by each of the six loads of refused weights, and of the four in which the browser keeps nothing or kept nothing.
  assert.equal(asked.get('/weights/poster-v2-nano.safetensors'), 1 + 6 + 4);
});

pageTest('weights that are not those of the package are a sentence, and not kept', ({ plain: { weights } }) => {
  const { whole, ...refused } = weights;
  const { bytes } = expressionDigest;
  assert.deepEqual(whole, { message: `${bytes} bytes were taken`, kept: 1 });
  const start =
    "^UserError: The expression network's weights http://127\\.0\\.0\\.1:\\d+/weights/poster-v2-nano\\.safetensors";
  const advice =
    'serve the file weights/poster-v2-nano\\.safetensors of the package poster-v2 there, or name it by the option checkpoint\\.$';
  const reasons: Readonly<Record<keyof typeof refused, string>> = {
    missing: 'cannot be loaded: the server answered 404',
    short: `is not the file of this version of poster-v2 \\(1000 bytes instead of ${bytes}\\)`,
    long: `is not the file of this version of poster-v2 \\(more than ${bytes} bytes\\)`,
    cut: 'cannot be loaded \\(network error\\)',
    other: 'is not the file of this version of poster-v2 \\(another checksum\\)',
  };
  for (const [answer, { message, kept }] of Object.entries(refused)) {
    const reason = new Map(Object.entries(reasons)).get(answer);
    assert.match(message, new RegExp(`${start} ${reason}; ${advice}`), answer);
    assert.equal(kept, 0, answer);
  }
});

pageTest('a page that is isolated explains on threads, of a runtime at its own address', ({ isolated }) => {
  assert.equal(isolated.threads, 2);
  assert.ok(isolated.asked.includes('/runtime/ort-wasm-simd-threaded.wasm'));
  assert.ok(isolated.asked.every((path) => path.startsWith('/runtime/')));
});

pageTest('a page finds faces and reads expressions without ONNX Runtime, by kernels of our own', ({ isolated }) => {
  assert.deepEqual(isolated.askedByDetector, []);
  assert.deepEqual(isolated.askedByRecognizer, []);
  assert.equal(isolated.faces.length, 1);
  assert.deepEqual(
    isolated.faces.map(({ box }) => box),
    isolated.result.faces.map(({ box }) => box),
  );
});
