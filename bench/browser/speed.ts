import type { Page } from 'playwright-core';
import { formatTable } from '../../src/node/report/index.js';
import { facesInPhoto, photoOfFaces } from '../sample-media.js';
import { median, settle } from '../turns.js';
import { openChromium } from './chromium.js';
import type {} from './poster-page.js';
import { openSite } from './site.js';
import type {} from './subject-page.js';

const subjects = [
  ['ours, in a worker', 'poster-page'],
  ['face-api', 'face-api-page'],
  ['human', 'human-page'],
] as const;

interface Opened {
  readonly name: string;
  readonly backend: string;
  readonly page: Page;
}

/** Ours and the rivals in pages of one Chromium, run by run in turns. */
export async function speed(runs: number): Promise<void> {
  const programs = ['poster-page', 'face-api-page', 'human-page'];
  const site = await openSite({ programs, files: new Map([['/pictures/photo.jpg', await photoOfFaces()]]) });
  const browser = await openChromium();
  try {
    const opened: Opened[] = [];
    for (const [name, path] of subjects) {
      try {
        const page = await browser.page(`${site.address}${path}`, 'subject');
        opened.push({ name, page, backend: await page.evaluate(() => subject.backend) });
      } catch (error) {
        console.log(`${name} does not run here and is left out: ${String(error)}`);
      }
    }
    const crops = await inTurns(opened, runs, (page) => page.evaluate(() => subject.crop()));
    const pictures = await inTurns(opened, Math.max(3, runs >> 1), (page) => page.evaluate(() => subject.picture()));
    const rows = [['', 'backend', 'face crop to scores, ms', 'portrait to faces, ms', 'faces']];
    for (const [i, { name, backend, page }] of opened.entries()) {
      const faces = await page.evaluate(() => subject.faces());
      rows.push([name, backend, figure(crops[i]), figure(pictures[i]), String(faces)]);
    }
    console.log(`Chromium ${browser.version}, medians of ${runs} runs taken in turns`);
    console.log(formatTable(rows));
    for (const { name, backend, page } of opened.filter((one) => one.name.startsWith('ours'))) {
      const { rate, faces } = await page.evaluate(() => poster.video(75));
      const summary = `${rate.toFixed(1)} frames/s (${faces.toFixed(1)} faces a frame; the photo has ${facesInPhoto})`;
      console.log(`video 1280x720 with tracking, ${name}, ${backend}: ${summary}`);
    }
  } finally {
    await browser.close();
    site.close();
  }
}

const figure = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(1));

/** Medians of the times that the pages tell; the first two runs do not count. */
async function inTurns(
  opened: readonly Opened[],
  runs: number,
  run: (page: Page) => Promise<number>,
): Promise<readonly number[]> {
  const times = opened.map((): number[] => []);
  for (let i = -2; i < runs; i++) {
    for (const [at, { page }] of opened.entries()) {
      await settle();
      const time = await run(page);
      if (i >= 0) times[at]?.push(time);
    }
  }
  return times.map(median);
}
