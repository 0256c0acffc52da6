import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { z } from 'zod';
import { explainFaces, explanationDocument } from '../src/explain/index.js';
import type { Served } from '../src/node/serve/index.js';
import { Recognizer, recognitionDocument } from '../src/recognize/index.js';
import { problemDocument } from '../src/service/problem-document.js';
import { ask, cheap, portrait, problem, recognitionSchema, served, stillWorks } from './support/served.js';

let server: Served;
before(async () => {
  server = await served({ maxPictures: 3, maxPicture: 1_000_000, maxBody: 1_500_000, maxPixels: 1_000_000 });
});
after(() => server.close());

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});
function form(files: readonly Uint8Array[], fields: Readonly<Record<string, string>> = {}): RequestInit {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  files.forEach((file, i) => {
    body.append('image', new Blob([Uint8Array.from(file)]), `../../etc/${i}.png`);
  });
  return { method: 'POST', body };
}
/** A form by hand: heads of parts, and what they hold. */
function parts(...given: readonly (readonly [head: string, body: Uint8Array | string])[]): {
  method: 'POST';
  body: Uint8Array<ArrayBuffer>;
  headers: Record<string, string>;
} {
  const pieces = given.map(([head, body]) =>
    Buffer.concat([Buffer.from(`--x\r\n${head}\r\n\r\n`), Buffer.from(body), Buffer.from('\r\n')]),
  );
  const body = Uint8Array.from(Buffer.concat([...pieces, Buffer.from('--x--\r\n')]));
  return { method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=x' } };
}
const field = (name: string): string => `content-disposition: form-data; name="${name}"`;
const file = (): string => `${field('image')}; filename="a.png"\r\ncontent-type: image/png`;
const post = (path: string, init: RequestInit): Promise<Response> => fetch(`${server.url}${path}`, init);

test('a picture as body, as file of a form and as base64 gives what the library gives', async () => {
  const recognizer = await Recognizer.load(cheap);
  const expected = recognitionDocument(await recognizer.recognize(portrait), 2);
  await recognizer.dispose();
  const asked = [
    await ask(server.url, {}).then(() =>
      post('/v1/recognize?top=2', { method: 'POST', body: portrait, headers: { 'content-type': 'image/png' } }),
    ),
    await post('/v1/recognize', form([portrait], { top: '2' })),
    await post('/v1/recognize', json({ image: portrait.toString('base64'), options: { top: 2 } })),
    await post('/v1/recognize?top=2', json({ image: `data:image/png;base64,${portrait.toString('base64')}` })),
  ];
  for (const response of asked) {
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { model: 'poster-v2-nano', ...expected });
  }
});

test('options do what they do on the command line, and crops are what the network saw', async () => {
  const response = await post('/v1/recognize?crops=true&minScore=0.5&maxFaces=1', form([portrait]));
  const [face] = recognitionSchema.parse(await response.json()).faces;
  const crop = await sharp(Buffer.from(face?.crop ?? '', 'base64')).metadata();
  assert.deepEqual([crop.format, crop.width, crop.height], ['png', 48, 48]);
  const none = await post('/v1/recognize?minSize=500', form([portrait]));
  assert.deepEqual(recognitionSchema.parse(await none.json()).faces, []);
});

test('what the network attends to is what poster explain gives', async () => {
  const recognizer = await Recognizer.load(cheap);
  const expected = await explainFaces(recognizer, portrait, { target: 'sadness' });
  await recognizer.dispose();
  const response = await post('/v1/explain?target=sadness', form([portrait]));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), {
    model: 'poster-v2-nano',
    faces: expected.map(({ box, lowContrast, explanation }) => ({
      box,
      lowContrast,
      ...explanationDocument(explanation),
    })),
  });
  assert.match(
    (await problem(await post('/v1/explain?target=joyless', form([portrait])), 422)).type,
    /invalid-options$/,
  );
});

test('in a batch a picture that cannot be used has its problem in its place', async () => {
  const wide = await sharp({ create: { width: 2000, height: 600, channels: 3, background: 'gray' } })
    .png()
    .toBuffer();
  const response = await post('/v1/recognize/batch', form([Buffer.from('no picture'), portrait, wide]));
  assert.equal(response.status, 200);
  const { results } = z
    .object({
      results: z.array(z.union([recognitionSchema.omit({ model: true }), z.object({ problem: problemDocument })])),
    })
    .parse(await response.json());
  const outcomes = results.map((one) => ('faces' in one ? one.faces[0]?.expression : one.problem.status));
  assert.deepEqual(outcomes, [422, 'happiness', 413]);
});

