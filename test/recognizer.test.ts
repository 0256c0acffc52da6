import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { UserError } from '../src/common/errors.js';
import { alignFace } from '../src/detect/index.js';
import type { ImageSource } from '../src/image/image-source.js';
import { imageClassification } from '../src/recognize/image-classification.js';
import type { Recognition } from '../src/recognize/recognition.js';
import { Recognizer } from '../src/recognize/recognizer.js';
import { gate } from './support/gate.js';

const portrait = new URL('../../assets/astronaut.png', import.meta.url);
const path = fileURLToPath(portrait);
let recognizer: Recognizer;
/** A cheap look at the portrait: one scale, nothing turned. */
const detect = { scales: [192], turned: false };
/** In milliseconds, for what would otherwise wait for ever. */
const patience = 240_000;

before(async () => {
  recognizer = await Recognizer.load({ threads: 1, detect });
});
after(() => recognizer.dispose());

test('a photo: the face, where it is, what it shows', async () => {
  const result = await recognizer.recognize(path, { crops: true, picture: true, portraits: 60 });
  const [face, ...others] = result.faces;
  assert.ok(face);
  assert.deepEqual([result.width, result.height, result.frames, others.length], [512, 512, 1, 0]);
  assert.equal(face.expression, 'happiness');
  assert.equal(face.scores.length, recognizer.labels.labels.length);
  assert.deepEqual(face.scores[0], {
    label: face.expression,
    probability: face.probability,
    logit: face.scores[0]?.logit,
  });
  const sum = face.scores.reduce((total, { probability }) => total + probability, 0);
  assert.ok(Math.abs(sum - 1) < 1e-5);
  // The eyes of the portrait, found by eye.
  assert.ok(Math.hypot((face.keypoints?.rightEye.x ?? 0) - 205, (face.keypoints?.rightEye.y ?? 0) - 103) < 6);
  assert.ok(Math.hypot((face.keypoints?.leftEye.x ?? 0) - 247, (face.keypoints?.leftEye.y ?? 0) - 106) < 6);
  assert.deepEqual([face.crop?.width, face.crop?.height, face.crop?.channels], [48, 48, 1]);
  assert.equal(result.picture?.data.length, 512 * 512 * 3);
  const own = face.keypoints && alignFace(result.picture ?? assert.fail(), face.keypoints, recognizer.template, 60);
  assert.deepEqual(face.portrait, own);
  await assert.rejects(recognizer.recognize(path, { portraits: 0 }), /portraits is a whole number from 1 to 1024\.$/);
});

test('every kind of input gives the same', async () => {
  const bytes = await readFile(path);
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const rgb = await sharp(bytes).removeAlpha().raw().toBuffer();
  const { width, height } = info;
  const server = createServer((request, response) => {
    if (request.url === '/photo.png') response.end(bytes);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const inputs: ImageSource[] = [
      path,
      portrait,
      new URL(`${address}/photo.png`),
      bytes,
      Uint8Array.from(bytes).buffer,
      new Blob([bytes]),
      { data: new Uint8ClampedArray(data), width, height },
      { data: rgb, width, height, channels: 3 },
    ];
    const [first, ...others] = await recognizer.recognize(inputs);
    assert.equal(first?.faces[0]?.expression, 'happiness');
    assert.equal(others.length, inputs.length - 1);
    for (const other of others) assert.deepEqual(other, first);
    await assert.rejects(
      recognizer.recognize(new URL(`${address}/none.png`)),
      /cannot be fetched: the server answered 404/,
    );
    await assert.rejects(recognizer.recognize(new URL('ftp://example.org/a.png')), /no address that can be read/);
  } finally {
    server.close();
  }
});

test('a list keeps its order across batches, also with pictures without a face and with many', async () => {
  const plain = { data: new Uint8Array(64 * 64 * 3).fill(90), width: 64, height: 64, channels: 3 } as const;
  const two = await sharp({ create: { width: 1024, height: 512, channels: 3, background: '#777' } })
    .composite([
      { input: path, left: 0, top: 0 },
      { input: path, left: 512, top: 0 },
    ])
    .png()
    .toBuffer();
  const inputs = [plain, two, path, plain, two];
  const counts = [0, 2, 1, 0, 2];
  for (const batchSize of [1, 2, 32]) {
    const results = await recognizer.recognize(inputs, { batchSize });
    assert.deepEqual(
      results.map(({ faces }) => faces.length),
      counts,
    );
    assert.ok(results.every(({ faces }) => faces.every(({ expression }) => expression === 'happiness')));
  }
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
    for await (const { faces } of recognizer.recognize(camera())) {
      assert.equal(faces.length, 1);
      answered[count++]?.open();
    }
  } finally {
    for (const one of answered) one.open();
  }
  assert.equal(count, 3);
});

