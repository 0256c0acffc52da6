import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimateSimilarity, inverse, type Point, type Similarity, transformed, turn } from './similarity.js';

const coordinate = fc.double({ min: -100, max: 100, noNaN: true });
const point: fc.Arbitrary<Point> = fc.record({ x: coordinate, y: coordinate });
const similarity: fc.Arbitrary<Similarity> = fc
  .record({
    angle: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
    scale: fc.double({ min: 0.05, max: 20, noNaN: true }),
  })
  .chain(({ angle, scale }) =>
    fc.record({
      a: fc.constant(scale * Math.cos(angle)),
      b: fc.constant(scale * Math.sin(angle)),
      tx: coordinate,
      ty: coordinate,
    }),
  );
const near = (one: Point, other: Point, tolerance = 1e-6): boolean =>
  Math.hypot(one.x - other.x, one.y - other.y) <= tolerance;
const spread = (points: readonly Point[]): boolean => points.some((p) => !near(p, points[0] ?? p, 1));

test('a transform is found again from points and their images', () => {
  const points = fc.array(point, { minLength: 2, maxLength: 6 }).filter(spread);
  fc.assert(
    fc.property(points, similarity, (from, transform) => {
      const to = from.map((p) => transformed(transform, p));
      const found = estimateSimilarity(from, to);
      for (const p of from) assert.ok(near(transformed(found, p), transformed(transform, p)));
    }),
  );
});

test('where no transform fits, no other is nearer', () => {
  const pairs = fc.array(fc.tuple(point, point), { minLength: 2, maxLength: 6 });
  const nudge = fc.double({ min: -0.1, max: 0.1, noNaN: true });
  fc.assert(
    fc.property(pairs, nudge, nudge, nudge, nudge, (both, da, db, dx, dy) => {
      const [from, to] = [both.map(([p]) => p), both.map(([, q]) => q)];
      fc.pre(spread(from));
      const error = (transform: Similarity): number =>
        from.reduce((sum, p, i) => {
          const [image, wanted] = [transformed(transform, p), to[i] ?? p];
          return sum + (image.x - wanted.x) ** 2 + (image.y - wanted.y) ** 2;
        }, 0);
      const best = estimateSimilarity(from, to);
      const other = { a: best.a + da, b: best.b + db, tx: best.tx + dx, ty: best.ty + dy };
      assert.ok(error(best) <= error(other) + 1e-6);
    }),
  );
});

test('the inverse leads back', () => {
  fc.assert(
    fc.property(similarity, point, (transform, p) => {
      assert.ok(near(transformed(inverse(transform), transformed(transform, p)), p));
    }),
  );
  assert.throws(() => inverse({ a: 0, b: 0, tx: 1, ty: 1 }), RangeError);
});

test('a turn is clockwise on the screen and takes one point to the other', () => {
  const quarter = turn(90, { x: 2, y: 3 }, { x: 10, y: 20 });
  assert.ok(near(transformed(quarter, { x: 2, y: 3 }), { x: 10, y: 20 }));
  // What was to the right is below.
  assert.ok(near(transformed(quarter, { x: 3, y: 3 }), { x: 10, y: 21 }));
});

test('too few points, or all in one place, are refused', () => {
  const p = { x: 1, y: 2 };
  assert.throws(() => estimateSimilarity([p], [p]), /1 and 1 points/);
  assert.throws(() => estimateSimilarity([p, p], [p]), /2 and 1 points/);
  assert.throws(() => estimateSimilarity([p, p], [p, { x: 3, y: 4 }]), /all points are one/);
});
