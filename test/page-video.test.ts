import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { type PageServer, servePage } from '../src/node/page/index.js';
import { accessibilityFaults } from './support/accessibility.js';
import { findChromium } from './support/chromium.js';
import { launchChromium } from './support/playwright.js';

/* Camera and videos in the page, as `poster page` serves it. The camera is Chromium's fake one, which plays a film of the portrait. */
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const chromium = findChromium();
const lacking =
  chromium === undefined
    ? 'no Chromium or Chrome here (CHROME_PATH says where one is)'
    : spawnSync('ffmpeg', ['-version']).status === 0
      ? undefined
      : 'ffmpeg is not installed here';
/** In milliseconds, for what a busy machine takes long for. */
const patience = 240_000;

let folder = '';
let server: PageServer;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

/** The portrait, which moves a little, for 3 s; faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
async function film(name: string, codec: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const move = "zoompan=z=1.1:x='20+4*sin(on/4)':y=0:d=1:s=304x228:fps=10,format=yuv420p";
  const source = ['-loop', '1', '-framerate', '10', '-t', '3', '-i', join(root, 'assets/astronaut.png'), '-vf', move];
  await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...source, ...codec, path]);
  return path;
}

before(async () => {
  if (lacking !== undefined || chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'poster-page-video-'));
  if (!existsSync(join(root, 'dist/page/index.html'))) {
    await run(process.execPath, [join(root, 'scripts/bundle-page.mjs'), join(root, 'dist/page')]);
  }
  const camera = await film('camera.mjpeg', ['-c:v', 'mjpeg', '-q:v', '3']);
  await film('portrait.webm', ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8']);
  server = await servePage({ host: '127.0.0.1', port: 0 });
  browser = await launchChromium(chromium, [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${camera}`,
  ]);
  page = await browser.newPage();
  page.setDefaultTimeout(patience);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${server.url}#/recognise/camera`);
});
after(async () => {
  await browser?.close();
  await server?.close();
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

/** A step of the visit; they build on each other. */
function step(name: string, check: () => Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (lacking !== undefined) t.skip(lacking);
    else await check();
  });
}

async function assertAccessible(state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    assert.deepEqual(await accessibilityFaults(page, colorScheme), [], `${state}, ${colorScheme}`);
  }
}

const button = (name: string | RegExp) => page.getByRole('button', { name });

