import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { isOfKind, UserError } from '../src/common/errors.js';
import { explainFaces, loadExplainer } from '../src/explain/index.js';
import type { ImageSource } from '../src/image/index.js';
import { pictureMemory } from '../src/image/picture-memory.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { imageClassification, type Recognition, Recognizer } from '../src/recognize/index.js';
import { recognizeFrames, type TimedImage, type VideoFrame } from '../src/video/index.js';
import { gate } from './support/gate.js';

const path = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
/** A cheap look at the portrait: one scale, nothing turned. */
const detect = { scales: [192], turned: false };
/** In milliseconds, for what would otherwise wait for ever. */
const patience = 240_000;
/** Each thread that was started, the newest last. */
const threads: Worker[] = [];
const watch = (worker: Worker): number => threads.push(worker);
let here: Recognizer;
let there: Recognizer;

before(async () => {
  process.on('worker', watch);
  here = await Recognizer.load({ threads: 1, detect });
  there = await Recognizer.load({ threads: 1, detect, worker: true });
});
after(async () => {
  process.off('worker', watch);
  await here.dispose();
  await there.dispose();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('a worker gives what this thread gives, for every kind of picture and way to ask', async () => {
  const bytes = await readFile(path);
  const rgba = await sharp(bytes).ensureAlpha().raw().toBuffer();
  const inputs: ImageSource[] = [
    path,
    new URL(`file://${path}`),
    bytes,
    Uint8Array.from(bytes).buffer,
    new Blob([bytes]),
    { data: new Uint8ClampedArray(rgba), width: 512, height: 512 },
  ];
  const options = { crops: true, picture: true };
  // Pixels may come in a Buffer here.
  const one = structuredClone(await here.recognize(path, options));
  assert.equal(one.faces.length, 1);
  for (const result of await there.recognize(inputs, options)) assert.deepEqual(result, one);
  // What was given stays with who gave it.
  assert.deepEqual(Buffer.compare(bytes, await readFile(path)), 0);
  const picture = { data: rgba, width: 512, height: 512, channels: 4 } as const;
  const faces = await here.detector?.detect(one.picture ?? assert.fail(), detect);
  assert.deepEqual(await there.detector?.detect(one.picture ?? assert.fail(), detect), faces);
  assert.deepEqual(
    await there.detector?.follow(one.picture ?? assert.fail(), faces ?? []),
    await here.detector?.follow(one.picture ?? assert.fail(), faces ?? []),
  );
  assert.deepEqual(await there.recognizeFaces(picture, faces ?? []), await here.recognizeFaces(picture, faces ?? []));
  const crops = one.faces.map(({ crop }) => crop ?? assert.fail());
  assert.deepEqual(await there.crops.classify(crops), await here.crops.classify(crops));
  const { imageSize, channels } = there.classifier.preprocessing;
  const images = new Float32Array(channels * imageSize ** 2);
  assert.deepEqual(await there.classifier.classify(images, 1), await here.classifier.classify(images, 1));
  assert.deepEqual(there.classifier.description, here.classifier.description);
  assert.deepEqual([there.labels, there.template, there.lowContrast], [here.labels, here.template, here.lowContrast]);
  const classify = await imageClassification(there);
  assert.equal((await classify(path, { top_k: 1 }))[0]?.label, 'happiness');
  assert.equal(pictureMemory().used, 0);
});

test('a worker explains what this thread explains', async () => {
  const [face, ...others] = await explainFaces(here, path, { target: 'anger' });
  assert.ok(face !== undefined && others.length === 0);
  const { explanation, shown } = face;
  assert.deepEqual([explanation.target, explanation.scores[0]?.label, shown.width], ['anger', 'happiness', 224]);
  assert.deepEqual(await explainFaces(there, path, { target: 'anger' }), [face]);
  const detector = here.detector ?? assert.fail();
  const explainer = await loadExplainer(await bundledCheckpoint(), { threads: 1 });
  assert.deepEqual(await explainFaces(explainer, detector, path, { target: 'anger', detect }), [face]);
  await explainer.dispose();
  await assert.rejects(explainFaces(there, path, { target: 'joyous' }), (error) => {
    assert.ok(isOfKind(error, 'input'));
    assert.deepEqual(error.settings, ['target']);
    return true;
  });
  const { classifier, lowContrast } = here;
  const parts = Recognizer.of({ classifier, lowContrast, decode: async () => assert.fail() });
  await assert.rejects(explainFaces(parts, path), /^UserError: This recognizer was made of parts/);
});

test('what is a face crop already is explained as a whole', async () => {
  const aligned = await Recognizer.load({ threads: 1, aligned: true });
  const crop = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));
  const [face] = await explainFaces(aligned, crop);
  const { faces } = await aligned.recognize(crop);
  assert.deepEqual(face?.box, faces[0]?.box);
  assert.deepEqual(face?.explanation.target, faces[0]?.expression);
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(explainFaces(aligned, crop, { signal: stop.signal }), /enough/);
  await aligned.dispose();
  await assert.rejects(explainFaces(aligned, crop), /has been disposed of/);
});

