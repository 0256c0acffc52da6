import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'esbuild';

/** How a host compresses what it sends: each at the level that is usual for answers made once and sent often. */
const encoders = {
  br: (body: Uint8Array) =>
    promisify(brotliCompress)(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 22 },
    }),
  gzip: (body: Uint8Array) => promisify(gzip)(body, { level: 6 }),
};
export type Encoding = keyof typeof encoders;

const modules = new URL('../../../node_modules/', import.meta.url);

/** Folders of the server by the first part of a path. */
const folders: Readonly<Record<string, URL>> = {
  weights: new URL('../../../weights/', import.meta.url),
  runtime: new URL('onnxruntime-web/dist/', modules),
  faceapi: new URL('@vladmandic/face-api/model/', modules),
  human: new URL('@vladmandic/human/models/', modules),
  tfjs: new URL('@tensorflow/tfjs-backend-wasm/dist/', modules),
  assets: new URL('../../../assets/', import.meta.url),
};

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
};

/** Pictures are compressed already; the weights are not text, and hosts compress what they know by its type. */
const compressed = new Set(['html', 'js', 'mjs', 'wasm', 'json']);

export interface Site {
  /** Address of its root, with a slash. */
  readonly address: string;
  /** Of all that was sent since the server was started, with the headers. */
  bytesSent(): number;
  /** Paths that were asked for, each as often as it was. */
  readonly asked: string[];
  close(): void;
}

export interface SiteOptions {
  /** Names of programs in this folder, each bundled with what it imports, and served as `/NAME.js`. */
  readonly programs: readonly string[];
  /** Whatever else is served, by path. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Default: nothing is compressed. */
  readonly encoding?: Encoding;
}

/**
 * Serves pages on this machine: the built package in bundles, weights, the runtime, and the rivals' files. Pages are isolated from
 * other origins, and all files may be cached for a year, as by a host that names files by what is in them.
 */
export async function openSite({ programs, files = new Map(), encoding }: SiteOptions): Promise<Site> {
  const named = programs.map((name) => [name, new URL(`${name}.js`, import.meta.url)] as const);
  const all = [...named, ['recognition-worker', worker] as const];
  const bundles: ReadonlyMap<string, Uint8Array> = new Map(
    await Promise.all(all.map(async ([name, program]) => [`/${name}.js`, await bundle(program)] as const)),
  );
  const asked: string[] = [];
  const sent = new Map<string, Promise<Uint8Array>>();
  const sockets = new Set<Socket>();
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const [, folder = '', name = ''] = /^\/(\w+)\/([\w.-]+)$/.exec(path) ?? [];
    const found = folders[folder];
    const file = files.get(path) ?? bundles.get(path);
    if (file !== undefined || found === undefined) return file;
    return readFile(new URL(name, found)).catch(() => undefined);
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    asked.push(pathname);
    const ending = /\.(\w+)$/.exec(pathname)?.[1] ?? 'html';
    const body = ending === 'html' ? Buffer.from(pageOf(pathname)) : await read(pathname);
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    const etag = `"${body.length}"`;
    const headers: Record<string, string> = {
      'content-type': types[ending] ?? 'application/octet-stream',
      'cache-control': ending === 'html' ? 'no-cache' : 'public, max-age=31536000, immutable',
      etag,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    if (encoding === undefined || !compressed.has(ending)) {
      response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
      return;
    }
    let encoded = sent.get(pathname);
    if (encoded === undefined) {
      encoded = encoders[encoding](body);
      sent.set(pathname, encoded);
    }
    const bytes = await encoded;
    response.writeHead(200, { ...headers, 'content-encoding': encoding, 'content-length': bytes.length }).end(bytes);
  });
  server.on('connection', (socket) => sockets.add(socket));
  return {
    address: await listen(server),
    bytesSent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}

/** A page that runs the program of its name. */
const pageOf = (path: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>poster-v2</title><script type="module" src="${path}.js"></script></html>`;

/** Our recognizers start it. */
const worker = new URL('../../src/web/workers/recognition-worker.js', import.meta.url);

async function bundle(program: URL): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(program)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${program.href}`);
  return file.contents;
}
