import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lowContrastBelow, withContrast } from './contrast.js';
import type { Picture } from './resize.js';

/** 10 x 10 pixels, a hundredth of which is below `low` and another above `high`; between them all values come alike. */
function gray(low: number, high: number): Picture {
  const between = Array.from({ length: 98 }, (_, i) => Math.round(low + ((high - low) * i) / 97));
  return { width: 10, height: 10, channels: 1, data: Uint8Array.from([0, ...between, 255]) };
}

test('contrast is low where the middle 98% of the values lie close together', () => {
  assert.equal(withContrast(gray(10, 10 + lowContrastBelow), 'stretch').lowContrast, false);
  assert.equal(withContrast(gray(10, 9 + lowContrastBelow), 'stretch').lowContrast, true);
  assert.equal(withContrast(gray(150, 245), 'keep').lowContrast, true);
});

test('low contrast is stretched from the 1st to the 99th percentile, other contrast is left alone', () => {
  const dark = withContrast(gray(10, 60), 'stretch').data;
  // What lies beyond the percentiles is cut off.
  assert.deepEqual([...dark.slice(0, 3), ...dark.slice(-3)], [0, 0, 5, 250, 255, 255]);
  const good = gray(10, 200);
  assert.deepEqual(withContrast(good, 'stretch').data, good.data);
  assert.deepEqual(withContrast(gray(10, 60), 'keep').data, gray(10, 60).data);
});

test('a colour picture is stretched by its luma, alike in all channels', () => {
  const { data } = gray(20, 70);
  const rgb = Uint8Array.from({ length: 300 }, (_, i) =>
    data.at(Math.floor(i / 3)) === 45 && i % 3 === 0 ? 46 : (data.at(Math.floor(i / 3)) ?? 0),
  );
  const stretched = withContrast({ width: 10, height: 10, channels: 3, data: rgb }, 'stretch');
  const at = data.indexOf(45) * 3;
  assert.deepEqual([...stretched.data.slice(at, at + 3)], [133, 127, 127]);
  assert.equal(stretched.channels, 3);
});

test('a picture of one value stays as it is', () => {
  const black = { width: 2, height: 2, channels: 1, data: new Uint8Array(4) } as const;
  assert.deepEqual(withContrast(black, 'stretch'), { ...black, lowContrast: true });
});

test('a dark and a pale picture come out alike', () => {
  const full = Uint8Array.from({ length: 256 }, (_, i) => i);
  const shown = (data: Uint8Array): Uint8Array =>
    withContrast({ width: 16, height: 16, channels: 1, data }, 'stretch').data;
  const dark = shown(full.map((value) => Math.round(value / 4)));
  const pale = shown(full.map((value) => Math.round(190 + value / 4)));
  const worst = dark.reduce((most, value, i) => Math.max(most, Math.abs(value - (pale.at(i) ?? -1e3))), 0);
  assert.ok(worst <= 5, String(worst));
});