async function saved(name: string): Promise<{ readonly file: string; readonly text: string }> {
  const [download] = await Promise.all([page.waitForEvent('download'), button(name).click()]);
  return { file: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

step('a camera by keyboard alone: a face, its scores, a pause', async () => {
  await button('Use the camera').waitFor();
  await assertAccessible('before a video');
  await button('Use the camera').press('Enter');
  await page.getByRole('heading', { name: 'Face 1' }).waitFor();
  const [first] = await page.getByRole('list', { name: 'Scores of face 1' }).getByRole('listitem').allInnerTexts();
  assert.match(first ?? '', /happiness/);
  await button('Pause').press('Enter');
  await page.getByText('Paused', { exact: true }).waitFor();
  await assertAccessible('a camera that is paused');
});

step('another number of threads goes on with the timeline', async () => {
  await page.getByRole('button', { name: /Settings/ }).click();
  await page.getByLabel('Threads').selectOption('1');
  await page.locator('.engine-ready').waitFor();
  await page.locator('.engine', { hasText: 'WASM, 1 thread' }).waitFor();
  assert.equal(await page.locator('.timeline-empty').count(), 0);
  await page.keyboard.press('Escape');
});

step('a camera that is closed, and a tab in the background, are told', async () => {
  await button('Play').click();
  const tell = (type: string): Promise<void> =>
    page.evaluate((name) => {
      const stream = document.querySelector('video')?.srcObject;
      if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.dispatchEvent(new Event(name));
    }, type);
  await tell('mute');
  await page.getByText(/^The camera gives no picture\./).waitFor();
  await tell('unmute');
  await page.getByText(/^The camera gives no picture\./).waitFor({ state: 'detached' });
  await page.evaluate(() => {
    for (const hidden of [true, false]) {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }
  });
  await page.getByText('Nothing was read while this tab was in the background.').waitFor();
});

step('a camera that goes away is told, and what it showed can be saved', async () => {
  await page.evaluate(() => {
    const stream = document.querySelector('video')?.srcObject;
    if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.stop();
  });
  await page.getByText('The camera has stopped', { exact: true }).waitFor();
  await assertAccessible('a camera that has gone');
  const { file, text } = await saved('CSV');
  assert.equal(file, 'camera.csv');
  const rows = z.array(z.record(z.string(), z.string())).parse(parse(text, { columns: true }));
  assert.ok(rows.length >= 1);
  assert.ok(rows.every(({ track, expression }) => track === '1' && expression === 'happiness'));
});

step('with the network there already, a camera is read from its start', async () => {
  await button('Start it again').click();
  await page.getByRole('heading', { name: 'Face 1' }).waitFor();
  await button('Stop the camera').click();
});

step('what a camera gave is kept when it is stopped, and after a change of tab, until it is discarded', async () => {
  const card = page.getByRole('region', { name: 'The last recording' });
  await card.waitFor();
  await assertAccessible('after a camera');
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('heading', { name: 'About this page' }).waitFor();
  await page.goto(`${server.url}#/recognise/camera`);
  await card.waitFor();
  const { file, text } = await saved('CSV');
  assert.equal(file, 'camera.csv');
  const rows = z.array(z.record(z.string(), z.string())).parse(parse(text, { columns: true }));
  assert.ok(rows.length >= 1);
  assert.ok(rows.every(({ expression }) => expression === 'happiness'));
  await button('Discard').click();
  await card.waitFor({ state: 'detached' });
});

step('a video file: to its end, its values by the arrow keys, as JSON', async () => {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button('Open a video').click()]);
  await chooser.setFiles(join(folder, 'portrait.webm'));
  await page.locator('.stage-note', { hasText: 'The video has ended.' }).waitFor();
  const chart = page.getByRole('slider', { name: 'Time in the chart' });
  await chart.press('End');
  assert.match((await chart.getAttribute('aria-valuetext')) ?? '', /^0:0\d\.\d, happiness >?\d+\.\d%, \w+/);
  await assertAccessible('a video that has ended');
  const { file, text } = await saved('JSON');
  assert.equal(file, 'portrait.json');
  assert.equal(text, `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`);
  const frame = z.object({ time: z.number(), faces: z.array(z.object({ id: z.number(), expression: z.string() })) });
  const { video, frames } = z.object({ video: z.string(), frames: z.array(frame) }).parse(JSON.parse(text));
  assert.equal(video, 'portrait.webm');
  assert.ok(frames.length >= 1);
  assert.ok(frames.every(({ faces }) => faces.every(({ expression }) => expression === 'happiness')));
  await button('Close the video').click();
});

step('a camera that is refused is told in words, and can be tried again', async () => {
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await button('Use the camera').click();
  await page.getByText('The camera is not allowed').waitFor();
  await assertAccessible('a camera that is refused');
  assert.equal(await button('Try again').count(), 1);
});

step('a picture that is dropped there is read among the pictures', async () => {
  const bytes = (await readFile(join(root, 'assets/astronaut.png'))).toString('base64');
  await page.evaluate(async (text) => {
    const data = new DataTransfer();
    const content = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    data.items.add(new File([content], 'portrait.png', { type: 'image/png' }));
    const event = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector('.drop-zone')?.dispatchEvent(event);
  }, bytes);
  await page.getByRole('button', { name: /^happiness >?\d+\.\d%, face 1 of 1$/ }).waitFor();
});

step('the page complains of nothing', async () => {
  assert.deepEqual(complaints, []);
});