test('what cannot be used: thrown, or in its place', async () => {
  const bad = Buffer.from('not a picture');
  await assert.rejects(recognizer.recognize([path, bad]), (error) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.kind, 'input');
    assert.match(error.message, /^Picture 2 is not a picture/);
    return true;
  });
  const results: PromiseSettledResult<Recognition>[] = [];
  for await (const result of recognizer.settle([bad, path, 'nowhere.png'])) results.push(result);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  );
});

test('inputs that no file system, address or memory has: rejected in their place, in a sentence', async () => {
  const detached = new ArrayBuffer(8);
  structuredClone(detached, { transfer: [detached] });
  const odd = ['a\0b.png', new URL('file://host/x.png'), new URL('file:///a%2Fb.png'), detached];
  const results: PromiseSettledResult<Recognition>[] = [];
  for await (const result of recognizer.settle([path, ...odd, path])) results.push(result);
  assert.deepEqual(
    results.map((result) => (result.status === 'rejected' ? result.reason instanceof UserError : result.status)),
    ['fulfilled', true, true, true, true, 'fulfilled'],
  );
});

test('what is no list of pictures is told so', async () => {
  const settle = (images: unknown): Promise<IteratorResult<unknown>> =>
    Reflect.apply(recognizer.settle, recognizer, [images]).next();
  for (const images of [path, null, 5, new Uint8Array(9)]) {
    await assert.rejects(settle(images), /^UserError: settle takes a list or an async iterable of pictures/);
  }
  for await (const bytes of [createReadStream(path)]) {
    await assert.rejects(recognizer.recognize(bytes).next(), /^UserError: A stream of bytes is not a list of pictures/);
    bytes.destroy();
  }
  const wrong = (): unknown => Reflect.apply(recognizer.recognize, recognizer, [path, null]);
  assert.throws(wrong, /^UserError: Options are an object/);
  const signal = (): unknown => Reflect.apply(recognizer.recognize, recognizer, [path, { signal: 1 }]);
  assert.throws(signal, /^UserError: The option 'signal' of recognize cannot be 1; give an AbortSignal\./);
  for (const [options, message] of [
    [
      { alligned: true },
      /^UserError: Recognizer\.load has no option 'alligned'; its options are checkpoint, .*aligned/,
    ],
    [{ aligned: 'yes' }, /^UserError: The option 'aligned' of Recognizer\.load cannot be yes; give true or false\./],
    [{ detect: { maxFace: 1 } }, /^UserError: detect has no option 'maxFace'; its options are minScore, maxFaces/],
  ] as const) {
    await assert.rejects(Reflect.apply(Recognizer.load, Recognizer, [options]), message);
  }
});

test('an address is fetched where it is a URL; a string that is one is told so', async () => {
  const secret = 'http://someone:secret@127.0.0.1:9/photo.jpg';
  await assert.rejects(recognizer.recognize(secret), {
    name: 'UserError',
    kind: 'input',
    message:
      /^Picture http:\/\/someone:\.\.\.@127\.0\.0\.1:9\/photo\.jpg is an address, and a string is a path; fetch it first, or pass it as a URL\.$/,
  });
  await assert.rejects(recognizer.recognize(new URL(secret)), /photo\.jpg cannot be fetched/);
  const checkpoint = 'https://example.org/model.safetensors';
  await assert.rejects(Recognizer.load({ checkpoint }), /is no address of a file; fetch it first, and pass its bytes/);
});

test('what was decoded before a source failed is not lost', async () => {
  async function* failing(): AsyncGenerator<ImageSource> {
    yield path;
    yield path;
    throw new RangeError('unplugged');
  }
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of recognizer.recognize(failing())) count++;
  }, /^RangeError: unplugged/);
  assert.equal(count, 2);
});

test('many calls at once, with a signal of their own, raise no warning of leaks', async () => {
  const warnings: string[] = [];
  const listen = (warning: Error): void => {
    warnings.push(warning.name);
  };
  process.on('warning', listen);
  const { signal } = new AbortController();
  const small = { data: new Uint8Array(32 * 32 * 3), width: 32, height: 32, channels: 3 } as const;
  await Promise.all(Array.from({ length: 24 }, () => recognizer.recognize(small, { signal })));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  assert.deepEqual(warnings, []);
});

