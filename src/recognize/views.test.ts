import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import { applyView, type CropCount, cropCounts, mirrored, viewsOf } from './views.js';

const [size, channels, n] = [8, 3, 2];
const images = Float32Array.from({ length: n * channels * size * size }, (_, i) => Math.sin(i * i));
/** 10 a pixel to the right and 1 a pixel down, in one channel. */
const slope = Float32Array.from({ length: size * size }, (_, i) => 10 * (i % size) + Math.floor(i / size));

describe('views', () => {
  it('are the picture, its mirror image, or crops by their places', () => {
    const names = (count: CropCount | undefined, flip = false): string[] =>
      viewsOf({ flip, ...(count === undefined ? {} : { crops: { count } }) }).map(({ name }) => name);
    assert.deepEqual(names(undefined), ['picture']);
    assert.deepEqual(names(undefined, true), ['picture', 'mirror image']);
    assert.deepEqual(names(1, true), ['middle crop', 'mirror image, middle crop']);
    assert.deepEqual(names(5), [
      'top left crop',
      'top right crop',
      'middle crop',
      'bottom left crop',
      'bottom right crop',
    ]);
    assert.equal(new Set(names(9, true)).size, 18);
  });

  it('of a slope show the part that they are named by', () => {
    for (const view of viewsOf({ crops: { count: 9, scale: 0.5 } })) {
      const { name, x, y } = view;
      const output = applyView(slope, size, view);
      const mean = output.reduce((sum, value) => sum + value, 0) / output.length;
      // The middle of a crop of half the side is 2 pixels from the picture's, unless what lies beyond the border is repeated.
      const wanted = 3.5 * 11 + 2 * (10 * x + y);
      assert.ok(Math.abs(mean - wanted) < 0.5, `${name}: ${mean}, not ${wanted}`);
    }
  });

  it('of all of the picture are the picture, and crops of a mirror image are mirrored crops', () => {
    const [whole, mirror] = viewsOf({ flip: true });
    assert.ok(whole !== undefined && mirror !== undefined);
    assert.equal(applyView(images, size, whole), images);
    assert.deepEqual(applyView(images, size, mirror), mirrored(images, size));
    for (const view of viewsOf({ crops: { count: 9, scale: 1 } })) {
      assert.deepEqual(applyView(images, size, view), images);
    }
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 0.999, noNaN: true }), fc.constantFrom(...cropCounts), (scale, count) => {
        const views = viewsOf({ flip: true, crops: { count, scale } });
        assert.equal(views.length, 2 * count);
        for (const view of views.slice(count)) {
          // Mirrored first, then cut out: the same as cut out on the other side, then mirrored.
          const other = applyView(images, size, { ...view, mirrored: false, x: -view.x });
          const output = applyView(images, size, view);
          const wanted = mirrored(other, size);
          assert.ok(output.every((value, i) => Math.abs(value - (wanted[i] ?? Number.NaN)) < 1e-5));
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('that cannot be are a sentence', () => {
    const refused = (scale: number, setting: string) =>
      assert.throws(
        () => viewsOf({ crops: { count: 5, scale } }),
        (error) => error instanceof UserError && error.kind === 'usage' && error.settings.join() === setting,
      );
    for (const scale of [0, -0.5, 1.01, Number.NaN]) refused(scale, 'cropScale');
    // Programs without types may pass anything.
    assert.throws(
      () => viewsOf({ crops: JSON.parse('{ "count": 3 }') }),
      /cannot be seen in 3 crops; choose 1, 5 or 9/,
    );
  });
});
