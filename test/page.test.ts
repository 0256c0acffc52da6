import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { type PredictionsDocument, type Recognition, Recognizer } from '../src/entries/node.js';
import { accessibilityFaults } from './support/accessibility.js';
import { findChromium } from './support/chromium.js';
import { writePage } from './support/page-host.js';
import { launchChromium } from './support/playwright.js';

/*
 * The page as any host of static files serves it: in a folder of the server, without a header that isolates it from others. One
 * visit, from the first load to one without a network; whatever it asks for is written down.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const portrait = await readFile(join(root, 'assets/astronaut.png'));
/** Faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
const small = await sharp(portrait).resize(256).png().toBuffer();
const chromium = findChromium();
/** In milliseconds, for what a busy machine takes long for. */
const patience = 240_000;

let folder = '';
let server: Server;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const asked: string[] = [];
const complaints: string[] = [];

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

/** Files, and nothing else: no headers but the type. */
function staticHost(files: string): Server {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = /^\/some\/where\/(.*)$/.exec(pathname)?.[1] ?? 'not the page';
    const body = await readFile(join(files, path === '' ? 'index.html' : path)).catch(() => undefined);
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': types[extname(path === '' ? '.html' : path)] ?? '' }).end(body);
  });
}

before(async () => {
  if (chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'poster-page-'));
  await writePage(folder);
  server = staticHost(folder);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // WebGPU in software.
  browser = await launchChromium(chromium);
  const { port } = server.address() as AddressInfo;
  context = await browser.newContext({
    baseURL: `http://127.0.0.1:${port}/some/where/`,
    viewport: { width: 1280, height: 900 },
  });
  context.setDefaultTimeout(patience);
  context.on('request', (request) => asked.push(request.url()));
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      // axe, which the test brings along, has no file.
      if (sourceFile !== '') console.error(`the policy ${violatedDirective} forbids ${blockedURI} in ${sourceFile}`);
    });
  });
  page = await context.newPage();
  await page.goto('');
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

/** A step of the visit; they build on each other. */
function step(name: string, check: () => Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (chromium === undefined) t.skip('no Chromium or Chrome here (CHROME_PATH says where one is)');
    else await check();
  });
}

