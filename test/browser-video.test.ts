import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import type { FrameSummary, Scenes } from './browser/video-page.js';
import { findChromium } from './support/chromium.js';
import { bundlePage } from './support/page-bundle.js';
import { pageServer } from './support/page-server.js';
import { launchChromium } from './support/playwright.js';

// Videos and a camera in a real browser. The camera is Chromium's fake one, which plays a film of the sample portrait.
const chromium = findChromium();
const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
const lacking =
  chromium === undefined
    ? 'no Chromium or Chrome here (CHROME_PATH says where one is)'
    : spawnSync('ffmpeg', ['-version']).status === 0
      ? undefined
      : 'ffmpeg is not installed here';

let folder = '';
let browser: Browser | undefined;
let page: Page | undefined;
let origin = '';
const { server, serve } = (() => {
  const files = new Map<string, Uint8Array | string>();
  const html = '<!doctype html><title>poster-v2</title><script type="module" src="/video-page.js"></script>';
  return { ...pageServer(files, html, () => undefined), serve: files };
})();

/** The portrait, which moves a little, for 2 s; faces are found in it in a tenth of the time: no side is long enough for the largest scale. */
async function film(name: string, codec: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const move = "zoompan=z=1.1:x='20+4*sin(on/4)':y=0:d=1:s=304x228:fps=25,format=yuv420p";
  const source = ['-loop', '1', '-framerate', '25', '-t', '2', '-i', portrait, '-vf', move];
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...source, ...codec, path]);
  return path;
}

