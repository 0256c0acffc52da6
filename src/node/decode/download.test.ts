import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { type DownloadOptions, download, isPrivateAddress } from './download.js';

/** A server that is gone after the test. */
async function serve(context: TestContext, answer: RequestListener, host = '127.0.0.1'): Promise<URL> {
  const server = createServer(answer);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return new URL(`http://${host}:${(server.address() as AddressInfo).port}/a.png`);
}

/** One that says what HTTP libraries do not let say. */
async function serveRaw(context: TestContext, answer: (socket: Socket) => void): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`);
}

const refused = (url: URL, reason: RegExp, options?: DownloadOptions): Promise<void> =>
  assert.rejects(download(url, 'It', options), (error: Error) => {
    assert.equal(error.name, 'UserError');
    assert.match(error.message, reason);
    return true;
  });

/** Whatever comes late has come. */
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

const picture = Buffer.from('the bytes of a picture');

test('an answer is taken as it is, or in one of the usual encodings', async (context) => {
  const bodies = new Map([
    ['', picture],
    ['identity', picture],
    ['gzip', gzipSync(picture)],
    ['deflate', deflateSync(picture)],
    ['br', brotliCompressSync(picture)],
  ]);
  let asked: IncomingMessage | undefined;
  let encoding = '';
  const url = await serve(context, (request, response) => {
    asked = request;
    response.writeHead(200, encoding === '' ? {} : { 'content-encoding': encoding }).end(bodies.get(encoding));
  });
  for (encoding of bodies.keys()) assert.deepEqual(await download(url, 'It'), picture, encoding);
  assert.equal(asked?.headers['accept-encoding'], 'identity');
});

test('an answer in many encodings is refused, and nothing comes after it', async (context) => {
  for (const encoding of ['gzip, gzip, gzip, gzip, gzip, gzip', 'gzip,br', 'zstd', 'nonsense']) {
    const url = await serve(context, (_, response) =>
      response.writeHead(200, { 'content-encoding': encoding }).end(Buffer.alloc(800_000)),
    );
    await refused(url, /^It cannot be fetched \(the server sends it encoded as /);
    await later();
  }
});

test('what is not as its encoding says, is cut off, or is reset is told', async (context) => {
  const cases: readonly [string | Buffer, RegExp][] = [
    ['HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello', /incorrect header check/],
    ['HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello', /the connection ended before the answer/],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel', /the connection ended before the answer/],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello', /Parse Error|ended before the answer/],
    ['', /socket hang up/],
    ['no HTTP at all\r\n\r\n', /Parse Error/],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, /Header overflow/i],
  ];
  for (const [answer, reason] of cases) {
    const url = await serveRaw(context, (socket) => socket.end(answer));
    await refused(url, reason);
    await later();
  }
  const reset = await serveRaw(context, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello', () => socket.resetAndDestroy());
  });
  await refused(reset, /ECONNRESET|ended before the answer/);
});

test('a server that drips is given up after the time for a whole answer, in its header and in its body', async (context) => {
  const timers: NodeJS.Timeout[] = [];
  context.after(() => timers.forEach(clearInterval));
  const drip = (socket: Socket, start: string): void => {
    socket.write(start);
    timers.push(setInterval(() => socket.write('a'), 5));
  };
  for (const start of ['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nx: ']) {
    const url = await serveRaw(context, (socket) => drip(socket, start));
    await refused(url, /the answer did not end within 0\.2 s/, { total: 0.2, silence: 60 });
    await refused(url, /did not end within|nothing came/, { total: 0.3, silence: 0.2 });
  }
  // Hints are no part of an answer.
  const hinting = await serveRaw(context, (socket) => {
    timers.push(setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'), 1));
  });
  await refused(hinting, /more than 10 hints before an answer/);
});

test('a body that expands is bounded by what comes out of it', async (context) => {
  const url = await serve(context, (_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    const gzip = createGzip({ level: 1 });
    gzip.pipe(response);
    const zeros = Buffer.alloc(1024 * 1024);
    let [sent, open] = [0, true];
    response.on('close', () => {
      open = false;
    });
    const write = (): void => {
      if (open && sent++ < 400) gzip.write(zeros, write);
    };
    write();
  });
  await refused(url, /^It has more than the 268435456 bytes that are accepted/);
});

test('redirects are followed to http and https, some ten of them', async (context) => {
  let location = '';
  const url = await serve(context, (request, response) => {
    const left = Number(request.url?.split('?')[1] ?? -1);
    if (left === 0) return response.end(picture);
    return response.writeHead(302, { location: left > 0 ? `?${left - 1}` : location }).end('moved');
  });
  location = '?9';
  assert.deepEqual(await download(url, 'It'), picture);
  location = '?10';
  await refused(url, /more than 10 redirects/);
  for (const [to, reason] of [
    [url.href, /more than 10 redirects/],
    ['file:///etc/passwd', /a redirect to file:/],
    ['data:image/png;base64,AAAA', /a redirect to data:/],
    ['http://[', /a redirect to no address/],
  ] as const) {
    location = to;
    await refused(url, reason);
  }
});

test('a name and password go to the server that they were meant for, and to no other', async (context) => {
  const received: (string | undefined)[] = [];
  const other = await serve(context, (request, response) => {
    received.push(request.headers.authorization);
    response.end(picture);
  });
  const url = await serve(context, (request, response) => {
    received.push(request.headers.authorization);
    response.writeHead(307, { location: other.href }).end();
  });
  [url.username, url.password] = ['me', 'a b%3A'];
  assert.deepEqual(await download(url, 'It'), picture);
  assert.deepEqual(received, [`Basic ${Buffer.from('me:a b:').toString('base64')}`, undefined]);
});

test('a redirect from a server of the internet does not lead into this network', {
  skip: process.platform !== 'linux',
}, async (context) => {
  // Of two addresses of this machine the second stands for this network.
  const inside = await serve(context, (_, response) => response.end(picture), '127.0.0.2');
  const isPrivate = (address: string): boolean => address === '127.0.0.2';
  const outside = await serve(context, (_, response) => response.writeHead(302, { location: inside.href }).end());
  await refused(outside, /a redirect into this machine's network, 127\.0\.0\.2/, { isPrivate });
  assert.deepEqual(await download(inside, 'It', { isPrivate }), picture);
  assert.deepEqual(await download(outside, 'It', { isPrivate: () => true }), picture);
  const byName = await serve(context, (_, response) => {
    response.writeHead(302, { location: outside.href.replace('127.0.0.1', 'localhost') }).end();
  });
  await refused(byName, /a redirect into this machine's network, (127\.0\.0\.1|::1)/, {
    isPrivate: publicAtFirst(),
  });
});

/** The first address that is asked about is one of the internet, whichever it is. */
function publicAtFirst(): (address: string) => boolean {
  let asked = 0;
  return () => asked++ > 0;
}

test('addresses of this machine and its network are known as such', () => {
  const inside = [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
  ];
  for (const address of inside) assert(isPrivateAddress(address), address);
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:4860:4860::8888', '::ffff:8.8.8.8']) {
    assert(!isPrivateAddress(address), address);
  }
});

test('a server that is not there is told', async () => {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  for (const host of ['127.0.0.1', 'localhost']) {
    await refused(new URL(`http://${host}:${port}/`), /^It cannot be fetched \(connect ECONNREFUSED /);
  }
});

test('who waits no more is told the reason, and the server let go', async (context) => {
  let closed: () => void = () => undefined;
  const letGo = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const url = await serve(context, (_, response: ServerResponse) => {
    response.write('abc');
    response.on('close', closed);
  });
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(download(url, 'It', { signal: stop.signal }), /^Error: enough$/);
  await letGo;
});
