import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import { Recognizer } from '../src/recognize/index.js';
import type { Seen } from './browser/page.js';
import { findChromium, openChromium } from './support/chromium.js';
import { pngOfSize } from './support/containers.js';

// From a picture to an expression in a real browser, beside the same in Node.
const chromium = findChromium();
const portrait = await readFile(new URL('../../assets/astronaut.png', import.meta.url));
/** Lies on its side, and says by EXIF how it is turned upright. */
const turned = await sharp(portrait).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();

/** What keeps the page from starting is told too. */
const html = `<!doctype html><title>poster-v2</title><script>
  const tell = (error) => fetch('/seen', { method: 'POST', body: JSON.stringify({ error: String(error) }) });
  addEventListener('error', ({ message, filename, lineno }) => tell(message + ' in ' + filename + ':' + lineno));
  addEventListener('unhandledrejection', ({ reason }) => tell(reason));
</script><script type="module" src="/page.js" onerror="tell('page.js cannot be loaded')"></script>`;

/** Served under these paths, beside what the package and ONNX Runtime need. */
async function content(): Promise<Map<string, Uint8Array | string>> {
  // As for any page: the package by its name, nothing left out.
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('browser/page.js', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return new Map<string, Uint8Array | string>([
    ['/', html],
    ['/page.js', bundle.outputFiles[0]?.contents ?? ''],
    ['/portrait.png', portrait],
    ['/turned.jpg', turned],
    ['/huge.png', pngOfSize(portrait, 100_000, 100_000)],
    ['/text.png', 'not a picture'],
    [
      '/empty.png',
      await sharp({ create: { width: 80, height: 60, channels: 3, background: 'teal' } })
        .png()
        .toBuffer(),
    ],
  ]);
}

/** Where a bundled page asks for the package's weights, and for ONNX Runtime's program. */
const folders: Readonly<Record<string, URL>> = {
  weights: new URL('../../weights/', import.meta.url),
  '': new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url),
};

async function fileOf(path: string): Promise<Uint8Array | undefined> {
  const [, folder = '', name = ''] = /^\/(?:(\w+)\/)?([\w.-]+\.(?:wasm|safetensors|onnx))$/.exec(path) ?? [];
  const found = folders[folder];
  return found === undefined || name === '' ? undefined : readFile(new URL(name, found));
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
  png: 'image/png',
};

/** @param onSeen called with what the page tells, and with nothing as soon as it is asked for */
function serve(files: ReadonlyMap<string, Uint8Array | string>, onSeen: (seen: Seen) => void): Server {
  return createServer(async (request, response) => {
    const path = request.url ?? '/';
    if (path === '/') onSeen({});
    if (path === '/seen') {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      response.end();
      onSeen(JSON.parse(Buffer.concat(pieces).toString()) as Seen);
      return;
    }
    const body = files.get(path) ?? (await fileOf(path));
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': path === '/' ? 'text/html' : (types[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream'),
    });
    response.end(body);
  });
}

/** In milliseconds; the test takes five seconds. */
const patience = 120_000;

/** What the page saw, or a sentence why the browser could not be started. */
async function inBrowser(program: string): Promise<Required<Omit<Seen, 'error'>> | string> {
  let asked = false;
  let tell: (seen: Seen) => void = () => undefined;
  const seen = new Promise<Seen>((resolve) => {
    tell = resolve;
  });
  const server = serve(await content(), (one) => {
    asked = true;
    if (one.error !== undefined || one.results !== undefined) tell(one);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await openChromium(program, `http://127.0.0.1:${port}/`);
  const timer = setTimeout(() => tell({ error: `nothing came within ${patience / 1000} s` }), patience);
  try {
    const ended = browser.ended.then((printed): Seen => ({ error: `the browser ended: ${printed}` }));
    const { results, refused, error } = await Promise.race([seen, ended]);
    if (error !== undefined && !asked) return `${program} does not start here: ${error}`;
    assert.equal(error, undefined);
    assert.ok(results !== undefined && refused !== undefined);
    return { results, refused };
  } finally {
    clearTimeout(timer);
    await browser.close();
    server.close();
  }
}

test('a browser finds the same faces and reads the same expressions as Node', {
  skip: chromium === undefined && 'no Chromium or Chrome here (CHROME_PATH says where one is)',
}, async (t) => {
  const seenThere = await inBrowser(chromium ?? '');
  if (typeof seenThere === 'string') return t.skip(seenThere);
  const { results, refused } = seenThere;
  const recognizer = await Recognizer.load();
  const expected = await recognizer.recognize([portrait, turned]);
  await recognizer.dispose();
  assert.deepEqual(
    results.map(({ width, height, faces }) => [width, height, faces.map(({ expression }) => expression)]),
    [
      [512, 512, ['happiness']],
      [512, 512, ['happiness']],
      [80, 60, []],
    ],
  );
  assert.equal(refused.length, 2);
  assert.match(refused[0] ?? '', /^UserError: Picture 1 is 100000 x 100000 pixels, more than the 64 megapixels/);
  assert.match(refused[1] ?? '', /^UserError: Picture 2 is not a picture in a format that can be read/);
  // WebAssembly adds up in another order, and decoders of JPEG differ by a level or two.
  const tolerances = [
    { box: 0.05, probability: 1e-3 },
    { box: 0.5, probability: 0.02 },
  ];
  for (const [i, { faces }] of expected.entries()) {
    const [there, here, tolerance] = [results[i]?.faces[0], faces[0], tolerances[i]];
    assert.ok(there?.keypoints && here?.keypoints && tolerance);
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      const distance = Math.abs(there.box[side] - here.box[side]);
      assert.ok(distance < tolerance.box, `${side}: ${there.box[side]}, ${here.box[side]}`);
    }
    for (const { label, probability } of here.scores) {
      const other = there.scores.find((score) => score.label === label)?.probability ?? Number.NaN;
      const distance = Math.abs(probability - other);
      assert.ok(distance < tolerance.probability, `${label}: ${other} in the browser, ${probability} in Node`);
    }
  }
});