test('frames of a video are followed in the worker', async () => {
  async function* moving(): AsyncGenerator<TimedImage, void, void> {
    const face = await sharp(path).resize(200, 200).removeAlpha().raw().toBuffer();
    for (let frame = 0; frame < 6; frame++) {
      const data = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#777' } })
        .composite([{ input: face, raw: { width: 200, height: 200, channels: 3 }, left: 10 + 5 * frame, top: 20 }])
        .removeAlpha()
        .raw()
        .toBuffer();
      yield { time: frame / 10, frame, picture: { data, width: 320, height: 240, channels: 3 } };
    }
  }
  const options = { picture: true, crops: true };
  const frames: VideoFrame[] = await all(recognizeFrames(there, moving(), options));
  assert.deepEqual(frames, structuredClone(await all(recognizeFrames(here, moving(), options))));
  assert.deepEqual(
    frames.map(({ faces }) => faces.map(({ id }) => id).join()),
    Array.from({ length: 6 }, () => '1'),
  );
});

test('what cannot be used is told as in this thread: in its place, with its kind', async () => {
  const detached = new ArrayBuffer(8);
  structuredClone(detached, { transfer: [detached] });
  const odd: unknown[] = [
    Buffer.from('no picture'),
    'nowhere.png',
    null,
    5,
    undefined,
    () => 1,
    { data: 'x', width: 1, height: 1 },
    { data: () => 1, width: 1, height: 1 },
    { data: new Uint8Array(4), width: () => 1, height: 1 },
    { data: new Uint8Array(4), width: '1', height: 1 },
    { data: new Uint8Array(4), width: 1, height: 1, channels: null },
    detached,
  ];
  const outcomesOf = async (recognizer: Recognizer): Promise<unknown[]> => {
    const results: PromiseSettledResult<Recognition>[] = await all(
      Reflect.apply(recognizer.settle, recognizer, [[path, ...odd]]),
    );
    return results.map((result) =>
      result.status === 'fulfilled'
        ? result.value.faces.length
        : result.reason instanceof UserError && [result.reason.kind, result.reason.message],
    );
  };
  assert.deepEqual(await outcomesOf(there), await outcomesOf(here));
  await assert.rejects(there.recognize(path, { batchSize: 0 }), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.kind, 'usage');
    return true;
  });
  const load = (options: object): Promise<Recognizer> => Recognizer.load({ worker: true, ...options });
  await assert.rejects(load({ checkpoint: 'nowhere.safetensors' }), /^UserError: .*nowhere\.safetensors/);
  await assert.rejects(load({ decode: () => assert.fail() }), /^UserError: A worker decodes pictures itself/);
});

test('a source that fails, one that is left, signals: as in this thread', async () => {
  const unplugged = new RangeError('unplugged');
  async function* failing(): AsyncGenerator<ImageSource> {
    yield path;
    yield path;
    throw unplugged;
  }
  let count = 0;
  await assert.rejects(
    async () => {
      for await (const _ of there.recognize(failing())) count++;
    },
    (error) => error === unplugged,
  );
  assert.equal(count, 2);
  let left = false;
  async function* endless(): AsyncGenerator<ImageSource> {
    try {
      for (;;) yield path;
    } finally {
      left = true;
    }
  }
  for await (const _ of there.recognize(endless())) break;
  assert.equal(left, true);
  assert.equal(pictureMemory().used, 0);
  const stop = new AbortController();
  const enough = new Error('enough');
  await assert.rejects(
    async () => {
      for await (const _ of there.recognize(endless(), { signal: stop.signal, batchSize: 1 })) stop.abort(enough);
    },
    (error) => error === enough,
  );
  await assert.rejects(there.recognize(path, { signal: stop.signal }), (error) => error === enough);
  const until = new AbortController();
  let before = 0;
  for await (const _ of there.recognize(endless(), { until: until.signal, batchSize: 1 })) {
    before++;
    until.abort();
  }
  assert.ok(before >= 1);
});

