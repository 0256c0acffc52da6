/*
 * How long learning takes in Chromium, and what it brings:
 *   npm run build && node dist/bench/browser-learn.js --data data/ferplus --split valid --threads 2
 * The same crops as in bench/learn.ts: some pictures of each class teach, as if somebody had recorded them, and others measure. Their
 * classes have names that the network does not know.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { defined } from '../src/common/defined.js';
import { percent } from '../src/common/percent.js';
import { random } from '../src/common/random.js';
import { toLuma } from '../src/image/index.js';
import { loadDataset } from '../src/node/datasets/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { findChromium } from '../test/support/chromium.js';
import type { BenchCrop } from './browser-learn-page.js';
import { longestTasks } from './page/tasks.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string', default: 'valid' },
    classes: { type: 'string', default: 'neutral,happiness,surprise,anger' },
    shots: { type: 'string', default: '30' },
    unseen: { type: 'string', default: '200' },
    seed: { type: 'string', default: '3' },
    epochs: { type: 'string' },
    threads: { type: 'string', default: '2' },
  },
});
const program = findChromium();
if (options.data === undefined || program === undefined) {
  console.error(
    'Name the dataset, and have Chromium: node dist/bench/browser-learn.js --data data/ferplus --split valid',
  );
  process.exit(2);
}

const classes = options.classes.split(',');
const [shots, unseen, seed, threads] = [options.shots, options.unseen, options.seed, options.threads].map(Number);
const { labels, samples } = await loadDataset(options.data, options.split);
const taught: BenchCrop[] = [];
const others: BenchCrop[] = [];
for (const name of classes) {
  const label = labels.labels.indexOf(name);
  const own = random(seed ?? 3, name).shuffle(samples.filter((sample) => sample.label === label));
  for (const [i, { path }] of own.slice(0, (shots ?? 30) + Math.ceil((unseen ?? 200) / classes.length)).entries()) {
    const { width, height, data } = toLuma(await decodePicture(path));
    const crop = { width, height, pixels: Buffer.from(data).toString('base64'), label: `my ${name}` };
    (i < (shots ?? 30) ? taught : others).push(crop);
  }
}

const bundle = await build({
  entryPoints: {
    page: fileURLToPath(new URL('browser-learn-page.js', import.meta.url)),
    'learn-worker': fileURLToPath(new URL('../src/web/learn/learn-worker.js', import.meta.url)),
  },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  outdir: '/',
  write: false,
});
const files = new Map<string, Uint8Array | string>(bundle.outputFiles.map(({ path, contents }) => [path, contents]));
files.set('/', '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>');
const folders = { weights: '../../weights/', runtime: '../../node_modules/onnxruntime-web/dist/' };
const kinds = { js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };
const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  const [, folder, name] = /^\/(weights|runtime)\/([\w.-]+)$/.exec(path.replace(/^\/(?=ort)/, '/runtime/')) ?? [];
  const body =
    files.get(path) ??
    (folder === 'weights' || folder === 'runtime'
      ? await readFile(new URL(`${folders[folder]}${name}`, import.meta.url)).catch(() => undefined)
      : undefined);
  if (body === undefined) return response.writeHead(404).end();
  const kind =
    Object.entries(kinds).find(([end]) => path.endsWith(`.${end}`))?.[1] ?? (path === '/' ? 'text/html' : '');
  response.writeHead(200, {
    'content-type': kind,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  });
  return response.end(body);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const browser = await chromium.launch({
  executablePath: program,
  args: ['--disable-dev-shm-usage', '--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
});
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.log(message.text()));
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'load' });
  const task = {
    taught,
    runtime: threads === 1 ? null : '/runtime/',
    ...defined<{ threads: number; epochs: number }>({
      threads,
      epochs: options.epochs === undefined ? undefined : Number(options.epochs),
    }),
  };
  const measured = others.slice(0, unseen);
  console.log(`${taught.length} pictures of ${classes.length} classes; ${measured.length} unseen ones measure`);
  const { result, tasks } = await longestTasks({ browser, page }, () =>
    page.evaluate((given) => window.learnBench.learn(given), task),
  );
  const { accuracy, bytes } = await page.evaluate((given) => window.learnBench.measure(given), measured);
  const { seconds, heldOut } = result;
  console.log(
    `start ${seconds.start.toFixed(1)} s, training ${seconds.training.toFixed(1)} s; held out ${percent(heldOut ?? 0)}%, ` +
      `unseen ${percent(accuracy)}%; ${bytes} bytes`,
  );
  console.log('What the page computed without a pause, in milliseconds of the processor:');
  for (const { milliseconds, what } of tasks) console.log(`${milliseconds.toFixed(1)}: ${what}`);
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
