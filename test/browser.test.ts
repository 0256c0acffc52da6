import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import { convert } from '../src/node/convert/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { readDetectorWeights } from '../src/node/host/detector-weights.js';
import { describeCheckpoint, type Recognition, Recognizer } from '../src/recognize/index.js';
import type { Described, Seen } from './browser/page.js';
import { findChromium, openChromium } from './support/chromium.js';

// From a picture to an expression in a real browser, beside the same in Node.
const dir = await mkdtemp(join(tmpdir(), 'poster-browser-'));
after(() => rm(dir, { recursive: true, force: true }));

const chromium = findChromium();
const portrait = await readFile(new URL('../../assets/astronaut.png', import.meta.url));
const inNodeModules = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

/** What keeps the page from starting is told too. */
const html = `<!doctype html><title>poster-v2</title><script>
  const tell = (error) => fetch('/seen', { method: 'POST', body: JSON.stringify({ error: String(error) }) });
  addEventListener('error', ({ message, filename, lineno }) => tell(message + ' in ' + filename + ':' + lineno));
  addEventListener('unhandledrejection', ({ reason }) => tell(reason));
</script><script type="module" src="/page.js" onerror="tell('page.js cannot be loaded')"></script>`;

/** Served under these paths; anything else of ONNX Runtime's under /ort/. */
async function content(): Promise<Map<string, Uint8Array | string>> {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('browser/page.js', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    // Loaded only where no other runtime was chosen and no weights were given.
    external: ['onnxruntime-node', 'node:fs/promises', 'node:module', 'node:worker_threads'],
  });
  await convert(bundledCheckpoint(), join(dir, 'classifier.onnx'));
  const description = await describeCheckpoint(bundledCheckpoint());
  const described: Described = {
    labels: description.labels,
    preprocessing: description.preprocessing,
    description,
  };
  return new Map<string, Uint8Array | string>([
    ['/', html],
    ['/page.js', bundle.outputFiles[0]?.contents ?? ''],
    ['/classifier.onnx', await readFile(join(dir, 'classifier.onnx'))],
    ['/description.json', JSON.stringify(described)],
    ['/detector.onnx', await readDetectorWeights()],
    ['/portrait.png', portrait],
    ['/turned.png', await sharp(portrait).rotate(90).png().toBuffer()],
    [
      '/empty.png',
      await sharp({ create: { width: 80, height: 60, channels: 3, background: 'teal' } })
        .png()
        .toBuffer(),
    ],
  ]);
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
    const runtime = /^\/ort\/([\w.-]+)$/.exec(path)?.[1];
    const body =
      runtime === undefined ? files.get(path) : await readFile(inNodeModules(`onnxruntime-web/dist/${runtime}`));
    response.writeHead(body === undefined ? 404 : 200, {
      'content-type': path === '/' ? 'text/html' : (types[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream'),
    });
    response.end(body);
  });
}

/** In milliseconds; the test takes five seconds. */
const patience = 120_000;

/** What the page saw, or a sentence why the browser could not be started. */
async function inBrowser(program: string): Promise<readonly Recognition[] | string> {
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
    const { results, error } = await Promise.race([seen, ended]);
    if (error !== undefined && !asked) return `${program} does not start here: ${error}`;
    assert.equal(error, undefined);
    return results ?? [];
  } finally {
    clearTimeout(timer);
    await browser.close();
    server.close();
  }
}

test('a browser finds the same faces and reads the same expressions as Node', {
  skip: chromium === undefined && 'no Chromium or Chrome here (CHROME_PATH says where one is)',
}, async (t) => {
  const results = await inBrowser(chromium ?? '');
  if (typeof results === 'string') return t.skip(results);
  const recognizer = await Recognizer.load();
  const turned = await sharp(portrait).rotate(90).png().toBuffer();
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
  for (const [i, { faces }] of expected.entries()) {
    const [there, here] = [results[i]?.faces[0], faces[0]];
    assert.ok(there?.keypoints && here?.keypoints);
    // WebAssembly adds up in another order, and a place that differs by 0.01 pixels rounds some pixels of the crop otherwise.
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      assert.ok(Math.abs(there.box[side] - here.box[side]) < 0.05, `${side}: ${there.box[side]}, ${here.box[side]}`);
    }
    for (const { label, logit } of here.scores) {
      const other = there.scores.find((score) => score.label === label)?.logit ?? Number.NaN;
      assert.ok(Math.abs(logit - other) < 0.02, `${label}: ${other} in the browser, ${logit} in Node`);
    }
  }
});
