import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Served } from '../src/node/serve/index.js';
import { problemDocument } from '../src/service/problem-document.js';
import { ask, portrait, problem, served, stillWorks } from './support/served.js';

// What clients do to connections, byte by byte.

let server: Served;
/** Lines of the log that tell of defects of the server. */
const defects: string[] = [];
before(async () => {
  const logTo = { write: (line: string) => void defects.push(line) };
  server = await served({ maxPicture: 1_000_000, maxBody: 1_500_000, maxCameras: 30, slow: 2, log: 'error', logTo });
});
after(() => server.close());

/**
 * Speaks to the server without a client's help.
 * @param pieces a number is milliseconds to wait
 * @param drip is sent again and again until the server ends the connection
 * @returns all that it answers
 */
async function raw(pieces: readonly (string | Uint8Array | number)[], drip?: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  for (const piece of pieces) {
    if (typeof piece === 'number') await sleep(piece);
    else socket.write(piece);
  }
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 200);
  await closed;
  clearInterval(dripping);
  return answer;
}
const head = (length: number): string =>
  `POST /v1/recognize HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: ${length}\r\n`;

/** A head of an own making; the connection ends after its answer. */
const request = (line: string, headers: readonly string[] = ['host: x']): string =>
  `${[`${line} HTTP/1.1`, ...headers, 'connection: close'].join('\r\n')}\r\n\r\n`;

/** The problem that an answer is. @returns what it says */
function refused(answer: string, status: number): string {
  const [top = '', body = ''] = answer.split('\r\n\r\n', 2);
  assert.match(top, new RegExp(`^HTTP/1\\.1 ${status} `), answer);
  assert.match(top, /^content-type: application\/problem\+json/im, answer);
  const document = problemDocument.parse(JSON.parse(body));
  assert.equal(document.status, status);
  return document.detail;
}

test('what is no HTTP, floods of headers and slow clients are told so and end', async () => {
  assert.match(await raw(['nonsense\r\n\r\n']), /^HTTP\/1\.1 400 .*\r\n[\s\S]*"detail":"This is not a request/);
  const trace = 'TRACE /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  assert.match(await raw([trace]), /^HTTP\/1\.1 405 [\s\S]*allow: GET/);
  assert.match(await raw([`${head(5)}x: ${'y'.repeat(30_000)}\r\n\r\n`]), /^HTTP\/1\.1 431 /);
  // What follows a body is the next request, and this is none.
  assert.match(await raw([`${head(4)}\r\n`, 'bodyand more\r\n\r\n']), /HTTP\/1\.1 400 bad-request/);
  // It promises a body and sends none of it.
  assert.match(await raw([`${head(1000)}\r\n`, 'short']), /^HTTP\/1\.1 408 [\s\S]*did not come in time/);
  const slowForm = head(1000).replace('image/png', 'multipart/form-data; boundary=x');
  assert.match(await raw([`${slowForm}\r\n`, '--x\r\n']), /^HTTP\/1\.1 408 [\s\S]*did not come in time/);
  // A byte of the head, or of the body, at a time.
  for (const [begin, byte] of [
    ['GET / HTTP/1.1\r\nx: ', 'y'],
    [`${head(1000)}\r\n`, 'x'],
  ] as const) {
    assert.match(await raw([begin], byte), /^HTTP\/1\.1 408 /);
  }
  await stillWorks(server.url);
});

test('who leaves in the middle of a request or of its answer disturbs nobody', async () => {
  const { hostname, port } = new URL(server.url);
  for (const wait of [0, 5, 50]) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(`${head(portrait.length)}\r\n`);
    socket.write(wait === 0 ? portrait.subarray(0, 100) : portrait);
    await sleep(wait + 5);
    socket.destroy();
  }
  await stillWorks(server.url);
});

