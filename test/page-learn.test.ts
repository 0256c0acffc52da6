import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { Recognizer } from '../src/entries/node.js';
import { accessibilityFaults } from './support/accessibility.js';
import { findChromium } from './support/chromium.js';
import { writePage } from './support/page-host.js';
import { launchChromium } from './support/playwright.js';

/*
 * A visit of the tab Learn: classes recorded from a camera that shows the portrait, and from files; trained, tried, exported, deleted,
 * imported again.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
const portrait = await sharp(join(root, 'assets/astronaut.png')).resize(300).png().toBuffer();
const chromium = findChromium();
/** In milliseconds, for what a busy machine takes long for. */
const patience = 240_000;
const odd = '<b>../so: tired, and with quite a long name that goes on and on?';

let folder = '';
let server: Server;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

function serverOf(files: string): Server {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = pathname === '/' ? '/index.html' : pathname;
    const body = await readFile(join(files, path)).catch(() => undefined);
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': types[extname(path)] ?? '' }).end(body);
  });
}

before(async () => {
  if (chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'poster-page-learn-'));
  const files = join(folder, 'page');
  await writePage(files);
  server = serverOf(files);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // What the camera shows: a film of JPEG pictures, one after the other.
  const film = join(folder, 'camera.mjpeg');
  const frame = await sharp(portrait).resize(224, 224).extend({ left: 40, right: 40 }).jpeg().toBuffer();
  await writeFile(film, Buffer.concat([frame, frame, frame, frame]));
  browser = await launchChromium(chromium, [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
  ]);
  const { port } = server.address() as AddressInfo;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['camera'] });
  context.setDefaultTimeout(patience);
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  page = await context.newPage();
  await page.goto(`http://127.0.0.1:${port}/#/learn`);
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

/** The card of the class at a place in the list. */
const card = (index: number): Locator => page.locator('.class-card').nth(index);
const countOf = (index: number): Promise<number> =>
  card(index)
    .locator('.class-count')
    .innerText()
    .then((text) => Number.parseInt(text, 10));

/** The class has so many pictures, or more: several may come between two times that a test asks. */
async function hasPictures(index: number, least: number): Promise<void> {
  await page.waitForFunction(
    ([at, count]) =>
      Number.parseInt(
        document.querySelectorAll('.class-card')[at]?.querySelector('.class-count')?.textContent ?? '',
        10,
      ) >= count,
    [index, least] as const,
  );
}

/** A click records some pictures, and then stops by itself. */
async function clickToRecord(index: number): Promise<void> {
  const before = await countOf(index);
  // A screen reader clicks, and holds nothing.
  await card(index)
    .getByRole('button', { name: /^Hold to record/ })
    .evaluate((node: HTMLButtonElement) => node.click());
  await hasPictures(index, before + 10);
  await card(index).getByText('Hold to record').waitFor();
}

async function addClass(name: string): Promise<void> {
  const before = await page.locator('.class-card').count();
  await page.locator('.add-class input').fill(name);
  await page.keyboard.press('Enter');
  await card(before).waitFor();
}

async function saved(button: string): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return readFile(await (await download).path());
}

step('without classes, with one alone, and with one without pictures, the page says what is missing', async () => {
  await page.locator('.engine-ready').waitFor();
  await page.getByText('Add two classes and record some pictures of each, then train.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Train', exact: true }).isDisabled());
  await assertAccessible('no classes');
  await addClass('bored');
  await page.getByText(/‘bored’ is alone, .* Add another/).waitFor();
  await addClass(odd);
  await page.getByText('‘bored’ has no pictures. Record some, or delete the class.').waitFor();
  await page.locator('.add-class input').fill('bored');
  await page.keyboard.press('Enter');
  await page.getByText("There is a class 'bored' already; give this one another name.").waitFor();
  await page.locator('.add-class input').fill('');
  await page.locator('.notice').getByRole('button', { name: 'Close' }).click();
});

step('the camera is recorded for as long as a key is held', async () => {
  const button = card(0).getByRole('button', { name: 'Hold to record bored' });
  await button.focus();
  await page.keyboard.down(' ');
  await card(0).locator('.thumbnail').nth(3).waitFor();
  await page.keyboard.up(' ');
  await page.getByText('Hold to record').first().waitFor();
  const count = await countOf(0);
  assert.ok(count >= 4, `${count} pictures`);
  await page.waitForTimeout(1000);
  // One may have been under way.
  assert.ok((await countOf(0)) <= count + 1);
  await clickToRecord(0);
});

/** Tells the page something of its camera's track, as the browser does. */
const tellCamera = (what: 'mute' | 'unmute' | 'ended'): Promise<void> =>
  page.evaluate((type) => {
    const stream = document.querySelector('video')?.srcObject;
    if (!(stream instanceof MediaStream)) throw new Error('there is no camera');
    for (const track of stream.getTracks()) {
      if (type === 'ended') track.stop();
      else Object.defineProperty(track, 'muted', { value: type === 'mute', configurable: true });
      track.dispatchEvent(new Event(type));
    }
  }, what);

