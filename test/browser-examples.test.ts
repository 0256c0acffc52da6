import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { build, createLogger, createServer } from 'vite';
import webpack from 'webpack';
import { findChromium } from './support/chromium.js';
import { compileErrors, newestTypeScript } from './support/compile.js';
import { type Answer, serveFolder } from './support/folder-server.js';
import { type PackedProject, packedProject } from './support/packed-project.js';

/*
 * The examples for browsers as their READMEs say: built by their bundlers with the packed package, and run in Chromium under the
 * content security policy of docs/browser.md.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
const portrait = await sharp(join(root, 'assets/astronaut.png')).resize(300).png().toBuffer();
const program = findChromium();
const installedToo = [
  'onnxruntime-web',
  'react',
  'react-dom',
  'scheduler',
  '@types/react',
  '@types/react-dom',
  'csstype',
];

let project: PackedProject;
let browser: Browser | undefined;
let policy = '';
const servers: Server[] = [];

before(async () => {
  if (program === undefined) return;
  [, policy = ''] =
    /^Content-Security-Policy: (.*)$/m.exec(await readFile(join(root, 'docs/browser.md'), 'utf8')) ?? [];
  assert.notEqual(policy, '', 'docs/browser.md names a content security policy');
  project = await packedProject();
  for (const name of installedToo) {
    const link = join(project.folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link, 'junction');
  }
  const { bundleForBrowsers } = (await import(
    pathToFileURL(join(root, 'scripts/support/browser-bundle.mjs')).href
  )) as { bundleForBrowsers: (installed: string) => Promise<void> };
  await bundleForBrowsers(project.installed);
  // As in the published package, which holds its page.
  for (const name of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
    await cp(join(root, 'node_modules/onnxruntime-web/dist', name), join(project.installed, 'dist/page/runtime', name));
  }
  for (const name of ['vite', 'react', 'webpack', 'plain']) {
    await cp(join(root, 'examples', name), join(project.folder, name), { recursive: true });
  }
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({ executablePath: program, args: asRoot });
});

after(async () => {
  await browser?.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  if (program !== undefined) await rm(project.folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A test in the browser, left out where there is none. */
function browserTest(name: string, run: (browser: Browser, context: TestContext) => Promise<void>): void {
  test(name, async (context) => {
    if (browser === undefined) context.skip('no Chromium or Chrome here (CHROME_PATH says where one is)');
    else await run(browser, context);
  });
}

const at = (...path: string[]): string => join(project.folder, ...path);

/** The address of a built example. */
async function served(
  folder: string,
  headers = { 'content-security-policy': policy },
  answer?: Answer,
): Promise<string> {
  const { server, address } = await serveFolder(folder, headers, answer);
  servers.push(server);
  return address;
}

/** What a page asked for, and what it complained of. */
interface Visit {
  readonly page: Page;
  readonly asked: readonly string[];
  readonly complaints: readonly string[];
}

/** Opens an example, chooses a picture, and waits for a sentence. */
async function visit(open: Browser, address: string, sentence: RegExp): Promise<Visit> {
  const page = await (await open.newContext()).newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  // Browsers ask for it unasked.
  await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  await page.goto(address);
  await page.setInputFiles('input', { name: 'portrait.png', mimeType: 'image/png', buffer: portrait });
  try {
    await page.locator('p[role=status]').filter({ hasText: sentence }).waitFor({ timeout: 120_000 });
  } catch (error) {
    const messages = await page.locator('p[role=status]').allTextContents();
    throw new Error(`${address} says '${messages.join()}': ${complaints.join('; ')}`, { cause: error });
  }
  return { page, asked, complaints };
}

/** That it shows the portrait's expression, and that all came from the page's own server. */
async function assertRecognises(open: Browser, address: string): Promise<Visit> {
  const visited = await visit(open, address, /happiness/);
  const { page, asked, complaints } = visited;
  assert.equal(await page.locator('li').count(), 8);
  const most = await page
    .locator('meter')
    .first()
    .evaluate((meter: HTMLMeterElement) => meter.value);
  assert.ok(most > 0.9, String(most));
  assert.deepEqual(
    asked.filter((url) => !url.startsWith(address) && !url.startsWith('blob:')),
    [],
  );
  assert.deepEqual(complaints, []);
  return visited;
}

const quiet = { configFile: false, logLevel: 'error' } as const;