test('what Node would answer by itself, or not at all, is told as any problem', async () => {
  const picture = 'content-type: image/png';
  const cases: readonly (readonly [status: number, message: RegExp, pieces: readonly string[]])[] = [
    [400, /one header host/, [request('GET /v1/models', [])]],
    [400, /one header host/, [request('GET /v1/models', ['host: a', 'host: b'])]],
    [400, /one header host/, ['GET /v1/models\r\n\r\n']],
    [405, /This is no proxy/, [request('CONNECT example.org:80')]],
    [405, /does not take OPTIONS; use POST/, [request('OPTIONS /v1/recognize')]],
    [405, /does not take PROPFIND; use GET/, [request('PROPFIND /v1/models')]],
    [417, /asks for a-miracle/, [request('POST /v1/recognize', ['host: x', 'expect: a-miracle', 'content-length: 1'])]],
    // Two lengths of one body, and a body in a form that is not known, are how requests are smuggled past proxies.
    [400, /not a request/, [`${head(5)}transfer-encoding: chunked\r\n\r\n`, '0\r\n\r\n']],
    [400, /not a request/, [`${head(5)}content-length: 6\r\n\r\n`, 'abcdef']],
    [
      415,
      /compressed \(gzip, chunked\)/,
      [request('POST /v1/recognize', ['host: x', picture, 'transfer-encoding: gzip, chunked']), '0\r\n\r\n'],
    ],
    [
      415,
      /compressed \(chunked\)/,
      [request('POST /v1/recognize', ['host: x', picture, 'content-encoding: chunked', 'content-length: 3']), 'abc'],
    ],
    [400, /not a request/, [request('POST /v1/recognize', ['host: x', 'transfer-encoding: chunked']), 'zz\r\n']],
  ];
  for (const [status, message, pieces] of cases) {
    const answer = refused(await raw(pieces), status);
    assert.match(answer, message, pieces.join(''));
  }
  const asked = await fetch(`${server.url}/v1/recognize`, { method: 'HEAD' });
  assert.deepEqual([asked.status, asked.headers.get('allow')], [405, 'POST']);
  await stillWorks(server.url);
});

test('addresses that lead elsewhere lead nowhere', async () => {
  const paths = [
    '/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fpackage.json',
    '/weights/..%2f..%2fpackage.json',
    '/weights/%2e%2e/package.json',
    '/assets/..\\..\\package.json',
    '//etc/passwd',
    '/index.html%00.js',
    '/v2/models/%c0%ae%c0%ae/ready',
    `/v2/models/${'a'.repeat(500)}`,
  ];
  for (const path of paths) {
    const answer = await raw([request(`GET ${path}`)]);
    const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
    assert.ok(['400', '404'].includes(status), `${path}: ${answer}`);
    refused(answer, Number(status));
  }
});

test('a request that wishes for HTTP/2 too, as those of curl and Java, is answered by HTTP/1.1', async () => {
  const upgrade = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n';
  const answer = await raw([`${head(portrait.length)}${upgrade}\r\n`, portrait, request('GET /readyz')]);
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
  assert.match(answer, /"expression":"happiness".*"status":"ok"/s);
  const asWebSocket = upgrade.replace('h2c', 'websocket');
  const [refusal = ''] = (await raw([`${head(1)}${asWebSocket}\r\n`, 'x', request('GET /readyz')])).split(
    'HTTP/1.1 200',
  );
  refused(refusal, 422);
});

test('who asks before sending a body is told to send it, or why not', async () => {
  const expect = 'expect: 100-continue\r\nconnection: close\r\n\r\n';
  const sent = await raw([head(portrait.length) + expect, 100, portrait]);
  assert.match(sent, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*"expression":"happiness"/s);
  assert.match(refused(await raw([head(2_000_000) + expect]), 413), /more bytes than are accepted/);
  refused(await raw([head(10).replace('image/png', 'text/html') + expect]), 415);
});

