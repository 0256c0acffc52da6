import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { formatTable } from '../../src/node/report/index.js';
import { portrait } from '../sample-media.js';

import { median } from '../turns.js';
import { type Chromium, openChromium } from './chromium.js';
import type {} from './poster-page.js';
import { openSite } from './site.js';

/** Of each part, at most; of the camera one in half a minute, and two at least. */
const mostSamples = 10;
const samplesIn = (minutes: number): number => Math.min(mostSamples, Math.max(2, Math.floor(2 * minutes)));

/** For a measurement of the page's memory, in milliseconds. */
const patience = 30_000;

/** In MB. */
interface Sample {
  /** Of the page and its workers; undefined where the browser did not tell in time. */
  readonly own: number | undefined;
  /** Of all processes of the browser. */
  readonly resident: number;
}

const textOf = ({ own, resident }: Sample): string => `${own === undefined ? '-' : Math.round(own)} / ${resident}`;

/** Growth up to which memory counts as flat: what garbage that waits for its collector comes to, as a share and in MB. */
const flat = { share: 0.05, megabytes: 16 };

/** Whether memory grew from the first half of the samples to the second; the very first holds what is made once. */
function verdictOf(samples: readonly Sample[]): string {
  const own = samples.flatMap((sample) => (sample.own === undefined ? [] : [sample.own]));
  const [values, what] =
    own.length === samples.length
      ? [own, "the page's memory"]
      : [samples.map(({ resident }) => resident), "resident memory (the browser did not tell the page's own)"];
  const counted = values.length > 2 ? values.slice(1) : values;
  const half = Math.ceil(counted.length / 2);
  const [before, after] = [median(counted.slice(0, half)), median(counted.slice(-half))];
  const growth = after - before;
  const isFlat = growth <= Math.max(flat.share * before, flat.megabytes);
  const amount = `from ${Math.round(before)} to ${Math.round(after)} MB`;
  const bounds = `up to ${flat.megabytes} MB more, or ${100 * flat.share}%, is what garbage collection leaves`;
  return `${what} ${isFlat ? 'is flat' : 'GROWS'}: ${amount} (medians of the first and the second half of ${counted.length} samples; ${bounds}).`;
}

/** Memory while a camera is read, and after rounds of loading, reading a picture and disposing. */
export async function memory(minutes: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-bench-'));
  const site = await openSite({ programs: ['poster-page'] });
  try {
    const camera = join(folder, 'camera.mjpeg');
    writeCamera(camera);
    const browser = await openChromium({
      args: [
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${camera}`,
        // Memory is measured at once rather than when it suits the garbage collector.
        '--enable-blink-features=ForceEagerMeasureMemory',
      ],
    });
    try {
      const page = await browser.page(`${site.address}poster-page?threads=2`, 'poster');
      const memoryNow = memoryOf(page, browser);
      const measure = async (samples: number, step: () => Promise<unknown>): Promise<Sample[]> => {
        const taken: Sample[] = [];
        for (let i = 0; i < samples; i++) {
          await step();
          taken.push(await memoryNow());
        }
        return taken;
      };
      await page.evaluate(() => poster.startCamera());
      const samples = samplesIn(minutes);
      const withCamera = await measure(samples, () => setTimeout((minutes * 60_000) / samples));
      const { frames, faces } = await page.evaluate(() => poster.stopCamera());
      const each = Math.ceil(rounds / mostSamples);
      const withRounds = await measure(Math.ceil(rounds / each), () =>
        page.evaluate((count) => poster.rounds(count), each),
      );
      console.log(
        "Memory in MB, the page's by measureUserAgentSpecificMemory / all that is resident of Chromium's processes",
      );
      const columns = Math.max(withCamera.length, withRounds.length);
      const head = ['', ...Array.from({ length: columns }, (_, i) => `${i + 1}`)];
      const rows = [
        [`camera, ${(minutes * 60) / samples} s a column`, ...withCamera.map(textOf)],
        [`load and dispose, ${each} a column`, ...withRounds.map(textOf)],
      ];
      console.log(formatTable([head, ...rows]));
      console.log(`With the camera ${verdictOf(withCamera)}`);
      console.log(`Over rounds of loading and disposing ${verdictOf(withRounds)}`);
      console.log(`The camera's frames that were read: ${frames}, with ${faces} faces.`);
    } finally {
      await browser.close();
    }
  } finally {
    site.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Measures again and again. The browser answers when its workers let it, on a busy machine after a minute, and never for one that
 * has ended: while a measurement is under way no other one is asked for.
 */
function memoryOf(page: Page, browser: Chromium): () => Promise<Sample> {
  let underWay: Promise<number> | undefined;
  return async () => {
    underWay ??= ownBytes(page).finally(() => {
      underWay = undefined;
    });
    // Closing the page ends one that is left.
    const measured = underWay.catch(() => Number.NaN);
    const bytes = await Promise.race([measured, setTimeout(patience, Number.NaN, { ref: false })]);
    return { own: Number.isNaN(bytes) ? undefined : bytes / 2 ** 20, resident: browser.residentMegabytes() };
  };
}

/** Of the page and its workers; not a number where the browser does not tell. */
function ownBytes(page: Page): Promise<number> {
  return page.evaluate(async () => {
    if (!('measureUserAgentSpecificMemory' in performance)) return Number.NaN;
    const measured = await (performance.measureUserAgentSpecificMemory as () => Promise<{ readonly bytes: number }>)();
    return measured.bytes;
  });
}

/** A video of the sample portrait that sways, as Chromium's camera takes it: 10 s, over and over. */
function writeCamera(path: string): void {
  const sway = 'scale=1600:1600,crop=1280:720:160+120*sin(t*0.628):200+100*sin(t*1.256),format=yuvj420p';
  const args = ['-v', 'error', '-y', '-loop', '1', '-framerate', '15', '-t', '10', '-i', portrait, '-vf', sway];
  const { status, error, stderr } = spawnSync('ffmpeg', [...args, '-q:v', '5', path], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    throw new Error(
      `ffmpeg is needed for the camera's video, and did not make it (${error?.message ?? stderr.trim()})`,
    );
  }
}
