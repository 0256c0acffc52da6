import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { findChromium } from './support/chromium.js';
import { hostPage, type PageHost, type Tampering, writePage } from './support/page-host.js';
import { launchChromium } from './support/playwright.js';

/*
 * What goes wrong while the page works: files that do not come whole, a graphics processor that is lost, a tab in the background, storage
 * that is full or forbidden. Each time a sentence that a visitor understands, nothing lost, and the next thing works.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const original = await readFile(join(root, 'assets/astronaut.png'));
/** Faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
const portrait = await sharp(original).resize(300).png().toBuffer();
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
  // What the camera shows: a film of JPEG pictures, one after the other.
  const film = join(folder, 'camera.mjpeg');
  const frame = await sharp(portrait).resize(224, 224).extend({ left: 40, right: 40 }).jpeg().toBuffer();
  await writeFile(film, Buffer.concat([frame, frame, frame, frame]));
  browser = await launchChromium(chromium, [
    // WebGPU in software.
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
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

visit("the page's own weights are wrong: a sentence, and the picture is read once they are right", async (page) => {
  const problem = page.locator('main').getByRole('alert');
  for (const [i, [what, [how, detail]]] of Object.entries(wrongWeights).entries()) {
    host.tamper(how);
    if (i === 0) {
      await page.goto(host.address);
      await give(page, png('a.png'));
    } else await problem.getByRole('button', { name: 'Try again' }).click();
    await problem.filter({ hasText: detail }).waitFor();
    await problem.getByText(/^A file of this page did not arrive, or not whole\. Try again\./).waitFor();
    await problem.getByText('What exactly').click();
    assert.match(await problem.innerText(), detail, what);
    await page.getByText('It is read as soon as the network is there.').waitFor();
  }
  host.tamper(() => undefined);
  await problem.getByRole('button', { name: 'Try again' }).click();
  await readAs(page, 'a.png').waitFor();
});

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

visit(
  'WebGPU reads a picture, or a sentence says why not; lost, reading goes on; lost for good, a sentence, and WASM goes on',
  async (page) => {
    await page.goto(host.address);
    const setDevice = async (device: string): Promise<void> => {
      await page.getByRole('button', { name: /Settings/ }).click();
      await page.getByLabel('Computes on').selectOption(device);
      await page.keyboard.press('Escape');
    };
    await page.locator('.engine-ready').waitFor();
    await setDevice('webgpu');
    const engine = page.locator('.engine', { hasText: /WebGPU|Not loaded/ });
    await engine.waitFor();
    await give(page, png('a.png'));
    const problem = page.locator('main').getByRole('alert');
    // Not every machine can do that in software.
    if (/Not loaded/.test(await engine.innerText())) {
      await problem.getByText(/WebGPU|graphics processor/).waitFor();
      await setDevice('cpu');
      await readAs(page, 'a.png').waitFor();
      return;
    }
    await readAs(page, 'a.png').waitFor();
    const control = await browser.newBrowserCDPSession();
    // It answers nothing where the browser was quicker.
    const crash = (): Promise<unknown> => control.send('Browser.crashGpuProcess').catch(() => undefined);
    await crash();
    await give(page, png('b.png'));
    await page.getByText(/^The browser lost the graphics card, as after sleep\. .+ recognition continues\.$/).waitFor();
    await readAs(page, 'b.png').waitFor();
    await crash();
    await give(page, png('c.png'));
    await problem.getByText(/lost the graphics card twice|gives WebGPU no graphics processor/).waitFor();
    await problem.getByRole('button', { name: 'Compute on the processor' }).click();
    for (const name of ['a.png', 'b.png', 'c.png']) await readAs(page, name).waitFor();
  },
);

/** A tab behind others: it is not drawn, and phones stop its programs for a while. */
async function inBackground(page: Page, milliseconds: number): Promise<void> {
  const hide = (hidden: boolean): Promise<void> =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      Object.defineProperty(document, 'visibilityState', { value: value ? 'hidden' : 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  const control = await page.context().newCDPSession(page);
  await hide(true);
  await control.send('Page.setWebLifecycleState', { state: 'frozen' });
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await control.send('Page.setWebLifecycleState', { state: 'active' });
  await hide(false);
}

visit('a tab in the background while pictures are read: all are read', async (page) => {
  await page.addInitScript(() => {
    // What is not drawn has no frames.
    window.requestAnimationFrame = () => 0;
  });
  await page.goto(host.address);
  const names = Array.from({ length: 10 }, (_, i) => `${i}.png`);
  await give(page, ...names.map((name) => png(name)));
  await inBackground(page, 2000);
  await readAs(page, '9.png').waitFor();
  assert.equal(await page.getByRole('button', { name: /\.png: 1 face: happiness/ }).count(), names.length);
});

/** Records the class until it has so many pictures. */
async function record(page: Page, count: number): Promise<void> {
  const button = page.getByRole('button', { name: 'Hold to record bored' });
  await button.focus();
  await page.keyboard.down(' ');
  await page
    .locator('.thumbnail')
    .nth(count - 1)
    .waitFor();
  await page.keyboard.up(' ');
  await page.getByText('Hold to record', { exact: true }).waitFor();
}

const countOf = async (page: Page): Promise<number> =>
  Number.parseInt(await page.locator('.class-count').innerText(), 10);

async function startClass(page: Page): Promise<void> {
  await page.goto(`${host.address}#/learn`);
  await page.locator('.add-class input').fill('bored');
  await page.keyboard.press('Enter');
  await page.locator('.class-card').waitFor();
}

visit('storage that is full while pictures are recorded: they are there, and kept once there is room', async (page) => {
  const control = await page.context().newCDPSession(page);
  const { origin } = new URL(host.address);
  // From the start: what a browser has promised once, it gives for half a minute.
  await control.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await startClass(page);
  await record(page, 2);
  const problem = page.getByText(/^The browser could not keep \d+ of the pictures \(QuotaExceededError/);
  await problem.waitFor();
  await control.send('Storage.overrideQuotaForOrigin', { origin });
  await record(page, (await countOf(page)) + 1);
  await problem.waitFor({ state: 'detached' });
  const all = await countOf(page);
  await page.reload();
  await page.locator('.class-card').waitFor();
  assert.equal(await countOf(page), all);
});

visit(
  'storage that is forbidden: pictures are recorded and exported, and the browser asks before they are gone',
  async (page) => {
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('no', 'SecurityError');
      };
    });
    await startClass(page);
    await page.getByText('Not everything is kept').waitFor();
    await record(page, 2);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Pictures (.zip)' }).click(),
    ]);
    assert.ok((await readFile(await download.path())).length > 1000);
    const [asked] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
    assert.equal(asked.type(), 'beforeunload');
    await asked.dismiss();
    assert.ok((await countOf(page)) >= 2);
  },
);

