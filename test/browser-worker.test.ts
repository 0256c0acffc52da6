import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import { itemAt } from '../src/common/item-at.js';
import type { CaughtError, PageReport } from './browser/worker-page.js';
import { type Visit, visitBrowser } from './support/browser-visit.js';

/** What loads ONNX Runtime, in a page whose maker has forgotten to install that. */
async function withoutRuntime(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/web/host/onnxruntime.js', import.meta.url))],
    external: ['onnxruntime-web/*'],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return itemAt(outputFiles, 0).contents;
}

// A recognizer of a page in the worker that it starts, beside one in the page's own thread.
let visit: Visit<PageReport> | string = 'there was no visit';
before(async () => {
  const portrait = await readFile(new URL('../../assets/astronaut.png', import.meta.url));
  visit = await visitBrowser<PageReport>({
    program: 'worker-page',
    files: new Map([
      ['/onnxruntime.js', await withoutRuntime()],
      ['/portrait.png', portrait],
      ['/large.jpg', await sharp(portrait).resize(1024).jpeg().toBuffer()],
    ]),
    isComplete: (report): report is PageReport => report.isolated !== undefined,
  });
});

/** A test of what the pages saw, left out where there is no browser. */
function pageTest(name: string, check: (report: PageReport, asked: Visit<PageReport>['asked']) => void): void {
  test(name, (t: TestContext) => {
    if (typeof visit === 'string') t.skip(visit);
    else check(visit.report, visit.asked);
  });
}

/** What is stable of an error: its sentence is held by a pattern. */
function assertError({ sentence, kind, settings }: CaughtError, wanted: RegExp, ...about: readonly string[]): void {
  assert.match(sentence, wanted);
  assert.deepEqual([kind, ...settings], about);
}

pageTest('a worker gives what the thread of the page gives: faces, pixels, frames, explanations', ({ story }) => {
  const { recognition, pixels, explained, frames, classified, atOnce } = story;
  assert.equal(recognition.here.faces.length, 1);
  assert.deepEqual(recognition.there, recognition.here);
  assert.ok(pixels.here > 0);
  assert.equal(pixels.there, pixels.here);
  assert.equal(explained.there, explained.here);
  assert.match(explained.there, /"target":"anger"/);
  assert.equal(frames.there, '1 happiness; 1 happiness; 1 happiness');
  assert.equal(frames.here, frames.there);
  assert.equal(classified, 'happiness');
  assert.deepEqual(
    atOnce,
    Array.from({ length: 8 }, () => 'happiness'),
  );
});

pageTest('the thread of the page starts no network and reads no pixels', ({ story: { pageWork } }) => {
  // One pixel tells whether a page may read a picture.
  assert.deepEqual(pageWork, { programs: 0, pixels: 1 });
});

pageTest('a large image is decoded in the worker, from its file', ({ story: { large } }) => {
  assert.equal(large.here.width, 1024);
  assert.equal(large.here.faces.length, 1);
  assert.deepEqual(large.there, large.here);
});

pageTest('bitmaps and frames stay with the page that gave them', ({ story: { kept } }) => {
  assert.deepEqual(kept, { bitmap: 512, frame: 512 });
});

pageTest('pages have a worker where nothing else is said, and each is ended', ({ story: { workers, running } }) => {
  assert.deepEqual(workers, {
    'a page': 1,
    'worker: false': 1,
    'a decoder of its own': 1,
    imageClassification: 2,
  });
  assert.equal(running, 0);
});

pageTest('a source is read a few pictures ahead, and left with its reader', ({ story: { endless } }) => {
  assert.ok(endless.read >= 1 && endless.read <= 20, `${endless.read} pictures were read for one result`);
  assert.equal(endless.left, true);
});

pageTest('signals and failing sources end a stream with their own errors', ({ story }) => {
  assert.deepEqual(story.aborted, ['RangeError: enough', 'RangeError: enough']);
  assert.equal(story.sourceFailed, '1: RangeError: unplugged');
});

pageTest('errors keep their sentences, kinds and settings', ({ story: { errors } }) => {
  const wanted: Readonly<Record<string, (error: CaughtError) => void>> = {
    'a batch of none': (error) => assertError(error, /^UserError: A batch cannot have 0 faces/, 'usage'),
    'a preference that there is not': (error) =>
      assertError(error, /^UserError: Nothing prefers nobody; prefer is/, 'usage', 'prefer'),
    'weights that are not there': (error) =>
      assertError(error, /^UserError: The checkpoint nowhere\.safetensors cannot be loaded: .* 404/, 'input'),
    'a decoder in a worker': (error) => assertError(error, /^UserError: A worker decodes pictures itself/, 'usage'),
    'a label that there is not': (error) =>
      assertError(error, /^UserError: The network does not know the class 'joyous'/, 'input', 'target'),
    'a worker that is not there': (error) =>
      assertError(error, /^UserError: The worker that recognises pictures does not start: its file/, 'resources'),
    'a forgotten runtime': (error) =>
      assertError(
        error,
        /^UserError: ONNX Runtime cannot be loaded \(.*onnxruntime-web.*\): install onnxruntime-web beside poster-v2, build/,
        // Of another bundle, in which a UserError is another class.
        'none',
      ),
  };
  assert.deepEqual(Object.keys(errors), Object.keys(wanted));
  for (const [name, error] of Object.entries(errors)) wanted[name]?.(error);
});

pageTest(
  'a worker that dies rejects what is under way, and the next call starts another one',
  ({ story: { died } }) => {
    assertError(died.error, /has ended \(out of memory\); the next call starts another one\.$/, 'resources');
    assert.equal(died.afterwards, 1);
  },
);

pageTest('a load that is given up throws the reason, and leaves no worker', ({ story: { givenUp } }) => {
  const reasons = ['before', 'at once', 'half way', 'here'].map((reason) => `RangeError: ${reason}`);
  // Without a worker, and given up before one starts.
  assert.deepEqual(givenUp, { reasons, started: 1, left: 0 });
});

pageTest('disposing of a recognizer ends what is under way, at once', ({ story: { disposed } }) => {
  assert.equal(disposed.length, 3);
  for (const error of disposed) assertError(error, /has been disposed of; load another one\.$/, 'usage');
});

pageTest('where a page may start no worker, a sentence says so', ({ forbidden }) => {
  assertError(forbidden, /does not start.*content security policy.*worker: false\.$/, 'resources');
});

pageTest('a worker has the threads and the runtime that the page decides on', ({ isolated, story }, asked) => {
  const [face, ...others] = isolated.faces;
  assert.equal(others.length, 0);
  assert.equal(face?.expression, story.recognition.here.faces[0]?.expression);
  assert.ok((asked.get('/runtime/ort-wasm-simd-threaded.wasm') ?? 0) > 0);
  // Threads run this file.
  assert.ok((asked.get('/runtime/ort-wasm-simd-threaded.mjs') ?? 0) > 0);
});
