/*
 * `node dist/bench/page-tasks.js [PART...]`: for how long the page computes at most without a pause, in each thing that a visitor does.
 * A page that computes for longer than a frame lasts, 16 ms, stutters. Time of the processor is counted, in the page's main thread: other work on the
 * machine does not change it.
 */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { longestTasks } from './page/tasks.js';
import { visitPage } from './page/visit.js';
import { crowd, portrait } from './sample-media.js';

const { positionals: named } = parseArgs({ allowPositionals: true });
const visit = await visitPage();
const { page, address } = visit;
const face = await readFile(portrait);
const large = await sharp(face).resize(4500, 4500).jpeg({ quality: 85 }).toBuffer();
const many = await crowd();
const jpeg = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/jpeg', buffer });
const shots = await Promise.all(
  Array.from({ length: 200 }, async (_, i) =>
    jpeg(
      `shot ${i}.jpg`,
      await sharp(face)
        .resize(300)
        .modulate({ brightness: 1 - i / 500 })
        .jpeg()
        .toBuffer(),
    ),
  ),
);
const input = () => page.locator('input[type=file]').first();
const read = async (): Promise<void> => {
  await page.waitForFunction(
    () => document.querySelector('.tray-busy') === null && document.querySelector('.tray-badge') !== null,
  );
};
const saving = async (name: string): Promise<void> => {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name }).click();
  await (await download).path();
};

const parts: Readonly<Record<string, () => Promise<void>>> = {
  'first load': async () => {
    await page.goto(address);
    await page.locator('.engine-ready').waitFor();
  },
  'the sample': async () => {
    await page.getByRole('button', { name: /Try the sample/ }).click();
    await read();
  },
  'a face of 20 megapixels': async () => {
    await input().setInputFiles(jpeg('large.jpg', large));
    await page.waitForTimeout(500);
    await read();
  },
  'its drawing': () => saving('Picture with faces'),
  '24 faces on 12 megapixels': async () => {
    await input().setInputFiles(jpeg('crowd.jpg', many));
    await page.waitForTimeout(500);
    await read();
  },
  'their drawing': () => saving('Picture with faces'),
  'an explanation': async () => {
    await page.getByRole('button', { name: 'Show what it looked at' }).click();
    await page.locator('.maps').waitFor();
  },
  '200 pictures': async () => {
    await input().setInputFiles(shots);
    await page.waitForTimeout(1000);
    await read();
  },
  'their JSON': () => saving('JSON'),
  'their CSV': () => saving('CSV'),
  'the camera, half a minute': async () => {
    await page.goto(`${address}#/recognise/camera`);
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.getByRole('heading', { name: 'Face 1' }).waitFor();
    await page.waitForTimeout(30_000);
    await saving('JSON');
    await saving('CSV');
    await page.getByRole('button', { name: 'Stop the camera' }).click();
  },
  'learn: 200 shots': async () => {
    await page.goto(`${address}#/learn`);
    for (const [i, name] of ['happy', 'tired'].entries()) {
      await page.locator('.add-class input').fill(name);
      await page.keyboard.press('Enter');
      await page.locator('.class-card').nth(i).waitFor();
      await page
        .locator('.class-card')
        .nth(i)
        .locator('input[type=file]')
        .setInputFiles(shots.filter((__, at) => at % 2 === i));
      await page.locator('.class-card').nth(i).getByText('100 pictures').waitFor();
    }
  },
  'learn: pictures out': () => saving('Pictures (.zip)'),
  'learn: a face of 20 megapixels': async () => {
    await page.locator('.class-card').first().locator('input[type=file]').setInputFiles(jpeg('large.jpg', large));
    await page.getByText('101 pictures').waitFor();
  },
  'learn: the camera': async () => {
    await page
      .getByRole('button', { name: 'Hold to record happy' })
      .evaluate((node: HTMLButtonElement) => node.click());
    await page.waitForTimeout(8000);
    await page.getByRole('button', { name: 'Turn off' }).click();
  },
  'learn: training': async () => {
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.getByText(/^Epoch [3-9] of 20$/).waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('.trained').waitFor();
  },
  'learn: trying it': async () => {
    await page.locator('.learn-side input[type=file]').first().setInputFiles(jpeg('large.jpg', large));
    await page.locator('.learn-side .score-bars').waitFor();
  },
  'learn: weights out': () => saving('Weights (.safetensors)'),
  'learn: Hugging Face out': () => saving('Hugging Face folder (.zip)'),
};

try {
  for (const [name, part] of Object.entries(parts)) {
    if (named.length > 0 && !named.some((one) => name.includes(one))) continue;
    const { tasks } = await longestTasks(visit, part);
    console.log(
      `${name}: ${tasks.map(({ milliseconds, what }) => `${milliseconds.toFixed(1)} ms (${what})`).join(', ')}`,
    );
  }
} finally {
  await visit.close();
}