before(async () => {
  if (lacking !== undefined || chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'poster-browser-video-'));
  const webm = await film('portrait.webm', ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8']);
  const camera = await film('camera.mjpeg', ['-c:v', 'mjpeg', '-q:v', '3']);
  for (const [path, content] of await bundlePage('video-page.js')) serve.set(path, content);
  serve.set('/portrait.webm', await readFile(webm));
  serve.set('/text.webm', 'not a video');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium(chromium, [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${camera}`,
    '--autoplay-policy=no-user-gesture-required',
  ]);
  page = await browser.newPage();
  await page.goto(`${origin}/video`);
});
after(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
  if (folder !== '') await rm(folder, { recursive: true, force: true });
});

/** A test in the page, left out where there is no browser. */
function pageTest(name: string, check: (page: Page) => Promise<void>): void {
  test(name, async (t: TestContext) => {
    if (page === undefined) t.skip(lacking);
    else await check(page);
  });
}

/** What a scene of the page gives. */
async function scene<K extends keyof Scenes>(
  name: K,
  ...given: Parameters<Scenes[K]>
): Promise<Awaited<ReturnType<Scenes[K]>>> {
  assert.ok(page !== undefined);
  return page.evaluate(
    ([known, values]) => {
      const { scenes } = globalThis as unknown as { scenes: Record<string, (...given: unknown[]) => Promise<unknown>> };
      return scenes[known]?.(...values);
    },
    [name, given] as const,
  ) as Promise<Awaited<ReturnType<Scenes[K]>>>;
}

const idsOf = (frames: readonly FrameSummary[]): number[] => [
  ...new Set(frames.flatMap(({ faces }) => faces.map(([id]) => id))),
];

function assertAscending(frames: readonly FrameSummary[]): void {
  for (const key of ['time', 'frame'] as const) {
    const values = frames.map((frame) => frame[key]);
    assert.ok(
      values.every((value, i) => i === 0 || value > (values[i - 1] ?? Number.NaN)),
      `${key}: ${values}`,
    );
  }
}

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'in the page';

  pageTest(`a camera: one face, one number, until the program has enough (${where})`, async () => {
    const { frames, error, left, states } = await scene('camera', worker);
    assert.equal(error, null);
    assert.equal(frames.length, 8);
    assert.equal(frames[0]?.time, 0);
    assertAscending(frames);
    assert.deepEqual(idsOf(frames), [1]);
    assert.ok(frames.every(({ faces }) => faces.length === 1 && faces[0]?.[1] === 'happiness'));
    // The camera is the caller's.
    assert.deepEqual(states, ['live']);
    assert.equal(left, 0);
  });

  pageTest(`a video: frames at their times, to its end (${where})`, async () => {
    const { frames, error, left } = await scene('file', worker);
    assert.equal(error, null);
    assert.ok(frames.length >= 3, `${frames.length} frames`);
    assertAscending(frames);
    assert.deepEqual(idsOf(frames), [1]);
    assert.ok(frames.every(({ time, width, height }) => time < 2 && width === 304 && height === 228));
    assert.equal(left, 0);
  });

  pageTest(`frames that are handed over: in order, dropped while one is under way (${where})`, async () => {
    const { frames, dropped, whole } = await scene('handedOver', worker);
    assert.equal(dropped, 1);
    assert.deepEqual(
      frames.map(({ time, frame, faces }) => [time, frame, faces.map(([id]) => id)]),
      [
        [0.01, 0, [1]],
        [0.03, 1, [1]],
        [0.04, 2, [1]],
      ],
    );
    assert.deepEqual(whole, [304, 304]);
  });
}

pageTest('a camera that is stopped ends in order, also where there is sound beside it', async () => {
  for (const name of ['stopped', 'stoppedInElement'] as const) {
    const { frames, error, left } = await scene(name);
    assert.equal(error, null, name);
    assert.ok(frames.length >= 2, name);
    assert.equal(left, 0, name);
  }
});

pageTest('a video that is paused gives the frame that it shows, then waits; a signal ends it', async () => {
  const { frames, error, left } = await scene('abortedWhilePaused');
  assert.equal(frames.length, 1);
  assert.equal(error, 'Error: enough');
  assert.equal(left, 0);
});

pageTest('after a seek times begin there, and faces are new', async () => {
  const { frames, error } = await scene('sought');
  assert.equal(error, null);
  const back = frames.findIndex(({ time }) => time < 1);
  assert.ok(back >= 1, `${frames.map(({ time }) => time)}`);
  assert.equal(frames.length, back + 2);
  assert.deepEqual([idsOf(frames.slice(0, back)), idsOf(frames.slice(back))], [[1], [2]]);
});

pageTest('another source ends it', async () => {
  const { frames, error, left } = await scene('replaced');
  assert.equal(error, null);
  assert.ok(frames.length >= 2);
  assert.equal(left, 0);
});

pageTest('at most so many frames a second, and so many pixels', async () => {
  const { frames, error } = await scene('limited');
  assert.equal(error, null);
  assert.equal(frames.length, 3);
  assert.ok(frames.every(({ time }, i) => i === 0 || time - (frames[i - 1]?.time ?? 0) > 0.098));
  assert.ok(frames.every(({ width, height, faces }) => width === 160 && height === 120 && faces.length === 1));
});

const sentences: Readonly<Record<string, RegExp>> = {
  'no source': /^UserError: The video has no source; set its src or srcObject, then pass it\.$/,
  'another origin': /^UserError: The video shows pixels of another origin, which a page may not read; load them with/,
  'not a video file': /^UserError: The video cannot be played by this browser; save it as MP4 \(H\.264\) or WebM\.$/,
  'stopped camera': /^UserError: The camera of this stream has been stopped; open it again\.$/,
  'empty stream': /^UserError: The stream has no video track; ask for one with video: true\.$/,
  'an address': /^UserError: recognizeVideo takes a video element or a MediaStream; for frames of your own use/,
  'no such camera': /^UserError: The camera that was chosen is gone; choose another one\.$/,
  fps: /^UserError: A video cannot be read with 0 frames a second; give more than 0\.$/,
  left: /^0$/,
};

pageTest('what cannot be looked at is a sentence each', async () => {
  const messages: Readonly<Record<string, string>> = await scene(
    'sentences',
    `${origin.replace('127.0.0.1', 'localhost')}/portrait.webm`,
  );
  assert.deepEqual(Object.keys(messages), Object.keys(sentences));
  for (const [name, sentence] of Object.entries(sentences)) assert.match(messages[name] ?? '', sentence, name);
});

pageTest('a camera that is refused is a sentence', async (open) => {
  await open.route('**/refused', (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: { 'permissions-policy': 'camera=()' },
      body: '<!doctype html><title>poster-v2</title><script type="module" src="/video-page.js"></script>',
    }),
  );
  await open.goto(`${origin}/refused`);
  await open.waitForFunction(() => 'scenes' in globalThis);
  assert.match(await scene('refused'), /^UserError: The camera was not allowed; allow it in the browser's settings/);
});
