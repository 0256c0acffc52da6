import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { findChromium } from './support/chromium.js';
import { hostPage, type PageHost, type Tampering, writePage } from './support/page-host.js';
import { launchChromium } from './support/playwright.js';

/*
 * What goes wrong while the page works: files that do not come whole, a graphics processor that is lost, a tab in the background, storage
 * that is full or forbidden. Each time a sentence that a visitor understands, nothing lost, and the next thing works.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const portrait = await readFile(join(root, 'assets/astronaut.png'));
const weights = await readFile(join(root, 'weights/poster-v2-nano.safetensors'));
const chromium = findChromium();
/** In milliseconds, for what a busy machine takes long for. */
const patience = 240_000;

let folder = '';
let host: PageHost;
let browser: Browser;

before(async () => {
  if (chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'poster-page-trouble-'));
  await writePage(folder);
  host = await hostPage(folder);
  browser = await launchChromium(chromium, [
    // WebGPU in software.
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
  ]);
});

after(async () => {
  await browser?.close();
  host?.close();
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

/** A visit by somebody who has never been here. */
function visit(name: string, check: (page: Page) => Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (chromium === undefined) return t.skip('no Chromium or Chrome here (CHROME_PATH says where one is)');
    host.tamper(() => undefined);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['camera'] });
    context.setDefaultTimeout(patience);
    const failures: string[] = [];
    context.on('weberror', (error) => failures.push(String(error.error())));
    try {
      await check(await context.newPage());
      assert.deepEqual(failures, []);
    } finally {
      await context.close();
    }
  });
}

const png = (name: string, buffer: Buffer = portrait) => ({ name, mimeType: 'image/png', buffer });

/** Chooses files for the first place of the page that takes some. */
const give = (page: Page, ...files: ReturnType<typeof png>[]): Promise<void> =>
  page.locator('main input[type=file]').first().setInputFiles(files);

const readAs = (page: Page, name: string) => page.getByRole('button', { name: `${name}: 1 face: happiness` });

const ofNetwork =
  (how: (body: Buffer) => ReturnType<Tampering>): Tampering =>
  (path, body) =>
    path.endsWith('.safetensors') ? how(body) : undefined;

const wrongWeights: Readonly<Record<string, readonly [how: Tampering, detail: RegExp]>> = {
  'with another checksum': [
    ofNetwork((body) => ({
      body: Buffer.concat([body.subarray(0, -1), Buffer.of(255 - body.readUInt8(body.length - 1))]),
    })),
    /is not the file of this version of poster-v2 \(another checksum\)/,
  ],
  'cut short, as a connection that breaks leaves them': [
    ofNetwork((body) => ({ body: body.subarray(0, 100_000), promised: body.length })),
    /cannot be loaded \(.+\); serve the file/,
  ],
  'of another length': [
    ofNetwork((body) => ({ body: body.subarray(0, 100_000) })),
    /is not the file of this version of poster-v2 \(100000 bytes instead of \d+\)/,
  ],
};

for (const [what, [how, detail]] of Object.entries(wrongWeights)) {
  visit(`the page's own weights ${what}: a sentence, and the picture is read once they are there`, async (page) => {
    host.tamper(how);
    await page.goto(host.address);
    await give(page, png('a.png'));
    const problem = page.locator('main').getByRole('alert');
    await problem.getByText(/^A file of this page did not arrive, or not whole\. Try again\./).waitFor();
    await problem.getByText('What exactly').click();
    assert.match(await problem.innerText(), detail);
    await page.getByText('It is read as soon as the network is there.').waitFor();
    host.tamper(() => undefined);
    await problem.getByRole('button', { name: 'Try again' }).click();
    await readAs(page, 'a.png').waitFor();
  });
}

visit("a visitor's weights that are cut short: a sentence, and the way back", async (page) => {
  await page.goto(host.address);
  await give(page, png('a.png'));
  await readAs(page, 'a.png').waitFor();
  await page.getByRole('button', { name: /Settings/ }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a .safetensors file' }).click();
  await (await chooser).setFiles({ name: 'mine.safetensors', mimeType: '', buffer: weights.subarray(0, 1_000_000) });
  const problem = page.getByRole('dialog').getByRole('alert');
  await problem.waitFor();
  assert.match(await problem.innerText(), /it is truncated, 1000000 of \d+ bytes are there/);
  await problem.getByRole('button', { name: "Back to the page's own network" }).click();
  await page.keyboard.press('Escape');
  await readAs(page, 'a.png').waitFor();
});