visit('what the browser does not delete is told, and does not come back once it is deleted again', async (page) => {
  await startClass(page);
  await page.evaluate(() => {
    const { clear } = IDBObjectStore.prototype;
    const fail = () => {
      throw new DOMException('not now', 'UnknownError');
    };
    Object.assign(window, { restore: () => Object.assign(IDBObjectStore.prototype, { clear }) });
    Object.assign(IDBObjectStore.prototype, { clear: fail });
  });
  const deleteAll = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Delete everything' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete everything' }).click();
  };
  const deleted = page.getByText('Everything that was recorded and learned here is deleted.');
  await deleteAll();
  await page.getByText('Not everything is deleted').waitFor();
  assert.equal(await page.locator('.class-card').count(), 0);
  assert.equal(await deleted.count(), 0);
  await page.evaluate(() => (window as unknown as { restore: () => void }).restore());
  await deleteAll();
  await deleted.waitFor();
  assert.equal(await page.getByText('Not everything is deleted').count(), 0);
  await page.reload();
  await page.getByText('Name your first class').waitFor();
  assert.equal(await page.locator('.class-card').count(), 0);
});

visit('settings that are changed while faces are found in pictures: all are added', async (page) => {
  // Threads can be chosen once the page is isolated.
  await page.goto(host.address);
  await page.waitForFunction(() => crossOriginIsolated);
  await startClass(page);
  await page.locator('.engine-ready').waitFor();
  const names = Array.from({ length: 12 }, (_, i) => `${i}.png`);
  await page
    .locator('.class-card input[type=file]')
    .setInputFiles([...names.map((name) => png(name, original)), png('nobody.png', Buffer.from('no picture'))]);
  await page.locator('.thumbnail').first().waitFor();
  await page.getByRole('button', { name: /Settings/ }).click();
  for (const threads of ['1', '2', '1']) await page.getByLabel('Threads').selectOption(threads);
  await page.keyboard.press('Escape');
  await page.getByText('1 picture could not be used').waitFor();
  assert.equal(await countOf(page), names.length);
});