test('what cannot be used has its status and a sentence, and disturbs nothing', async () => {
  const picture = { 'content-type': 'image/png' };
  const base64 = portrait.toString('base64');
  const manyParts = new FormData();
  const asText = new FormData();
  asText.append('image', portrait.toString('base64'));
  for (let i = 0; i < 10_000; i++) manyParts.append(`part-${i}`, 'x');
  const cases: readonly (readonly [number, string, RequestInit])[] = [
    [422, '/v1/recognize', { method: 'POST', body: 'no picture', headers: picture }],
    [422, '/v1/recognize', { method: 'POST', body: portrait.subarray(0, 5000), headers: picture }],
    [400, '/v1/recognize', { method: 'POST', body: '', headers: picture }],
    [400, '/v1/recognize', { method: 'POST' }],
    [415, '/v1/recognize', { method: 'POST', body: 'x', headers: { 'content-type': 'text/html' } }],
    [415, '/v1/recognize', { method: 'POST', body: portrait }],
    [413, '/v1/recognize', { method: 'POST', body: Buffer.alloc(1_200_000), headers: picture }],
    [413, '/v1/recognize', { method: 'POST', body: Buffer.alloc(1_600_000), headers: picture }],
    [400, '/v1/recognize', json('{')],
    // Deep or of many values: small ones are read at once, large ones in a thread.
    [413, '/v1/recognize', json(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    [413, '/v1/recognize', json(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)],
    [413, '/v1/recognize', json(`[${'[],'.repeat(300_000)}[]]`)],
    [400, '/v1/recognize', json(`${'['.repeat(5000)}${']'.repeat(5000)}`)],
    [400, '/v1/recognize', json(`{"image": "${'A'.repeat(200_000)}`)],
    [422, '/v1/recognize', json({ image: Buffer.alloc(200_000).toString('base64') })],
    [400, '/v1/recognize', json('')],
    [400, '/v1/recognize', json({ image: 5 })],
    [400, '/v1/recognize', json({ picture: base64 })],
    [400, '/v1/recognize', json({ image: 'kein Base64!' })],
    [400, '/v1/recognize', json({ image: '/etc/passwd.png' })],
    [400, '/v1/recognize', json({ image: 'http://localhost/a.png' })],
    [422, '/v1/recognize', json({ image: Buffer.from('no picture').toString('base64') })],
    [422, '/v1/recognize?maxFaces=0', json({ image: base64 })],
    [422, '/v1/recognize?scales=100000', json({ image: base64 })],
    [422, '/v1/recognize?nonsense=1', json({ image: base64 })],
    [422, '/v1/recognize?top=1', json({ image: base64, options: { top: 2 } })],
    [422, '/v1/recognize?__proto__=1', json({ image: base64 })],
    [400, '/v1/recognize', form([])],
    [400, '/v1/recognize', form([Buffer.from('a'), Buffer.from('b')])],
    [400, '/v1/recognize', form([Buffer.alloc(0)])],
    [413, '/v1/recognize/batch', form(['a', 'b', 'c', 'd'].map((one) => Buffer.from(one)))],
    [413, '/v1/recognize/batch', json({ images: Array.from({ length: 4 }, () => 'AAAA') })],
    [400, '/v1/recognize/batch', json({ images: [] })],
    [413, '/v1/recognize/batch', { method: 'POST', body: manyParts }],
    [
      400,
      '/v1/recognize',
      { method: 'POST', body: '--x\r\n\r\nfile', headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    ],
    [415, '/v1/recognize', { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/mixed; boundary=x' } }],
    [400, '/v1/recognize', { method: 'POST', body: asText }],
    [400, '/v1/recognize', { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data' } }],
    [415, '/v1/recognize/batch', { method: 'POST', body: portrait, headers: picture }],
    [422, '/v1/recognize', parts(...Array.from({ length: 2 }, () => [field('top'), '1'] as const), [file(), portrait])],
    [413, '/v1/recognize', parts([field('top'), '1'.repeat(2000)], [file(), portrait])],
    [413, '/v1/recognize', parts([file(), Buffer.alloc(1_200_000)])],
    [415, '/v1/recognize', { method: 'POST', body: portrait, headers: { ...picture, 'content-encoding': 'gzip' } }],
    [404, '/v1/../../etc/passwd', {}],
    [404, '/nothing', json('{}')],
    [400, '/v1/%ff', {}],
    [405, '/v1/recognize', {}],
    [405, '/v1/models', { method: 'DELETE' }],
  ];
  for (const [status, path, init] of cases) {
    await problem(await post(path, init), status).catch((error: unknown) => {
      throw new Error(`${path} ${JSON.stringify(init.headers)} ${String(init.body).slice(0, 60)}`, { cause: error });
    });
  }
  const squeezed = await post('/v1/recognize', {
    method: 'POST',
    body: portrait,
    headers: { ...picture, 'content-encoding': 'gzip' },
  });
  // How bodies may come instead (RFC 9110, 15.5.16).
  assert.equal(squeezed.headers.get('accept-encoding'), 'identity');
  await squeezed.body?.cancel();
  await stillWorks(server.url);
});

test('a form that is none is told at once, and where', async () => {
  const type = (boundary: string): Record<string, string> => ({ 'content-type': `multipart/form-data; ${boundary}` });
  const whole = parts([file(), portrait]);
  const cases: readonly (readonly [RegExp, RequestInit])[] = [
    [/Part 1 of the form has no name/, parts(['content-type: image/png', portrait])],
    [/Part 2 of the form has no name/, parts([field('top'), '1'], ['content-disposition: form-data', portrait])],
    [/Part 1 of the form has no name/, parts([file().replace('form-data', 'attachment'), portrait])],
    [/Part 1 of the form has no name/, parts([file().replace('name="image"', 'name=""'), portrait])],
    [/Part 1 of the form is in base64/, parts([`${file()}\r\ncontent-transfer-encoding: base64`, 'AAAA'])],
    [/part 1 has no empty line below its head/, { ...parts(), body: '--x\r\n--x--\r\n' }],
    [/part 1 has no end/, { ...whole, body: '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb' }],
    [/ends in the middle/, { ...whole, body: '--x' }],
    [/boundary is not the one/, { ...whole, body: 'x' }],
    [/boundary is not the one/, { ...whole, headers: type('boundary=y') }],
    [/no boundary/, { ...whole, headers: type('boundary=') }],
    [/a boundary above 70 characters/, { ...whole, headers: type(`boundary=${'x'.repeat(200)}`) }],
    [/^The body has no picture; send one/, { ...whole, body: '--x--\r\n' }],
    [/has 2 pictures, not one/, form([Buffer.from('a'), Buffer.from('b')])],
  ];
  for (const [sentence, init] of cases) {
    assert.match((await problem(await post('/v1/recognize', init), 400)).detail, sentence);
  }
  await stillWorks(server.url);
});

test('forms as different clients write them are read', async () => {
  const heads = [
    file(),
    file().replace('"a.png"', "a.png; filename*=UTF-8''%c3%a4.png"),
    'Content-Type: image/png\r\nContent-Disposition: form-data; name=image\r\nContent-Transfer-Encoding: binary',
    file().replace('"a.png"', String.raw`"C:\; name=\"b\".png"`),
  ];
  for (const head of heads) {
    assert.equal((await post('/v1/recognize', parts([head, portrait]))).status, 200, head);
  }
  const whole = parts([file(), portrait], [field('top'), '1']);
  const quoted = { 'content-type': 'multipart/form-data; charset=utf-8; boundary="x"' };
  const preamble = Buffer.concat([Buffer.from('for readers of mail\r\n'), Buffer.from(whole.body)]);
  const answer = await post('/v1/recognize', { ...whole, body: preamble, headers: quoted });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /"scores":\[\{[^}]*\}\]/);
});

test('request ids, those of clients too, are in answers', async () => {
  const own = await ask(server.url, { headers: { 'x-request-id': 'mine-1' } });
  assert.equal(own.headers.get('x-request-id'), 'mine-1');
  const odd = await ask(server.url, { headers: { 'x-request-id': 'a b' } });
  assert.match(odd.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
});

test('figures count what was answered', async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /^poster_ready 1$/m);
  assert.match(text, /^poster_queue_pictures 0$/m);
  assert.match(text, /^poster_requests_total\{method="POST",route="\/v1\/recognize",status="413"\} [1-9]/m);
  for (const stage of ['decode', 'detect', 'network']) {
    assert.match(text, new RegExp(`^poster_stage_seconds_count\\{stage="${stage}"\\} [1-9]`, 'm'));
  }
  assert.match(text, /^poster_batch_faces_sum [1-9]/m);
  assert.doesNotMatch(text, /etc|nonsense/);
});