test('a stream gives what is done while its source lets wait', { timeout: patience }, async () => {
  const answered = [gate(), gate(), gate()];
  async function* camera(): AsyncGenerator<ImageSource> {
    // The next frame comes only when the one before has been answered.
    for (const { opened } of answered) {
      yield path;
      await opened;
    }
  }
  let count = 0;
  try {
    for await (const { faces } of there.recognize(camera())) {
      assert.equal(faces.length, 1);
      answered[count++]?.open();
    }
  } finally {
    for (const one of answered) one.open();
  }
  assert.equal(count, 3);
});

test('a thread that dies rejects what is under way, and the next call starts another one', async () => {
  const recognizer = await Recognizer.load({ threads: 1, detect, worker: true });
  const worker = threads.at(-1) ?? assert.fail();
  async function* stalled(): AsyncGenerator<ImageSource> {
    yield path;
    await new Promise(() => undefined);
  }
  const results = recognizer.recognize(stalled());
  assert.equal((await results.next()).value?.faces.length, 1);
  const next = results.next();
  // It waits for the source: no network runs.
  await worker.terminate();
  await assert.rejects(
    next,
    (error) => isOfKind(error, 'resources') && /next call starts another one/.test(error.message),
  );
  const both = await Promise.all([recognizer.recognize(path), recognizer.recognize(path)]);
  assert.deepEqual(
    both.map(({ faces }) => faces.length),
    [1, 1],
  );
  assert.notEqual(threads.at(-1), worker);
  await recognizer.dispose();
});

test('disposing of it ends work under way, and the thread', async () => {
  const other = await Recognizer.load({ threads: 1, detect, worker: true });
  const worker = threads.at(-1) ?? assert.fail();
  const exited = once(worker, 'exit');
  const work = other.recognize(Array.from({ length: 50 }, () => path));
  const frames = recognizeFrames(
    other,
    (async function* (): AsyncGenerator<TimedImage> {
      await new Promise(() => undefined);
    })(),
  ).next();
  await other.recognize(path);
  const end = other[Symbol.asyncDispose]();
  await assert.rejects(work, { name: 'UserError', kind: 'usage', message: /has been disposed of/ });
  await assert.rejects(frames, { name: 'UserError', kind: 'usage', message: /has been disposed of/ });
  await end;
  assert.deepEqual(await exited, [0]);
  await assert.rejects(other.recognize(path), { name: 'UserError', kind: 'usage', message: /has been disposed of/ });
  await other.dispose();
});

test('a program may end at any time: by itself, by process.exit, by an error', async () => {
  const module = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const program = (end: string): string => `
    const { Recognizer } = await import(${module('../src/recognize/index.js')});
    const recognizer = await Recognizer.load({ threads: 1, worker: true, detect: { scales: [192], turned: false } });
    async function* pictures() { for (;;) yield ${JSON.stringify(path)}; }
    const results = recognizer.recognize(pictures(), { batchSize: 1 });
    await results.next();
    console.log('recognised');
    ${end}`;
  const run = (end: string): Promise<{ stdout: string; stderr: string; code?: number }> =>
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program(end)]).catch((error) => error);
  const now = await run('void results.next(); setTimeout(() => process.exit(3), 5);');
  assert.deepEqual([now.code, now.stdout, now.stderr], [3, 'recognised\n', '']);
  const idle = await run('');
  assert.deepEqual([idle.code, idle.stdout, idle.stderr], [undefined, 'recognised\n', '']);
  const thrown = await run("void results.next(); setTimeout(() => { throw new Error('oops'); }, 5);");
  assert.deepEqual([thrown.code, thrown.stdout], [1, 'recognised\n']);
  assert.match(thrown.stderr, /Error: oops/);
});
