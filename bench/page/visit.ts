import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { servePage } from '../../src/node/page/index.js';
import { findChromium } from '../../test/support/chromium.js';
import { launchChromium } from '../../test/support/playwright.js';
import { portrait } from '../sample-media.js';

/** In milliseconds, for what a busy machine takes long for. */
const patience = 240_000;

/** The page as `poster page` serves it, in Chromium with a camera that shows the sample portrait. */
export interface Visit {
  readonly browser: Browser;
  readonly page: Page;
  /** Ends in a slash. */
  readonly address: string;
  /** For files that go when the visit ends. */
  readonly folder: string;
  close(): Promise<void>;
}

/** @throws Error where Chromium, ffmpeg or the built page is missing */
export async function visitPage(): Promise<Visit> {
  const program = findChromium();
  if (program === undefined)
    throw new Error('There is no Chromium or Chrome here; install one, or name it in CHROME_PATH.');
  if (!existsSync(fileURLToPath(new URL('../../page/index.html', import.meta.url)))) {
    throw new Error('The page is not built; run npm run build first.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'poster-visit-'));
  const camera = join(folder, 'camera.mjpeg');
  writeFilm(camera, ['-c:v', 'mjpeg', '-q:v', '3']);
  const server = await servePage({ host: '127.0.0.1', port: 0 });
  const browser = await launchChromium(program, [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${camera}`,
  ]);
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    permissions: ['camera', 'clipboard-read'],
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`The page failed: ${String(error)}`));
  return {
    browser,
    page,
    address: server.url,
    folder,
    async close() {
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Writes a film of the portrait that moves a little, for 3 s. @throws Error where there is no ffmpeg */
export function writeFilm(path: string, codec: readonly string[]): void {
  const move = "zoompan=z=1.1:x='20+4*sin(on/4)':y=0:d=1:s=640x640:fps=10,crop=640:480:0:40,format=yuv420p";
  const source = ['-loop', '1', '-framerate', '10', '-t', '3', '-i', portrait, '-vf', move];
  const made = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...source, ...codec, path], { encoding: 'utf8' });
  if (made.status !== 0)
    throw new Error(`ffmpeg is needed for the film (${made.error?.message ?? made.stderr.trim()})`);
}