visit('files that nobody can read, an animation, and a drop beside the place for it', async (page) => {
  await page.goto(host.address);
  const huge = Buffer.from(original);
  // Width and height of the header, and its checksum no more.
  huge.writeUInt32BE(60_000, 16);
  huge.writeUInt32BE(60_000, 20);
  const frame = await sharp(portrait).resize(256).raw().toBuffer({ resolveWithObject: true });
  // Frames that are the same would be one.
  const film = await sharp(Buffer.concat([frame.data, frame.data.map((value) => 255 - value)]), {
    raw: { width: 256, height: 512, channels: frame.info.channels, pageHeight: 256 },
  })
    .gif({ delay: [100, 100] })
    .toBuffer();
  await give(page, png('empty.png', Buffer.alloc(0)), png('huge.png', huge), png('film.gif', film), png('good.png'));
  await readAs(page, 'good.png').waitFor();
  await page.getByRole('button', { name: 'empty.png: could not be read' }).click();
  await page
    .getByRole('alert')
    .getByText(/is empty/)
    .waitFor();
  await page.getByRole('button', { name: 'huge.png: could not be read' }).click();
  await page
    .getByRole('alert')
    .getByText(/60000 x 60000/)
    .waitFor();
  await readAs(page, 'film.gif').click();
  await page.getByText('The file has 2 frames. The first was read.').waitFor();
  const isTaken = (selector: string, type: string): Promise<boolean> =>
    page.evaluate(
      ([where, kind]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['no picture'], 'dropped.png', { type: 'image/png' }));
        const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector(where)?.dispatchEvent(event);
        return event.defaultPrevented;
      },
      [selector, type] as const,
    );
  // Where the page does not say so, the browser opens the file in its place.
  assert.ok(await isTaken('.header', 'drop'));
  await page.getByRole('button', { name: 'dropped.png: could not be read' }).waitFor();
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('heading', { name: 'About this page' }).waitFor();
  assert.ok(await isTaken('.header', 'dragover'));
  assert.ok(await isTaken('.header', 'drop'));
  await page.getByRole('link', { name: 'Recognise' }).click();
  await readAs(page, 'good.png').waitFor();
});

/** Drops on what a selector finds: files, and a folder with so many empty ones. */
async function drop(page: Page, selector: string, files: ReturnType<typeof png>[], inFolder = 0): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, text: buffer.toString('base64') }));
  await page.evaluate(
    ([where, given, count]) => {
      const dataTransfer = new DataTransfer();
      for (const { name, mimeType, text } of given) {
        const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name, { type: mimeType }));
      }
      if (count > 0) {
        let rest = Array.from({ length: count }, (_, i) => ({
          name: `${i}.png`,
          isDirectory: false,
          file: (take: (file: File) => void) => take(new File([], `${i}.png`, { type: 'image/png' })),
        }));
        const readEntries = (take: (entries: unknown[]) => void): void => {
          take(rest.slice(0, 100));
          rest = rest.slice(100);
        };
        const folder = { isDirectory: true, createReader: () => ({ readEntries }) };
        const items = [{ webkitGetAsEntry: () => folder, getAsFile: () => null }];
        Object.defineProperty(dataTransfer, 'items', { value: items });
      }
      const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
      document.querySelector(where)?.dispatchEvent(event);
    },
    [selector, sent, inFolder] as const,
  );
}

visit(
  'what is dropped and left out is told; an archive and pictures that are dropped at once are all added',
  async (page) => {
    await startClass(page);
    await drop(page, '.class-card', [], 2001);
    await page.getByText(/^Of folders that are dropped at once, 2,000 files are taken, .*; drop the others/).waitFor();
    await page.getByText(/^Finding faces: \d+ of 2000/).waitFor();
    // The others are not waited for.
    await page.getByRole('button', { name: 'Delete the class bored' }).click();
    await page.reload();
    await startClass(page);
    await drop(page, '.class-card', [png('a.png')]);
    await page.locator('.thumbnail').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Pictures (.zip)' }).click(),
    ]);
    const archive = { name: 'shots.zip', mimeType: 'application/zip', buffer: await readFile(await download.path()) };
    await drop(page, '.class-card', [archive, png('b.png')]);
    await page.getByText('1 picture of 1 class imported.').waitFor();
    await page.getByText('3 pictures', { exact: true }).waitFor();
    await page.goto(`${host.address}#/recognise/camera`);
    await page.getByText('Drop a video here, or use your camera').waitFor();
    const video = (name: string) => ({ name, mimeType: 'video/mp4', buffer: Buffer.from('no video') });
    await drop(page, '.drop-zone', [video('a.mp4'), png('c.png'), video('b.mp4')]);
    await page.getByText(/^a\.mp4 is played\. 2 other files were left out: /).waitFor();
  },
);

visit('errors stay until they are closed, however many there are', async (page) => {
  const names = ['bored', 'shy', 'tired', 'cross'];
  await startClass(page);
  const add = async (name: string): Promise<void> => {
    await page.locator('.add-class input').fill(name);
    await page.keyboard.press('Enter');
  };
  for (const [i, name] of names.entries()) {
    if (i > 0) await add(name);
    await page.locator('.class-card').nth(i).waitFor();
  }
  for (const name of [...names, 'bored']) {
    await add(name);
    await page.locator('.notice', { hasText: `There is a class '${name}' already` }).waitFor();
  }
  assert.equal(await page.locator('.notice-error').count(), names.length);
});