test('bodies in pieces, with trailers too, requests in a row and those of HTTP/1.0 are answered', async () => {
  const chunked = request('POST /v1/recognize', ['host: x', 'content-type: image/png', 'transfer-encoding: chunked']);
  const size = portrait.length.toString(16);
  const answer = await raw([chunked, `${size};a=b\r\n`, portrait, '\r\n0\r\nx-checksum: 1\r\nhost: y\r\n\r\n']);
  assert.match(answer, /^HTTP\/1\.1 200 .*"expression":"happiness"/s);
  const row = `${head(3)}\r\nabcGET /nothing HTTP/1.1\r\nhost: x\r\n\r\n${request('GET /readyz')}`;
  assert.deepEqual((await raw([row])).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 422', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  assert.match(await raw(['GET /readyz HTTP/1.0\r\n\r\n']), /^HTTP\/1\.1 200 .*"status":"ok"/s);
});

test('why a body is refused arrives while that is still sent', async () => {
  const body = Buffer.alloc(20_000_000);
  for (let i = 0; i < 8; i++) await problem(await ask(server.url, { body }), 413);
  // What has a body that nobody wants ends with its answer.
  const answer = await raw(['GET /readyz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n', body]);
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200']);
});

test('the bodies of all requests share their memory, and give it back when they are over', async (t) => {
  const limits = { maxBody: 1_500_000, maxBodies: 2_350_000, maxPicture: 1_500_000 };
  const { url } = await served({ ...limits, slow: 600, drain: 1 }, t);
  /** Which is no picture. */
  const statusOfLarge = async (): Promise<number> => {
    const response = await ask(url, { body: Buffer.alloc(900_000) });
    await response.arrayBuffer();
    return response.status;
  };
  for (let i = 0; i < 5; i++) assert.equal(await statusOfLarge(), 422);
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`${head(1_500_000)}\r\n`);
  socket.write(Buffer.alloc(1_499_999));
  /** What the server says to a head, before its body is sent. */
  const answerToHead = async (): Promise<string> => {
    const asking = connect(Number(port), hostname);
    asking.on('error', () => undefined);
    asking.write(`${head(900_000)}expect: 100-continue\r\n\r\n`);
    const [data] = await once(asking, 'data');
    asking.destroy();
    return String(data);
  };
  let answer: string;
  // Until it has come.
  do answer = await answerToHead();
  while (answer.startsWith('HTTP/1.1 100 '));
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.equal(await statusOfLarge(), 503);
  await stillWorks(url);
  socket.destroy();
  do answer = await answerToHead();
  while (answer.startsWith('HTTP/1.1 503 '));
  assert.equal(await statusOfLarge(), 422);
});

/** Opens a WebSocket. */
const opening = (headers: readonly string[]): string =>
  `${['GET /v1/camera HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket', ...headers].join('\r\n')}\r\n\r\n`;
const [version, key] = ['sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];

test('frames that are none end their camera with the code of RFC 6455, and are no defects of the server', async () => {
  for (const headers of [[version], [key], [version, 'sec-websocket-key: short']]) {
    assert.match(refused(await raw([opening(headers)]), 400), /^The WebSocket cannot be opened \(.*Sec-WebSocket-/);
  }
  // A refusal ends the connection too: nobody reads it any more.
  const foreign = opening([version, key, 'origin: https://example.com']);
  assert.match(refused(await raw([foreign]), 403), /^Pages of https:\/\/example\.com may not send requests here/);
  const masked = [1, 2, 3, 4];
  const cases: readonly (readonly [code: number, frame: readonly number[]])[] = [
    [1002, [0x82, 1, 97]],
    [1002, [0x83, 0x81, ...masked, 97]],
    [1002, [0xf2, 0x81, ...masked, 97]],
    [1002, [0x80, 0x81, ...masked, 97]],
    [1002, [0x89, 0xfe, 0, 200, ...masked]],
    [1002, [0x09, 0x81, ...masked, 97]],
    [1002, [0x88, 0x81, ...masked, 97]],
    [1007, [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    [1009, [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, ...masked]],
  ];
  for (const [code, frame] of cases) {
    const answer = await raw([opening([version, key]), Uint8Array.from(frame)]);
    const bytes = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
    assert.deepEqual([bytes[0], bytes.readUInt16BE(2)], [0x88, code], `${frame.join()}: ${answer}`);
  }
  // Empty pieces of one message, and questions whether the server lives, by the thousand.
  const pieces = Buffer.concat(Array.from({ length: 30_000 }, () => Buffer.from([0x00, 0x80, ...masked])));
  await raw([opening([version, key]), Uint8Array.of(0x02, 0x80, ...masked), pieces]);
  const pings = Buffer.concat(Array.from({ length: 30_000 }, () => Buffer.from([0x89, 0x80, ...masked])));
  await raw([opening([version, key]), pings]);
  await stillWorks(server.url);
  assert.deepEqual(defects, []);
});