step('a camera that is closed gives no pictures; one that is taken away while it is recorded loses none', async () => {
  const button = card(0).getByRole('button', { name: 'Hold to record bored' });
  await button.focus();
  const before = await countOf(0);
  await page.keyboard.down(' ');
  await hasPictures(0, before + 2);
  await tellCamera('mute');
  await page.getByText(/^The camera gives no picture\./).waitFor();
  const closed = await countOf(0);
  await page.waitForTimeout(2000);
  // One may have been under way.
  assert.ok((await countOf(0)) <= closed + 1);
  await tellCamera('unmute');
  await page.getByText(/^The camera gives no picture\./).waitFor({ state: 'detached' });
  await tellCamera('ended');
  await page.getByText(/^The camera was switched off or unplugged\. What was recorded is kept/).waitFor();
  await page.keyboard.up(' ');
  await card(0).getByText('Hold to record').waitFor();
  const kept = await countOf(0);
  assert.ok(kept >= closed);
  await clickToRecord(0);
});

step('the camera goes out with the tab, however often it is switched on and off', async () => {
  await page.evaluate(() => {
    const given: MediaStream[] = [];
    Object.assign(window, { given });
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await ask(constraints);
      given.push(stream);
      return stream;
    };
  });
  const live = (): Promise<number> =>
    page.evaluate(
      () =>
        (window as unknown as { given: MediaStream[] }).given
          .flatMap((stream) => stream.getTracks())
          .filter(({ readyState }) => readyState === 'live').length,
    );
  const off = page.getByRole('button', { name: 'Turn off' });
  const on = page.getByRole('button', { name: 'Turn the camera on' });
  await off.click();
  await on.click();
  // Before the browser has given it.
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('link', { name: 'Learn' }).click();
  for (let i = 0; i < 3; i++) {
    await on.click();
    await off.click();
  }
  await on.click();
  await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2);
  await page.waitForTimeout(500);
  assert.equal(await live(), 1);
  await page.getByRole('link', { name: 'Recognise' }).click();
  await page.waitForTimeout(500);
  assert.equal(await live(), 0);
  await page.getByRole('link', { name: 'Learn' }).click();
  await card(1).waitFor();
});

step('where the browser has no room, what is recorded is there, and it says so', async () => {
  const before = await countOf(1);
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    Object.assign(window, { put });
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('no room', 'QuotaExceededError');
    };
  });
  const files = [{ name: 'a.png', mimeType: 'image/png', buffer: portrait }];
  await card(1).locator('input[type=file]').setInputFiles(files);
  await page.getByText(/^The browser could not keep 1 of the pictures \(QuotaExceededError\)/).waitFor();
  assert.equal(await countOf(1), before + 1);
  await page.evaluate(() => {
    IDBObjectStore.prototype.put = (window as unknown as { put: typeof IDBObjectStore.prototype.put }).put;
  });
  await card(1).locator('.thumbnail').first().click();
  await page.getByText(/^The browser could not keep/).waitFor({ state: 'detached' });
  assert.equal(await countOf(1), before);
  const notice = page.locator('.notice', { hasText: 'The picture is deleted.' });
  await notice.getByRole('button', { name: 'Close' }).click();
});

step('a picture that is deleted comes back to its class, which has another name by then', async () => {
  await card(0).getByText('Hold to record').waitFor();
  const before = await countOf(0);
  await card(0).locator('.thumbnail').first().click();
  await card(0).locator('.class-name').fill('very bored');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Hold to record very bored' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await card(0).getByText(`${before} pictures`).waitFor();
  assert.equal(await page.locator('.class-card').count(), 2);
  await card(0).locator('.class-name').fill('bored');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Hold to record bored' }).waitFor();
});

