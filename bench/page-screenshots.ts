/*
 * `node dist/bench/page-screenshots.js OUT [PART...]`: every state of the page as pictures, at 1280, 768 and 360 pixels, light and dark. For people who
 * change how it looks; what is drawn belongs to no commit. A part is a word of the states' names.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { visitPage, writeFilm } from './page/visit.js';
import { crowd, portrait } from './sample-media.js';

const [out, ...named] = process.argv.slice(2);
if (out === undefined) {
  console.error('Name a folder for the pictures, outside of the repository: node dist/bench/page-screenshots.js OUT');
  process.exit(2);
}
const folder = resolve(out);
mkdirSync(folder, { recursive: true });

const visit = await visitPage();
const { page, address } = visit;
const face = await readFile(portrait);
const longName =
  'a picture of the whole family at the seaside, last summer, with a name that nobody will ever read to its end.png';
const longClass = 'tired of meetings that should have been an e-mail, and so on';

const button = (name: string | RegExp): Locator => page.getByRole('button', { name });
const png = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });
const input = (): Locator => page.locator('main input[type=file]').first();
const isRead = () => page.waitForFunction(() => document.querySelector('.tray-busy') === null);
const open = async (hash: string): Promise<void> => {
  await page.goto('about:blank');
  await page.goto(`${address}${hash}`);
  await page.locator('.engine-ready').waitFor();
};
const addClass = async (name: string): Promise<void> => {
  await page.locator('.add-class input').fill(name);
  await page.keyboard.press('Enter');
};
const darker = async (share: number): Promise<Buffer> =>
  sharp(face).resize(300).modulate({ brightness: share }).png().toBuffer();

/** Draws the state that is shown, whole, and what fills a phone's screen. */
async function draw(name: string): Promise<void> {
  for (const width of [1280, 768, 360]) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.waitForTimeout(60);
      await page.screenshot({ path: join(folder, `${name} ${width} ${colorScheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 900 });
  console.log(name);
}

/** States in the order in which a visitor comes to them; each begins where the one before ended. */
const chapters: Readonly<Record<string, () => Promise<void>>> = {
  async pictures() {
    await page.route('**/weights/*', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 25_000));
      // By then it may be let through.
      await route.continue().catch(() => undefined);
    });
    await page.goto(address);
    await draw('pictures-1-empty-loading');
    await button(/Try the sample/).click();
    await page.locator('.stage-progress').waitFor();
    await draw('pictures-2-waits-for-network');
    await page.unroute('**/weights/*');
    await page.locator('.face-frame').waitFor();
    await draw('pictures-3-one-face');
    await button('Show what it looked at').click();
    await page.locator('.maps').waitFor();
    await draw('pictures-4-explanation');
    const empty = await sharp({ create: { width: 800, height: 300, channels: 3, background: '#46707a' } })
      .png()
      .toBuffer();
    await input().setInputFiles([
      png(longName, await crowd()),
      png('nobody.png', empty),
      png('broken.png', Buffer.from('no picture')),
    ]);
    await page.locator('.face-frame').nth(11).waitFor();
    await page.locator('.face-frame').nth(3).focus();
    await isRead();
    await draw('pictures-5-many-faces-long-name');
    await button('nobody.png: 0 faces found').click();
    await draw('pictures-6-no-face');
    await button('broken.png: could not be read').click();
    await draw('pictures-7-broken');
    await button(/^astronaut.webp/).click();
    await Promise.all([page.waitForEvent('download'), button('JSON').click()]);
    await draw('pictures-8-saved');
    await button('nobody.png: 0 faces found').click();
    await button('Paste').isVisible();
  },
  async settings() {
    await open('');
    await button('Settings').click();
    await draw('settings-1-open');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      button('Choose a .safetensors file').click(),
    ]);
    await chooser.setFiles({ name: 'a.safetensors', mimeType: '', buffer: Buffer.from('no weights') });
    await page.getByRole('dialog').getByRole('alert').waitFor();
    await draw('settings-2-no-model');
    await page.keyboard.press('Escape');
    await button(/Try the sample/).click();
    await draw('settings-3-page-without-network');
  },
  async camera() {
    await open('#/recognise/camera');
    await draw('camera-1-empty');
    await button('Use the camera').click();
    await page.getByRole('heading', { name: 'Face 1' }).waitFor();
    await page.waitForTimeout(4000);
    await draw('camera-2-running');
    await page.evaluate(() => {
      const stream = document.querySelector('video')?.srcObject;
      if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.stop();
    });
    await page.getByText('The camera has stopped', { exact: true }).waitFor();
    await draw('camera-3-taken-away');
    await button('Close').click();
    const film = join(visit.folder, 'a film of the portrait with a long name that goes on.webm');
    writeFilm(film, ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8']);
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button('Open a video').click()]);
    await chooser.setFiles(film);
    await page.locator('.stage-note', { hasText: 'The video has ended.' }).waitFor();
    await page.getByRole('slider').press('End');
    await draw('camera-4-video-ended');
    await button('Close the video').click();
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => new Promise(() => undefined);
    });
    await button('Use the camera').click();
    await draw('camera-5-asking');
    await button('Cancel').click();
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await button('Use the camera').click();
    await draw('camera-6-refused');
  },
  async learn() {
    await open('#/learn');
    await page.locator('.add-class').waitFor();
    await draw('learn-1-empty');
    await addClass('bored');
    await page.locator('.class-card').waitFor();
    await addClass(longClass);
    const cards = page.locator('.class-card');
    await cards.nth(1).waitFor();
    await draw('learn-2-classes-without-pictures');
    const shots = await Promise.all([0.9, 0.8, 0.7, 0.6, 0.5].map(darker));
    for (const i of [0, 1]) {
      await cards
        .nth(i)
        .locator('input[type=file]')
        .setInputFiles([
          ...shots.map((shot, at) => png(`${at}.png`, shot)),
          ...(i === 1 ? [png(longName, Buffer.from('no picture'))] : []),
        ]);
      await cards.nth(i).getByText('5 pictures', { exact: true }).waitFor();
    }
    await cards.nth(1).locator('summary').click();
    await draw('learn-3-shots');
    await button('Hold to record bored').evaluate((node: HTMLButtonElement) => node.click());
    await cards.first().locator('.thumbnail').nth(7).waitFor();
    await draw('learn-4-camera-on');
    await button('Train').click();
    await page.getByText(/^Epoch [2-9] of 20$/).waitFor();
    await draw('learn-5-training');
    await page.locator('.trained').waitFor();
    await draw('learn-6-trained');
    await button('Try with the camera').click();
    await page.locator('.learn-side .score-bars').waitFor();
    await draw('learn-7-live');
    await page.locator('.thumbnail').first().click();
    await page.locator('.notice').waitFor();
    await draw('learn-8-notice');
    await button('Delete everything').click();
    await draw('learn-9-delete');
  },
  async other() {
    await open('#/about');
    await draw('about');
    await open('');
    await button('Paste').click();
    await page.locator('.notice').waitFor();
    await draw('pictures-9-nothing-to-paste');
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.context().setOffline(true);
    await page.reload();
    await page.locator('.engine-ready').waitFor();
    await draw('offline');
    await page.context().setOffline(false);
  },
};

try {
  for (const [name, chapter] of Object.entries(chapters)) {
    if (named.length === 0 || named.includes(name)) await chapter();
  }
} finally {
  await visit.close();
}