browserTest("Vite's build of the example in TypeScript", async (open) => {
  assert.deepEqual(compileErrors(newestTypeScript, at('vite'), []), []);
  await build({ ...quiet, root: at('vite') });
  const { page } = await assertRecognises(open, await served(at('vite/dist')));
  await page.context().close();
});

browserTest("Vite's development server, which has nothing to warn of", async (open) => {
  const warnings: string[] = [];
  const logger = createLogger('warn', { allowClearScreen: false });
  logger.warn = (message) => warnings.push(message);
  const server = await createServer({
    ...quiet,
    customLogger: logger,
    root: at('vite'),
    // The packages are links out of the project here.
    server: { host: '127.0.0.1', port: 0, fs: { strict: false }, watch: null, hmr: false },
  });
  await server.listen();
  try {
    const [address = ''] = server.resolvedUrls?.local ?? [];
    const { page } = await assertRecognises(open, address);
    await page.context().close();
    assert.deepEqual(warnings, []);
  } finally {
    await server.close();
  }
});

browserTest('React: one worker in StrictMode, and none once the component is gone', async (open) => {
  assert.deepEqual(compileErrors(newestTypeScript, at('react'), []), []);
  // React mounts twice in its development build alone.
  await build({
    ...quiet,
    root: at('react'),
    mode: 'development',
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  const { page } = await assertRecognises(open, await served(at('react/dist')));
  assert.equal(page.workers().length, 1);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.locator('p[role=status]').waitFor({ state: 'detached' });
  for (const worker of page.workers()) await worker.waitForEvent('close');
  assert.equal(page.workers().length, 0);
  await page.context().close();
});

browserTest('webpack', async (open) => {
  const config = (await import(pathToFileURL(at('webpack/webpack.config.js')).href)) as {
    default: webpack.Configuration;
  };
  // To make the script small takes webpack longer than all the rest.
  const compiler = webpack({ ...config.default, context: at('webpack'), mode: 'development', devtool: false });
  assert.ok(compiler !== null);
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, result) => (error === null ? resolve(result) : reject(error)));
  });
  assert.deepEqual(stats?.toJson({ all: false, errors: true }).errors, []);
  await new Promise((resolve) => compiler.close(resolve));
  const { page } = await assertRecognises(open, await served(at('webpack/public')));
  await page.context().close();
});

browserTest('a page without a bundler, which needs no ONNX Runtime to recognise', async (open) => {
  await import(pathToFileURL(at('plain/copy.js')).href);
  const isolated = {
    'content-security-policy': policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  };
  const { page, asked } = await assertRecognises(open, await served(at('plain'), isolated));
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  assert.deepEqual(
    asked.filter((url) => url.includes('ort-wasm')),
    [],
  );
  await page.context().close();
});

/** What a server does wrong, and the sentence that the page then shows. */
interface Mistake {
  readonly policy?: string;
  readonly answer?: Answer;
  readonly sentence: RegExp;
}

const runtimeNotStarted = /^ONNX Runtime does not start \(.*'wasm-unsafe-eval' in script-src\.$/;
const workerNotStarted =
  /^The worker that recognises pictures does not start.*load the recognizer with worker: false\.$/;
const html = { status: 200, type: 'text/html', body: '<!doctype html><title>The app</title>' };
const instead =
  (ending: string, answer: ReturnType<Answer>): Answer =>
  (path) =>
    path.endsWith(ending) ? answer : undefined;

const mistakes: Readonly<Record<string, () => Mistake>> = {
  'a page in place of the weights': () => ({
    answer: instead('.safetensors', html),
    sentence:
      /^The expression network's weights \S+ is not the file of this version .*; serve the file weights\/poster-v2-nano\.safetensors .*\.$/,
  }),
  'a page in place of the worker': () => ({
    answer: instead('recognition-worker.js', html),
    sentence: workerNotStarted,
  }),
  'a policy without WebAssembly': () => ({
    policy: policy.replace(" 'wasm-unsafe-eval'", ''),
    sentence: runtimeNotStarted,
  }),
};

for (const [name, mistake] of Object.entries(mistakes)) {
  browserTest(`a server's mistake is told in a sentence: ${name}`, async (open) => {
    await import(pathToFileURL(at('plain/copy.js')).href);
    const { policy: allowed = policy, answer, sentence } = mistake();
    const address = await served(at('plain'), { 'content-security-policy': allowed }, answer);
    const { page } = await visit(open, address, /[^.\s]\.$/);
    assert.match((await page.locator('p[role=status]').textContent()) ?? '', sentence);
    await page.context().close();
  });
}
