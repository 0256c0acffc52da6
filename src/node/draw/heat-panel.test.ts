import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { type HeatMap, heatRamp } from '../../draw/index.js';
import { heatPanel } from './heat-panel.js';

const picture = { width: 4, height: 4, channels: 1, data: new Uint8Array(16).fill(128) } as const;

/** The panel's pixels around the middle of a cell's quarter (0 to 3, row by row), averaged. */
async function quarters(map: HeatMap | undefined): Promise<number[][]> {
  const cell = { title: 'A <b> & "c"', note: '\u0007', ...(map === undefined ? {} : { map }) };
  const rows = [{ title: 'row', cells: [cell] }];
  const png = await heatPanel(picture, { title: 'title', subtitle: '', rows, legend: ['0', '1'] });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const [left, top, side] = [28, 156, 224];
  return [0, 1, 2, 3].map((quarter) => {
    const x = left + side * (quarter % 2 === 0 ? 0.1 : 0.9);
    const y = top + side * (quarter < 2 ? 0.1 : 0.9);
    const at = (Math.round(y) * info.width + Math.round(x)) * info.channels;
    return [...data.subarray(at, at + 3)];
  });
}

const brightness = (colour: readonly number[] | undefined): number => (colour ?? []).reduce((a, b) => a + b, 0);

test('a map is drawn the right way up, its highest value the brightest', async () => {
  for (const quarter of [0, 1, 2, 3]) {
    const values = new Float32Array(4).fill(0.001);
    values[quarter] = 0.01;
    const levels = (await quarters({ side: 2, values })).map(brightness);
    assert.equal(levels.indexOf(Math.max(...levels)), quarter);
  }
});

test('colours can share a range, and 0 everywhere is no heat', async () => {
  const values = Float32Array.of(1, 1, 1, 1);
  const [own] = await quarters({ side: 2, values });
  const [half] = await quarters({ side: 2, values, top: 2 });
  const [none] = await quarters({ side: 2, values: new Float32Array(4) });
  assert.ok(brightness(own) > brightness(half) && brightness(half) > brightness(none));
  assert.deepEqual((await quarters(undefined))[0], [128, 128, 128]);
});

test('what is in the picture can be seen under the brightest map', async () => {
  // Left half dark, right half light.
  const halves = { width: 2, height: 1, channels: 1, data: Uint8Array.of(40, 200) } as const;
  const rows = [{ title: '', cells: [{ title: '', note: '', map: { side: 1, values: Float32Array.of(1) } }] }];
  const png = await heatPanel(halves, { title: '', subtitle: '', rows, legend: ['', ''] });
  const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number): number => data[(156 + 112) * info.width * info.channels + (28 + x) * info.channels] ?? 0;
  assert.ok(at(210) > 1.8 * at(14), `${at(14)} ${at(210)}`);
});

test('the colours rise evenly in lightness', () => {
  assert.equal(heatRamp.length, 256 * 3);
  const linear = (byte: number): number => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const lightness = Array.from({ length: 256 }, (_, level) => {
    const [r = 0, g = 0, b = 0] = [...heatRamp.subarray(3 * level, 3 * level + 3)].map(linear);
    return Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b);
  });
  for (let level = 16; level < 256; level++) {
    const step = (lightness[level] ?? 0) - (lightness[level - 16] ?? 0);
    assert.ok(step > 0.02 && step < 0.09, `${step} at ${level}`);
  }
});
