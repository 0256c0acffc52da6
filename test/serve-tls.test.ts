import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { type Served, serve } from '../src/node/serve/index.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { problemDocument } from '../src/service/problem-document.js';
import { selfSigned } from './support/certificate.js';
import { portrait, recognitionSchema, served } from './support/served.js';

const { cert, key } = selfSigned();
let server: Served;
let port = 0;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-tls-'));
  const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await Promise.all([writeFile(tlsCert, cert), writeFile(tlsKey, key)]);
  server = await served({ tlsCert, tlsKey, slow: 2 });
  port = Number(new URL(server.url).port);
  await rm(folder, { recursive: true });
});
after(() => server.close());

/** What comes until the server ends the connection. */
async function untilEnd(socket: Socket): Promise<string> {
  socket.on('error', () => undefined);
  // Node's own patience with a handshake is two minutes.
  const late = setTimeout(() => socket.destroy(new Error('late')), 60_000);
  const received = await text(socket);
  clearTimeout(late);
  return received;
}

test('a server with a certificate speaks TLS', async () => {
  assert.match(server.url, /^https:/);
  const headers = { 'content-type': 'image/png', 'content-length': portrait.length };
  const asked = request(`https://localhost:${port}/v1/recognize`, {
    host: '127.0.0.1',
    servername: 'localhost',
    method: 'POST',
    ca: cert,
    headers,
  });
  asked.end(portrait);
  const [response] = await once(asked, 'response');
  assert.equal(response.statusCode, 200);
  assert.match(response.headers['strict-transport-security'], /max-age/);
  assert.equal(recognitionSchema.parse(JSON.parse(await text(response))).faces[0]?.expression, 'happiness');
});

test('a certificate or a key that cannot be used is told by its file', async (t) => {
  const folder = await temporaryFolder(t);
  const other = selfSigned();
  const write = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const [good, own] = [await write('cert.pem', cert), await write('key.pem', key)];
  const none = await write('none.pem', 'nothing');
  const cases = [
    [none, own, /^UserError: .*none\.pem is no certificate in PEM/],
    [own, good, /^UserError: .*key\.pem is no certificate in PEM/],
    [good, none, /^UserError: .*none\.pem is no private key in PEM/],
    [good, await write('other.pem', other.key), /^UserError: The key .*other\.pem does not belong to .*cert\.pem/],
  ] as const;
  for (const [tlsCert, tlsKey, sentence] of cases) {
    await assert.rejects(serve({ port: 0, log: 'silent', tlsCert, tlsKey }), sentence);
  }
});

test('a handshake that never ends is cut, whether it begins or not', async () => {
  for (const beginning of ['', '\u0016\u0003\u0001\u0002\u0000']) {
    const socket = connect(port, '127.0.0.1');
    socket.write(Buffer.from(beginning, 'latin1'));
    assert.equal(await untilEnd(socket), '');
  }
});

test('a client that is slow after its handshake is told so', async () => {
  for (const beginning of [
    'POST /v1/rec',
    'POST /v1/recognize HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\ncontent-type: image/png\r\n\r\nx',
  ]) {
    const socket = connectSecurely({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
    socket.write(beginning);
    const [head = '', body = ''] = (await untilEnd(socket)).split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 408 /);
    assert.equal(problemDocument.parse(JSON.parse(body)).status, 408);
  }
});

test('a request that wishes for another protocol too is answered without it', async () => {
  const socket = connectSecurely({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
  const upgrade = 'connection: upgrade\r\nupgrade: h2c\r\ncontent-type: image/png\r\n';
  socket.write(`POST /v1/recognize HTTP/1.1\r\nhost: x\r\n${upgrade}content-length: ${portrait.length}\r\n\r\n`);
  socket.write(portrait);
  socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  const answers = await untilEnd(socket);
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
  assert.match(answers, /"expression":"happiness"/);
});
