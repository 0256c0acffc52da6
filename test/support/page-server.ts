import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';

/** How the server answers whoever asks for the weights of the expression network. */
export type WeightsAnswer = 'whole' | 'missing' | 'short' | 'long' | 'cut' | 'other';

const isWeightsAnswer = (text: string): text is WeightsAnswer =>
  ['whole', 'missing', 'short', 'long', 'cut', 'other'].includes(text);

/** Where a bundled page asks for the package's weights, and for ONNX Runtime's program: beside the bundle, or in a folder named. */
const folders: Readonly<Record<string, URL>> = {
  weights: new URL('../../../weights/', import.meta.url),
  '': new URL('../../../node_modules/onnxruntime-web/dist/', import.meta.url),
  runtime: new URL('../../../node_modules/onnxruntime-web/dist/', import.meta.url),
};

async function fileOf(path: string): Promise<Uint8Array | undefined> {
  const [, folder = '', name = ''] = /^\/(?:(\w+)\/)?([\w.-]+\.(?:wasm|mjs|safetensors|onnx))$/.exec(path) ?? [];
  const found = folders[folder];
  return found === undefined || name === '' ? undefined : readFile(new URL(name, found)).catch(() => undefined);
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
  png: 'image/png',
};

/** Isolates a page from other origins, so that its threads may share memory. */
const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** Of pages, by their paths. */
const pageHeaders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/isolated': isolation,
  '/without-workers': { 'content-security-policy': "worker-src 'none'" },
};

export interface PageServer {
  readonly server: Server;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
}

/**
 * Serves pages (paths without an ending), what they need, and what the package and ONNX Runtime need.
 * @param onReport called with what a page tells, and with nothing when one is asked for
 */
export function pageServer(
  files: ReadonlyMap<string, Uint8Array | string>,
  page: string,
  onReport: (report: string | undefined) => void,
): PageServer {
  const asked = new Map<string, number>();
  let answer: WeightsAnswer = 'whole';
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    asked.set(pathname, (asked.get(pathname) ?? 0) + 1);
    const [, chosen = ''] = /^\/answer\/(\w+)$/.exec(pathname) ?? [];
    if (isWeightsAnswer(chosen)) {
      answer = chosen;
      response.end();
    } else if (pathname === '/seen') {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      response.end();
      onReport(Buffer.concat(pieces).toString());
    } else if (pathname === '/never.png') {
      // No answer: it is being loaded for as long as the page is there.
    } else if (pathname === '/endless.png') {
      response.writeHead(200, { 'content-type': 'image/png' }).write('the rest never comes');
    } else if (!pathname.includes('.')) {
      onReport(undefined);
      response.writeHead(200, { 'content-type': 'text/html', ...pageHeaders[pathname] });
      response.end(page);
    } else {
      const body = files.get(pathname) ?? (await fileOf(pathname));
      const type = types[pathname.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
      const isolated = /\.m?js$/.test(pathname) ? isolation : {};
      if (body === undefined) response.writeHead(404).end();
      else if (pathname.endsWith('.safetensors') && answer !== 'whole') sendWrong(response, Buffer.from(body), answer);
      else response.writeHead(200, { 'content-type': type, ...isolated }).end(body);
    }
  });
  return { server, asked };
}

function sendWrong(response: ServerResponse, body: Buffer, answer: Exclude<WeightsAnswer, 'whole'>): void {
  switch (answer) {
    case 'missing':
      response.writeHead(404).end();
      break;
    case 'short':
      response.end(body.subarray(0, 1000));
      break;
    case 'long':
      response.end(Buffer.concat([body, Buffer.from([0])]));
      break;
    case 'cut':
      // It promises all, and hangs up.
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 1000), () => response.destroy());
      break;
    case 'other':
      body[body.length - 1] = 255 - body.readUInt8(body.length - 1);
      response.end(body);
      break;
  }
}