visit('the focus stays beside what is removed, and on a button that can do no more', async (page) => {
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const { activeElement: at } = document;
      return at?.getAttribute('aria-label') ?? at?.textContent ?? '';
    });
  /** By keyboard, once the page was drawn anew. */
  const press = async (key = 'Enter'): Promise<string> => {
    await page.keyboard.press(key);
    await page.waitForTimeout(500);
    return focused();
  };
  await page.goto(host.address);
  const pair = await sharp({ create: { width: 1024, height: 512, channels: 3, background: 'white' } })
    .composite([
      { input: portrait, left: 0, top: 0 },
      { input: portrait, left: 512, top: 0 },
    ])
    .png()
    .toBuffer();
  await give(page, png('pair.png', pair), png('a.png'), png('b.png'));
  await readAs(page, 'b.png').waitFor();
  await page.getByRole('button', { name: 'Next' }).focus();
  assert.equal(await press(), 'Next');
  assert.equal(await press(), 'Next');
  await page.getByText('Face 2 of 2').waitFor();
  await page.getByRole('button', { name: 'Close a.png' }).focus();
  assert.equal(await press(), 'Close b.png');
  assert.equal(await press(), 'Close pair.png');
  assert.equal(await press(), 'Choose pictures');

  await startClass(page);
  for (const name of ['shy', 'tired']) {
    await page.locator('.add-class input').fill(name);
    await page.getByRole('button', { name: 'Add', exact: true }).focus();
    await press();
    assert.ok(await page.locator('.add-class input').evaluate((node) => node === document.activeElement));
    await page.getByRole('textbox', { name: 'Name of the class' }).nth(1).waitFor();
  }
  await page
    .locator('.class-card input[type=file]')
    .first()
    .setInputFiles([png('a.png'), png('b.png')]);
  await page.locator('.thumbnail').nth(1).waitFor();
  await page.getByText('Add pictures').first().waitFor();
  await page.locator('.thumbnail').first().focus();
  assert.equal(await press(), 'Delete picture 1 of bored');
  await press();
  assert.ok(
    await page
      .locator('.class-card')
      .first()
      .evaluate((node) => node.contains(document.activeElement)),
  );
  await page.locator('.notice').first().getByRole('button', { name: 'Close' }).focus();
  assert.equal(await press(), 'Close');
  await press();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  await page.getByRole('button', { name: 'Delete the class shy' }).focus();
  assert.equal(await press(), 'Delete the class tired');
  assert.equal(await press(), 'Delete the class bored');
  assert.equal(await press(), '1. Record');
});

visit('who begins before the page is isolated keeps what is open', async (page) => {
  host.tamper(async (path) => {
    // The service worker is not there before it has all files.
    if (path === 'icon.svg') await new Promise((resolve) => setTimeout(resolve, 3000));
    return undefined;
  });
  await page.goto(host.address);
  await page.keyboard.press('Tab');
  await give(page, png('early.png'));
  await page.evaluate(() => navigator.serviceWorker.ready);
  await readAs(page, 'early.png').waitFor();
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  await page.reload();
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
});

visit('what a network that wants a login answers is never kept as a file of the page', async (page) => {
  const own = await readFile(join(folder, 'icon.svg'), 'utf8');
  const icon = (): Promise<string> => page.evaluate(async () => (await fetch('icon.svg')).text());
  const login = { body: Buffer.from('<title>Log in first</title>') };
  host.tamper((path) => (path === 'icon.svg' ? login : undefined));
  await page.goto(host.address);
  // The service worker is not installed, so that the page is as without one.
  await page.locator('.engine-ready').waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.getRegistration())?.installing == null);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active), undefined);
  host.tamper(() => undefined);
  await page.reload();
  await page.waitForFunction(() => crossOriginIsolated);
  // A new version of which a file does not come: the one before stays, with all that it has kept.
  const checksum = createHash('sha256').update(own).digest('hex').slice(0, 16);
  host.tamper((path, body) =>
    path === 'service-worker.js' ? { body: Buffer.from(body.toString().replace(checksum, '0'.repeat(16))) } : undefined,
  );
  const ended = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const worker = registration.installing;
    return new Promise<string | undefined>((resolve) => {
      if (worker === null) resolve(undefined);
      worker?.addEventListener('statechange', () => resolve(worker.state));
    });
  });
  assert.equal(ended, 'redundant');
  host.tamper(() => login);
  assert.equal(await icon(), own);
  await page.reload();
  await page.getByRole('heading', { name: 'What does a face show?' }).waitFor();
});