step('faces are found in files; what has none is told, and nothing else is lost', async () => {
  const darker = async (brightness: number): Promise<Buffer> =>
    sharp(portrait).modulate({ brightness }).png().toBuffer();
  const files = {
    'a.png': await darker(0.9),
    'b.png': await darker(0.7),
    'c.png': await darker(0.5),
    'd.png': await darker(0.6),
  };
  const empty = await sharp({ create: { width: 80, height: 60, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const all = Object.entries({ ...files, 'nobody.png': empty, 'text.png': Buffer.from('no picture') });
  await card(1)
    .locator('input[type=file]')
    .setInputFiles(all.map(([name, buffer]) => ({ name, mimeType: 'image/png', buffer })));
  const note = card(1).getByText('2 pictures could not be used');
  await note.click();
  assert.equal(await countOf(1), 4);
  const left = await card(1).locator('.class-without').innerText();
  assert.match(left, /nobody\.png: No face was found in it\./);
  assert.match(left, /text\.png: .*not a picture in a format that can be read/);
  await assertAccessible('classes with pictures');
});

/** The worker of that name does not start; how often that was tried. */
async function withoutWorker(
  name: string,
): Promise<{ readonly tried: () => Promise<number>; restore(): Promise<void> }> {
  await page.evaluate((file) => {
    const { Worker: known } = window;
    Object.assign(window, { known, tried: 0 });
    window.Worker = class extends known {
      constructor(address: string | URL, options?: WorkerOptions) {
        if (String(address).includes(file)) {
          (window as unknown as { tried: number }).tried++;
          throw new Error('no memory');
        }
        super(address, options);
      }
    };
  }, name);
  return {
    tried: () => page.evaluate(() => (window as unknown as { tried: number }).tried),
    restore: () =>
      page.evaluate(() => {
        window.Worker = (window as unknown as { known: typeof Worker }).known;
      }),
  };
}

/** A small face that is found most surely, and a large one. */
async function smallAndLarge(): Promise<Buffer> {
  const whole = join(root, 'assets/astronaut.png');
  const large = await sharp(whole).modulate({ brightness: 0.5 }).blur(6).toBuffer();
  const small = await sharp(whole).resize(300).toBuffer();
  return sharp({ create: { width: 1024, height: 512, channels: 3, background: 'white' } })
    .composite([
      { input: large, left: 0, top: 0 },
      { input: small, left: 600, top: 0 },
    ])
    .png()
    .toBuffer();
}

step('training is stopped half way', async () => {
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  // It goes on while another tab is shown.
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('link', { name: 'Learn' }).click();
  await page.getByText(/^Epoch [3-9] of 20$/).waitFor();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText(/You stopped it; epoch \d+ was the best until then\./).waitFor();
});

step('what cannot be loaded is tried once with the camera, and told', async () => {
  const workers = await withoutWorker('recognition-worker');
  await page.getByRole('button', { name: 'Try with the camera' }).click();
  await page.getByText('It could not be tried').waitFor();
  await page.waitForTimeout(1000);
  assert.equal(await workers.tried(), 1);
  await page.getByRole('button', { name: 'Try with the camera', pressed: false }).waitFor();
  await workers.restore();
});

step('what was learned until then is tried, on the largest face, and exported', async () => {
  const two = await smallAndLarge();
  await page
    .locator('.learn-side input[type=file]')
    .first()
    .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: two });
  await page.locator('.learn-side .score-bars').waitFor();
  assert.deepEqual(await page.locator('.learn-side .score-label').allInnerTexts(), ['bored', odd]);
  const shown = await page.locator('.learn-side .score-value').allInnerTexts();
  await assertAccessible('trained');
  const recognizer = await Recognizer.load({ checkpoint: await saved('Weights (.safetensors)') });
  const { faces } = await recognizer.recognize(two);
  await recognizer.dispose();
  assert.deepEqual(recognizer.labels.labels, ['bored', odd]);
  const [surest, largest] = faces;
  assert.ok(surest !== undefined && largest !== undefined && largest.box.width > surest.box.width);
  for (const [i, label] of recognizer.labels.labels.entries()) {
    const probability = largest.scores.find((score) => score.label === label)?.probability ?? Number.NaN;
    const percent = Number.parseFloat((shown[i] ?? '').replace(/[<>]/, ''));
    assert.ok(Math.abs(percent - 100 * probability) < 0.5, `${shown[i]}, and ${probability} in Node`);
  }
});

step('training that fails is told, and what was learned before stays', async () => {
  const figure = await page.locator('.trained').innerText();
  const workers = await withoutWorker('learn-worker');
  await page.getByRole('button', { name: 'Train again' }).click();
  const notice = page.locator('.notice-error', { hasText: 'what was learned before is still here' });
  await notice.waitFor();
  assert.equal(await page.locator('.trained').innerText(), figure);
  assert.ok(await page.getByRole('button', { name: 'Weights (.safetensors)' }).isEnabled());
  await notice.getByRole('button', { name: 'Close' }).click();
  await workers.restore();
});

step('pictures are exported, everything is deleted, and the archive brings them back', async () => {
  const counts = [await countOf(0), await countOf(1)];
  const archive = await saved('Pictures (.zip)');
  await page.getByRole('button', { name: 'Delete everything' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete everything' }).click();
  await page.locator('.class-card').first().waitFor({ state: 'detached' });
  assert.equal(await page.locator('.trained').count(), 0);
  await page
    .locator('.learn-side input[type=file]')
    .last()
    .setInputFiles({ name: 'shots.zip', mimeType: 'application/zip', buffer: archive });
  await card(1).waitFor();
  assert.deepEqual(
    await page.locator('.class-name').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value)),
    ['bored', odd],
  );
  await page.getByText(/pictures of 2 classes imported/).waitFor();
  assert.deepEqual([await countOf(0), await countOf(1)], counts);
  await page.reload();
  await card(1).waitFor();
  assert.deepEqual([await countOf(0), await countOf(1)], counts);
  assert.deepEqual(complaints, []);
});