test('options that cannot be meant are refused in a sentence', async () => {
  for (const batchSize of [0, -1, Number.NaN])
    await assert.rejects(recognizer.recognize(path, { batchSize }), /^UserError: A batch cannot have .* faces/);
  for (const threads of [1.5, 1e6]) {
    await assert.rejects(Recognizer.load({ threads }), /^UserError: A network cannot run on [\d.]+ threads/);
  }
  await assert.rejects(
    Recognizer.load({ detect: { minScore: 5 } }),
    /^UserError: Faces cannot be detected with a least score of 5/,
  );
  await assert.rejects(Reflect.apply(Recognizer.load, Recognizer, [{ device: 'foo' }]), /There is no device 'foo'/);
  await assert.rejects(
    Reflect.apply(recognizer.recognize, recognizer, [null]),
    /^UserError: Picture 1 is null, not a picture/,
  );
});

test('a signal stops it, in the middle of a stream as well', async () => {
  const controller = new AbortController();
  await assert.rejects(recognizer.recognize(path, { signal: AbortSignal.abort(new Error('no')) }), /no/);
  async function* endless(): AsyncGenerator<ImageSource> {
    for (;;) yield path;
  }
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of recognizer.recognize(endless(), { signal: controller.signal, batchSize: 1 })) {
      if (++count === 2) controller.abort(new Error('that is enough'));
    }
  }, /that is enough/);
  assert.equal(count, 2);
  // Also between results that are ready.
  const again = new AbortController();
  count = 0;
  await assert.rejects(async () => {
    for await (const _ of recognizer.recognize(endless(), { signal: again.signal })) {
      if (++count === 2) again.abort(new Error('that is enough'));
    }
  }, /that is enough/);
  assert.equal(count, 2);
});

test('a consumer that leaves early ends the source', async () => {
  let ended = false;
  async function* source(): AsyncGenerator<ImageSource> {
    try {
      for (;;) yield path;
    } finally {
      ended = true;
    }
  }
  for await (const _ of recognizer.recognize(source(), { batchSize: 1 })) break;
  assert.equal(ended, true);
});

test('faces that were found before are recognised as those it finds', async () => {
  const { picture, faces } = await recognizer.recognize(path, { picture: true });
  assert.ok(picture && recognizer.detector);
  const found = await recognizer.detector.detect(picture, detect);
  assert.deepEqual(await recognizer.recognizeFaces(picture, found), faces);
  assert.deepEqual(await recognizer.recognizeFaces(picture, []), []);
  const rgba = await sharp(path).ensureAlpha().raw().toBuffer();
  assert.deepEqual(await recognizer.recognizeFaces({ ...picture, data: rgba, channels: 4 }, found), faces);
  const short = recognizer.recognizeFaces({ ...picture, data: rgba.subarray(0, 300) }, found);
  await assert.rejects(short, /^UserError: The picture has 300 values, not the 512 x 512 x 3 of its size/);
});

test('face crops, the mirror image, the shape of transformers.js, and the end', async () => {
  const face = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));
  const classify = await imageClassification({ threads: 1, aligned: true, flip: true });
  const top = await classify(face, { top_k: 2 });
  assert.deepEqual(Object.keys(top[0] ?? {}), ['label', 'score']);
  assert.equal(top[0]?.label, 'happiness');
  assert.deepEqual(
    (await classify([face, face])).map(({ length }) => length),
    [5, 5],
  );
  assert.equal((await classify(face, { top_k: null })).length, 8);
  const address = `data:image/png;base64,${(await readFile(face)).toString('base64')}`;
  assert.deepEqual(await classify(address, { top_k: 2 }), top);
  await assert.rejects(classify('http://'), /^UserError: http:\/\/ is no valid address/);
  await assert.rejects(classify(face, { top_k: -1 }), /^UserError: There cannot be -1 labels/);
  await classify.dispose();
  await classify.dispose();
  await assert.rejects(classify(face), { name: 'UserError', kind: 'usage', message: /has been disposed of/ });
});

test('disposing of it while it works ends that work', async () => {
  const other = await Recognizer.load({ threads: 1, detect });
  const work = other.recognize(Array.from({ length: 50 }, () => path));
  await other.recognize(path);
  await other[Symbol.asyncDispose]();
  await assert.rejects(work, { name: 'UserError', kind: 'usage', message: /has been disposed of/ });
});