/** The state that is shown has no fault that axe finds, light and dark, wide and narrow. */
async function assertAccessible(state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await accessibilityFaults(page, colorScheme), [], `${state}, ${colorScheme}, ${width}`);
      const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overhang <= 0, `${state} is ${overhang} pixels wider than ${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 900 });
}

const frames = (): Locator => page.locator('.face-frame');

/** Opens files as if they were dropped on the page or pasted. */
async function hand(how: 'drop' | 'paste', files: Readonly<Record<string, Buffer>>): Promise<void> {
  const sent = Object.entries(files).map(([name, bytes]) => ({ name, text: bytes.toString('base64') }));
  await page.evaluate(
    ([event, all]) => {
      const data = new DataTransfer();
      for (const { name, text } of all) {
        const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name, { type: 'image/png' }));
      }
      const target = event === 'drop' ? document.querySelector('.pictures') : document;
      target?.dispatchEvent(
        event === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    },
    [how, sent] as const,
  );
}

/** The file that a button of the page saves. */
async function saved(button: string): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return readFile(await (await download).path());
}

/** Until the page has so many workers, and no more. */
async function waitForWorkers(count: number): Promise<void> {
  const until = Date.now() + patience;
  while (page.workers().length !== count) {
    assert.ok(Date.now() < until, `${page.workers().length} workers: ${page.workers().map((one) => one.url())}`);
    await page.waitForTimeout(100);
  }
}

const empty = await sharp({ create: { width: 80, height: 60, channels: 3, background: 'teal' } })
  .png()
  .toBuffer();

step('a host that sets no headers serves the page, which isolates itself and reads on one thread', async () => {
  await page.locator('.engine-ready').waitFor();
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  // Kernels of our own recognise, on one.
  assert.match(await page.locator('.engine').innerText(), /^WASM, 1 thread\b/);
  await assertAccessible('the page before a picture');
});

step('by keyboard alone: to the sample, its face, and what the network looked at', async () => {
  const sample = page.getByRole('button', { name: /Try the sample/ });
  for (let i = 0; i < 20 && !(await sample.evaluate((node) => node === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await frames().waitFor();
  assert.match((await frames().getAttribute('aria-label')) ?? '', /^happiness >99\.9%, face 1 of 1$/);
  const shown = await page.locator('.stage-image').boundingBox();
  assert.ok(shown !== null && shown.width > 250 && shown.height > 250, 'the picture is shown');
  const explainButton = page.getByRole('button', { name: 'Show what it looked at' });
  for (let i = 0; i < 30 && !(await explainButton.evaluate((node) => node === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await page.locator('.maps').waitFor();
  assert.equal(await page.getByRole('img', { name: 'What speaks for happiness' }).count(), 1);
  await page.getByLabel('What speaks for').last().selectOption('anger');
  await page.getByRole('img', { name: 'What speaks for anger' }).waitFor();
  // The explanation loaded the weights, too.
  assert.equal(await page.locator('.engine-ready').count(), 1);
  await assertAccessible('a face and its explanation');
});

step('pictures are dropped and pasted; several faces, none, and what is no picture', async () => {
  const pair = await sharp({ create: { width: 1024, height: 512, channels: 3, background: 'white' } })
    .composite([
      { input: portrait, left: 0, top: 0 },
      { input: portrait, left: 512, top: 0 },
    ])
    .png()
    .toBuffer();
  await hand('drop', { 'two people with a very long name of their file.png': pair, 'empty.png': empty });
  await frames().nth(1).waitFor();
  assert.equal(await frames().count(), 2);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Face 2 of 2').waitFor();
  await assertAccessible('two faces');
  await page.getByRole('button', { name: 'empty.png: 0 faces found' }).click();
  await page.getByRole('heading', { name: 'No face found' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Picture with faces' }).count(), 0);
  await assertAccessible('no face');
  await hand('paste', { 'broken.png': Buffer.from('not a picture') });
  const problem = page.getByRole('alert');
  await problem.waitFor();
  assert.match(
    await problem.innerText(),
    /broken\.png could not be read\s+It is not a picture in a format that can be read/,
  );
  await assertAccessible('a picture that cannot be read');
});

step('results are saved in the forms of the command line', async () => {
  await page.getByRole('button', { name: /^astronaut\.webp/ }).click();
  const recognizer = await Recognizer.load();
  const expected: Recognition = await recognizer.recognize(portrait);
  await recognizer.dispose();
  const text = (await saved('JSON')).toString();
  const document: PredictionsDocument = JSON.parse(text);
  assert.equal(text, `${JSON.stringify(document, undefined, 2)}\n`);
  assert.deepEqual(Object.keys(document), ['checkpoint', 'model', 'labels', 'images', 'failed']);
  assert.equal(document.model, 'poster-v2-nano');
  assert.deepEqual(
    document.images.map(({ image, faces }) => [image, faces.length]),
    [
      ['astronaut.webp', 1],
      ['two people with a very long name of their file.png', 2],
      ['empty.png', 0],
    ],
  );
  assert.deepEqual(
    document.failed.map(({ image }) => image),
    ['broken.png'],
  );
  const [here, there] = [document.images[0]?.faces[0], expected.faces[0]];
  assert.ok(here !== undefined && there !== undefined);
  for (const { label, probability } of there.scores) {
    const found = here.scores.find((score) => score.label === label)?.probability ?? Number.NaN;
    assert.ok(Math.abs(found - probability) <= 1e-3, `${label}: ${found}, ${probability}`);
  }
  const rows: Record<string, string>[] = parse((await saved('CSV')).toString(), { columns: true });
  assert.equal(rows.length, 4);
  assert.equal(rows[0]?.['expression'], 'happiness');
  assert.equal(Number(rows[0]?.['p_happiness']).toFixed(6), here.probability.toFixed(6));
  assert.deepEqual([rows[3]?.['image'], rows[3]?.['expression']], ['empty.png', '']);
  const drawn = await sharp(await saved('Picture with faces')).metadata();
  // A small picture is enlarged until its labels can be read.
  assert.deepEqual([drawn.format, drawn.width, drawn.height], ['png', 900, 900]);
});

step('settings: another number of threads reads everything anew; a file that is no model is a sentence', async () => {
  await page.getByRole('button', { name: /Settings/ }).click();
  await page.getByLabel('Threads').selectOption('1');
  await page.locator('.engine', { hasText: 'WASM, 1 thread' }).waitFor({ state: 'attached' });
  await assertAccessible('settings');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a .safetensors file' }).click();
  await (await chooser).setFiles({ name: 'a.safetensors', mimeType: '', buffer: Buffer.from('no weights') });
  await page.locator('.engine', { hasText: 'Not loaded' }).waitFor({ state: 'attached' });
  const problem = page.getByRole('dialog').getByRole('alert');
  assert.match(await problem.innerText(), /could not be loaded\s+.*safetensors/);
  // A picture waits for the network, whose problem is told once.
  await hand('paste', { 'late.png': small });
  await page.getByText('It is read as soon as the network is there.').waitFor({ state: 'attached' });
  assert.equal(await page.locator('main .problem').count(), 1);
  await problem.getByRole('button', { name: /^Back to the page/ }).click();
  await page.locator('.engine', { hasText: 'WASM, 1 thread' }).waitFor({ state: 'attached' });
  await page.keyboard.press('Escape');
  await frames().waitFor();
});

step('settings that are changed again and again: the last one counts, and no worker is left', async () => {
  await page.getByRole('button', { name: /Settings/ }).click();
  const threads = page.getByLabel('Threads');
  for (const [i, count] of ['2', '1', '2', '1', '2', '1'].entries()) {
    await threads.selectOption(count);
    if (i % 2 === 0) await hand('paste', { [`between-${i}.png`]: small });
    // One is given up before it has begun, one while it loads, one that is ready reads.
    await page.waitForTimeout(100 * i);
  }
  await page.keyboard.press('Escape');
  for (const tab of ['Learn', 'About', 'Recognise', 'Learn', 'Recognise']) {
    await page.getByRole('link', { name: tab, exact: true }).click();
  }
  await page.locator('.engine', { hasText: 'WASM, 1 thread' }).waitFor();
  await page.waitForFunction(() => document.querySelector('.tray-busy') === null);
  for (const name of ['between-0.png', 'between-2.png', 'between-4.png']) {
    await page.getByRole('button', { name: new RegExp(`^${name}: 1 face: happiness`) }).waitFor();
  }
  await waitForWorkers(1);
});

step('About shows the model card', async () => {
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('heading', { name: 'What it is for, and what not' }).waitFor();
  await assertAccessible('About');
});

step('once loaded it works without a network', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const before = asked.length;
  await page.goto('');
  await page.locator('.engine-ready').waitFor();
  await page.getByRole('button', { name: /Try the sample/ }).click();
  await frames().waitFor();
  assert.match((await frames().getAttribute('aria-label')) ?? '', /happiness/);
  await page.getByRole('button', { name: 'Show what it looked at' }).click();
  await page.locator('.maps').waitFor();
  assert.ok(asked.length > before);
});

step('opened as a file, the page says what to do', async () => {
  const alone = await browser.newPage();
  await alone.goto(pathToFileURL(join(folder, 'index.html')).href);
  await alone.getByText('This page has not started. Opened as a file it cannot: open it by http').waitFor();
  await alone.close();
});

step("nothing was asked for but the page's own files, and nothing that its policy forbids was tried", async () => {
  const { port } = new URL(page.url());
  const foreign = asked.filter(
    (url) => !url.startsWith(`http://127.0.0.1:${port}/some/where/`) && !/^(?:blob|data):/.test(url),
  );
  assert.ok(asked.length > 10);
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
});
