import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { ferPlusCrop } from '../common/crop-templates.js';
import { itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { type Corruption, type CorruptionContext, corruptible, corruptions } from './corruptions.js';
import type { Picture } from './resize.js';

/** Brighter to the right and, by half as much, to the bottom, with fine detail; in colour, differently in each channel. */
function gradient(width: number, height: number, channels: 1 | 3): Picture {
  const detail = random(1, 'detail');
  const value = (_: unknown, i: number): number => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    return Math.round(20 + (140 * x) / width + (60 * y) / height + 10 * c + detail.uniform(0, 15));
  };
  return { width, height, channels, data: Uint8Array.from({ length: width * height * channels }, value) };
}

/** The same stream each time, as a measurement gives it at every strength. */
const context = (name: string, seed = 3): CorruptionContext => ({
  points: ferPlusCrop.points,
  stream: random(seed, name),
});

function corruptionNamed(name: string): Corruption {
  const found = corruptions.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

/** Root of the mean square difference. */
function damage(before: Picture, after: Picture): number {
  const squares = before.data.reduce((sum, value, i) => sum + (value - itemAt(after.data, i)) ** 2, 0);
  return Math.sqrt(squares / before.data.length);
}

/** Strengths at which nothing happens. */
const harmless: Readonly<Record<string, number>> = {
  brightness: 0,
  darkness: 1,
  contrast: 1,
  blur: 0,
  noise: 0,
  'low resolution': 1000,
  rotation: 0,
  'eyes hidden': 0,
  'mouth hidden': 0,
  shift: 0,
  scale: 1,
};

const pictures = [gradient(48, 48, 1), gradient(40, 56, 3)];

describe('every corruption', () => {
  for (const { name, strengths, apply } of corruptions) {
    it(`${name} keeps size and channels, and is the same for the same stream`, () => {
      for (const picture of pictures) {
        const before = picture.data.slice();
        for (const strength of strengths) {
          const after = apply(picture, strength, context(name));
          const { width, height, channels } = picture;
          assert.deepEqual([after.width, after.height, after.channels], [width, height, channels]);
          assert.equal(after.data.length, picture.data.length);
          assert.deepEqual(apply(picture, strength, context(name)).data, after.data);
        }
        assert.deepEqual(picture.data, before, 'what is given is not changed');
      }
    });

    it(`${name} does more damage with each strength`, () => {
      for (const picture of pictures) {
        const damages = strengths.map((strength) => damage(picture, apply(picture, strength, context(name))));
        for (const [i, value] of damages.entries()) assert.ok(value > (damages[i - 1] ?? 0), damages.join());
      }
    });

    const nothing = harmless[name];
    if (nothing === undefined) continue;
    it(`${name} of ${nothing} leaves pictures as they are`, () => {
      for (const picture of pictures) assert.deepEqual(apply(picture, nothing, context(name)).data, picture.data);
    });
  }
});

test('numbers by hand', () => {
  const picture: Picture = { width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 100, 200, 255) };
  const by = (name: string, strength: number): number[] => [
    ...corruptionNamed(name).apply(picture, strength, context(name)).data,
  ];
  // 255 x 0.2 = 51
  assert.deepEqual(by('brightness', 0.2), [51, 151, 251, 255]);
  assert.deepEqual(by('darkness', 0.1), [0, 10, 20, 26]);
  // About the mean, 138.75: 138.75 - 13.875 = 124.875, and so on.
  assert.deepEqual(by('contrast', 0.1), [125, 135, 145, 150]);
  // To one pixel and back.
  assert.deepEqual(by('low resolution', 1), [139, 139, 139, 139]);
});

test('a hidden mouth is a box of the mean, where the template has the mouth', () => {
  const picture = gradient(100, 100, 1);
  const mean = Math.round(picture.data.reduce((sum, value) => sum + value, 0) / 10_000);
  const hidden = corruptionNamed('mouth hidden').apply(picture, 0.5, context('mouth hidden'));
  // FER+: the eyes are 0.372 apart, the mouth is at (0.5, 0.767). Width 37.2, height 18.6.
  for (let y = 0; y < 100; y++) {
    for (let x = 0; x < 100; x++) {
      const inside = x >= 31 && x < 69 && y >= 67 && y < 86;
      const at = y * 100 + x;
      assert.equal(itemAt(hidden.data, at), inside ? mean : itemAt(picture.data, at), `${x}, ${y}`);
    }
  }
});

test('directions are drawn: turned, shifted and scaled both ways', () => {
  const picture = gradient(48, 48, 1);
  for (const name of ['rotation', 'shift', 'scale']) {
    const { apply, strengths } = corruptionNamed(name);
    const means = Array.from({ length: 12 }, (_, seed) => {
      const { data } = apply(picture, strengths[4], context(name, seed));
      // The top left pixel tells them apart.
      return itemAt(data, 0);
    });
    assert.ok(Math.max(...means) - Math.min(...means) > 10, `${name}: ${means.join()}`);
  }
});

test('large pictures are shrunk before, small ones never enlarged, gray ones have one channel', () => {
  const { width, height, channels } = corruptible(gradient(896, 448, 3));
  assert.deepEqual([width, height, channels], [224, 112, 3]);
  const small = gradient(48, 48, 3);
  assert.deepEqual(corruptible(small), small);
  const gray = gradient(48, 48, 1);
  const data = new Uint8Array(3 * gray.data.length);
  gray.data.forEach((value, i) => {
    data.fill(value, 3 * i, 3 * i + 3);
  });
  assert.deepEqual(corruptible({ ...gray, channels: 3, data }), gray);
});

test('what hides parts of a face names the points that it needs', () => {
  for (const { name, needs, strengths, apply } of corruptions) {
    const points = Object.fromEntries(needs.map((point) => [point, ferPlusCrop.points[point]]));
    apply(itemAt(pictures, 0), strengths[0], { ...context(name), points });
    if (needs.length === 0) continue;
    assert.throws(() => apply(itemAt(pictures, 0), strengths[0], { ...context(name), points: {} }), /does not say/);
  }
});
