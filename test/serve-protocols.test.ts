import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { z } from 'zod';
import { cameraFrame } from '../src/node/serve/cameras.js';
import { analyzed } from '../src/node/serve/deepface.js';
import type { Served } from '../src/node/serve/index.js';
import { inferResponse, modelMetadata } from '../src/node/serve/open-inference.js';
import { Recognizer, type Score } from '../src/recognize/index.js';
import { problemDocument } from '../src/service/problem-document.js';
import { type ConnectedCamera, connectedCamera } from './support/camera.js';
import { cheap, portrait, problem, served, stillWorks } from './support/served.js';

let server: Served;
/** The face of the portrait as the network sees it, and what it shows. */
let crop: Uint8Array;
let expected: readonly Score[];

before(async () => {
  server = await served({ maxPicture: 2_000_000, maxPixels: 1_000_000, maxCameras: 2, slow: 3 });
  const recognizer = await Recognizer.load(cheap);
  const { faces } = await recognizer.recognize(portrait, { crops: true });
  crop = faces[0]?.crop?.data ?? assert.fail();
  expected = faces[0]?.scores ?? assert.fail();
  await recognizer.dispose();
});
after(() => server.close());

const model = '/v2/models/poster-v2-nano';
const infer = (body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}${model}/infer`, { method: 'POST', body, headers });
const asked = (more: object = {}): object => ({
  id: 'one',
  inputs: [{ name: 'crops', shape: [1, 48, 48, 1], datatype: 'UINT8', ...more }],
});

test('the Open Inference Protocol tells what there is', async () => {
  const get = async (path: string): Promise<unknown> => (await fetch(`${server.url}${path}`)).json();
  assert.deepEqual(await get('/v2/health/live'), { live: true });
  assert.deepEqual(await get('/v2/health/ready'), { ready: true });
  assert.deepEqual(await get(`${model}/versions/1/ready`), { ready: true });
  const { inputs, outputs, parameters } = modelMetadata.parse(await get(model));
  assert.deepEqual(inputs, [{ name: 'crops', datatype: 'UINT8', shape: [-1, 48, 48, 1] }]);
  assert.deepEqual(outputs[0], { name: 'probabilities', datatype: 'FP32', shape: [-1, 8] });
  assert.equal(parameters.labels.length, 8);
  const none = await problem(await fetch(`${server.url}/v2/models/other`), 404);
  assert.equal(none.error, none.detail);
});

test('crops as tensors, in JSON and as bytes, give what the library gives', async () => {
  const { parameters } = modelMetadata.parse(await (await fetch(`${server.url}${model}`)).json());
  const inOrder = (field: 'probability' | 'logit'): number[] =>
    parameters.labels.map((label) => expected.find((score) => score.label === label)?.[field] ?? Number.NaN);
  const listed = await infer(JSON.stringify(asked({ data: [...crop] })), { 'content-type': 'application/json' });
  assert.equal(listed.status, 200);
  const { id, outputs } = inferResponse.parse(await listed.json());
  assert.equal(id, 'one');
  assert.deepEqual(
    outputs.map(({ name, shape, data }) => [name, shape, data]),
    [
      ['probabilities', [1, 8], inOrder('probability')],
      ['logits', [1, 8], inOrder('logit')],
      ['expression', [1], ['happiness']],
    ],
  );

  // As tritonclient sends it: no content-type, bytes after the JSON, bytes wanted back.
  const head = Buffer.from(
    JSON.stringify({
      ...asked({ parameters: { binary_data_size: crop.length } }),
      outputs: [
        { name: 'logits', parameters: { binary_data: true } },
        { name: 'expression', parameters: { binary_data: true } },
      ],
    }),
  );
  const binary = await infer(Buffer.concat([head, crop]), { 'inference-header-content-length': String(head.length) });
  assert.equal(binary.status, 200);
  const bytes = Buffer.from(await binary.arrayBuffer());
  const length = Number(binary.headers.get('inference-header-content-length'));
  const answer = inferResponse.parse(JSON.parse(bytes.toString('utf8', 0, length)));
  assert.deepEqual(
    answer.outputs.map(({ parameters: size }) => size?.binary_data_size),
    [32, 13],
  );
  const logits = Array.from({ length: 8 }, (_, i) => bytes.readFloatLE(length + 4 * i));
  assert.deepEqual(logits, inOrder('logit').map(Math.fround));
  assert.equal(bytes.toString('utf8', length + 36), 'happiness');
});

test('tensors that are not what the model takes are refused', async () => {
  const classification = { name: 'logits', parameters: { classification: 2 } };
  const cases: readonly (readonly [number, BodyInit, Record<string, string>?])[] = [
    [400, ''],
    [400, 'no JSON'],
    [400, '{}'],
    [422, JSON.stringify(asked({ shape: [1, 224, 224, 3], data: [] }))],
    [422, JSON.stringify(asked({ datatype: 'FP32', data: [] }))],
    [422, JSON.stringify(asked({ data: [1, 2, 3] }))],
    [422, JSON.stringify(asked({ data: Array.from(crop, () => 256) }))],
    [422, JSON.stringify(asked({ data: Array.from(crop, () => 'x') }))],
    [413, JSON.stringify(asked({ shape: [1000, 48, 48, 1], data: [] }))],
    [400, JSON.stringify(asked())],
    [400, 'x', { 'inference-header-content-length': '9' }],
    [400, 'x', { 'inference-header-content-length': '-1' }],
    [422, JSON.stringify({ ...asked({ data: [...crop] }), outputs: [{ name: 'other' }] })],
    [422, JSON.stringify({ ...asked({ data: [...crop] }), outputs: [classification] })],
    // Told before anything is computed, and so before what only the model knows.
    [422, JSON.stringify({ ...asked({ shape: [1000, 48, 48, 1], data: [] }), outputs: [{ name: 'other' }] })],
  ];
  for (const [status, body, headers] of cases) {
    const document = await problem(await infer(body, headers), status);
    assert.equal(document.error, document.detail);
  }
  await stillWorks(server.url);
});

test('/analyze answers as DeepFace does', async () => {
  const analyze = (body: object): Promise<Response> =>
    fetch(`${server.url}/analyze`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  const img = `data:image/png;base64,${portrait.toString('base64')}`;
  const form = new FormData();
  form.set('img', new Blob([Uint8Array.from(portrait)]), 'photo.png');
  form.set('actions', "['emotion']");
  const answers = [
    await analyze({ img, actions: ['emotion'], detector_backend: 'retinaface', align: true }),
    await fetch(`${server.url}/analyze`, { method: 'POST', body: form }),
  ];
  for (const response of answers) {
    const { results } = analyzed.parse(await response.json());
    assert.equal(results.length, 1);
    const [{ emotion, dominant_emotion, region } = assert.fail()] = results;
    assert.equal(dominant_emotion, 'happy');
    const total = Object.values(emotion).reduce((sum, value) => sum + value, 0);
    assert.ok(Math.abs(total - 100) < 1e-3);
    assert.deepEqual(region, { x: 170, y: 69, w: 108, h: 108, left_eye: [247, 106], right_eye: [204, 103] });
  }
  const plain = await sharp({ create: { width: 200, height: 200, channels: 3, background: 'gray' } })
    .png()
    .toBuffer();
  const faceless = plain.toString('base64');
  assert.match((await problem(await analyze({ img: faceless }), 422)).type, /no-face$/);
  assert.deepEqual(await (await analyze({ img: faceless, enforce_detection: false })).json(), { results: [] });
  // Letters of base64, and no picture: no file is read.
  await problem(await analyze({ img: '/etc/passwd' }), 422);
  await problem(await analyze({ img: 'https://example.org/photo.jpg' }), 400);
  await problem(await analyze({ actions: ['emotion'] }), 400);
  await problem(await analyze({ img, actions: ['age'] }), 422);
  await problem(await analyze({ img, anti_spoofing: true }), 422);
});

const camera = (query = ''): Promise<ConnectedCamera> => connectedCamera(server.url, query);

test('the frames of a camera are followed; one that cannot be read is told and left out', async () => {
  const { socket, next, closed } = await camera('?smooth=0');
  const frames = [];
  for (let frame = 0; frame < 3; frame++) {
    socket.send(portrait);
    frames.push(cameraFrame.parse(await next()));
  }
  assert.deepEqual(
    frames.map(({ frame, faces }) => [frame, faces.map(({ id, expression }) => `${id} ${expression}`)]),
    [0, 1, 2].map((frame) => [frame, ['1 happiness']]),
  );
  socket.send(Buffer.from('no picture'));
  assert.equal(problemDocument.parse(await next()).status, 422);
  const create = { width: 2000, height: 600, channels: 3, background: 'gray' } as const;
  socket.send(await sharp({ create }).png().toBuffer());
  assert.match(problemDocument.parse(await next()).detail, /^Frame 4 is 2000 x 600 pixels, more than the 1000000 /);
  socket.send(portrait);
  assert.equal(cameraFrame.parse(await next()).frame, 5);
  socket.close();
  assert.equal(await closed, 1005);
});

test('pictures and faces count once each, whatever asks for them, and not where they are refused', async () => {
  const counted = async (): Promise<number[]> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return ['pictures', 'faces'].map((what) =>
      Number(new RegExp(`^poster_${what}_total (\\d+)$`, 'm').exec(text)?.[1]),
    );
  };
  const [pictures = 0, faces = 0] = await counted();
  await stillWorks(server.url);
  const headers = { 'content-type': 'image/png' };
  const post = (path: string, body: BodyInit): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'POST', body, headers });
  const explained = await post('/v1/explain', portrait);
  assert.equal(explained.status, 200);
  await explained.arrayBuffer();
  await problem(await post('/v1/recognize', 'no picture'), 422);
  const { socket, next, closed } = await camera();
  socket.send(portrait);
  cameraFrame.parse(await next());
  socket.close();
  await closed;
  assert.deepEqual(await counted(), [pictures + 3, faces + 3]);
});

test('frames that come too fast are dropped, never queued', async () => {
  const { socket, next, closed } = await camera();
  for (let frame = 0; frame < 30; frame++) socket.send(portrait);
  const numbers: number[] = [];
  while (numbers.at(-1) !== 29) numbers.push(cameraFrame.parse(await next()).frame);
  assert.ok(numbers.length < 30, numbers.join());
  socket.close();
  // Until it is gone it counts among the cameras that the next tests open.
  await closed;
});

/** A WebSocket without a client's help, once it is open. */
async function rawCamera(): Promise<{ socket: Socket; receive: (wanted: RegExp) => Promise<Buffer> }> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    socket.emit('more');
  });
  socket.on('close', () => socket.emit('more'));
  /** All bytes until now, once they hold what is wanted: how many chunks bring them is the system's choice. */
  const receive = async (wanted: RegExp): Promise<Buffer> => {
    while (!wanted.test(bytes.toString('latin1'))) {
      assert.ok(!socket.destroyed, `the server ended the camera after ${bytes.toString('latin1')}`);
      await once(socket, 'more');
    }
    return bytes;
  };
  const head = ['GET /v1/camera HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
  const key = ['sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];
  socket.write(`${[...head, ...key].join('\r\n')}\r\n\r\n`);
  await receive(/^HTTP\/1\.1 101 .*\r\n\r\n/s);
  return { socket, receive };
}

test('a frame of a gigabyte is refused when it is announced, half a frame when no more comes', async () => {
  const huge = await rawCamera();
  // A binary message, masked, of 2^30 bytes.
  huge.socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4, 5]));
  const answer = await huge.receive(/\r\n\r\n.{4}/s);
  const close = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  assert.deepEqual([close[0], close.readUInt16BE(2)], [0x88, 1009]);
  huge.socket.destroy();
  const half = await rawCamera();
  half.socket.write(Buffer.from([0x82, 0xfe, 0x10, 0, 1, 2, 3, 4, 5, 6, 7]));
  await half.receive(/No picture came for 3 s/);
  half.socket.destroy();
  // Who leaves within a frame gives its place back.
  const left = await rawCamera();
  left.socket.write(Buffer.from([0x82, 0xfe, 0x10]));
  left.socket.destroy();
  await stillWorks(server.url);
});

test('cameras that are none are told so and end', async () => {
  const text = await camera();
  text.socket.send('hello');
  assert.equal(problemDocument.parse(await text.next()).status, 400);
  assert.equal(await text.closed, 1008);
  const long = await camera();
  long.socket.send(Buffer.alloc(2_000_001));
  assert.equal(await long.closed, 1009);
  const odd = await camera('?smooth=-1');
  assert.equal(problemDocument.parse(await odd.next()).status, 422);
  const both = [await camera(), await camera()];
  const third = await camera();
  assert.equal(problemDocument.parse(await third.next()).status, 503);
  for (const { socket } of both) socket.terminate();
  await problem(await fetch(`${server.url}/v1/camera`), 426);
  await stillWorks(server.url);
});

test('the description of the server lists what it answers, by the schemas that requests are checked with', async () => {
  const document = z
    .object({ openapi: z.literal('3.1.0'), paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))) })
    .parse(await (await fetch(`${server.url}/openapi.json`)).json());
  assert.deepEqual(Object.keys(document.paths).sort(), [
    '/analyze',
    '/docs',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
    '/v1/camera',
    '/v1/explain',
    '/v1/models',
    '/v1/recognize',
    '/v1/recognize/batch',
    '/v2',
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/models/{name}',
    '/v2/models/{name}/infer',
    '/v2/models/{name}/ready',
    '/v2/models/{name}/versions/{version}',
    '/v2/models/{name}/versions/{version}/infer',
    '/v2/models/{name}/versions/{version}/ready',
  ]);
  const recognize = document.paths['/v1/recognize']?.['post'];
  assert.deepEqual(Object.keys(z.record(z.string(), z.unknown()).parse(recognize?.['responses'])), [
    ...['200', '400', '401', '403', '408', '413', '415', '422', '429', '500', '503', '504'],
  ]);
  const maxFaces = z.array(z.looseObject({ name: z.string() })).parse(recognize?.['parameters'])[0];
  assert.deepEqual(maxFaces, {
    name: 'maxFaces',
    in: 'query',
    required: false,
    description: 'at most this many faces, those with the highest scores',
    schema: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  });
  const page = await fetch(`${server.url}/docs`);
  const text = await page.text();
  assert.match(text, /curl -F image=@photo\.jpg http:\/\/127\.0\.0\.1:\d+\/v1\/recognize</);
  assert.doesNotMatch(text, /<script|https?:\/\/(?!127\.0\.0\.1)/);
});
