import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  accumulate,
  alignment,
  allocate,
  clipByGlobalNorm,
  cosine,
  createEma,
  emaDecay,
  exponential,
  firstNonFinite,
  flatten,
  globalNorm,
  learningRate,
  type Schedule,
  updateEma,
  views,
} from './index.js';
import { shapes } from './support.test.js';

const value = fc.float({ min: -10, max: 10, noNaN: true });

test('tensors are aligned, apart, in order, and cover the layout', () => {
  fc.assert(
    fc.property(shapes, (map) => {
      const layout = flatten(map);
      assert.deepEqual(layout.names, [...map.keys()]);
      let end = 0;
      layout.offsets.forEach((offset, i) => {
        assert.equal(offset % alignment, 0);
        assert.ok(offset >= end && offset - end < alignment);
        end = offset + (layout.sizes[i] ?? 0);
      });
      assert.ok(layout.total >= end && layout.total - end < alignment);
    }),
  );
});

test('views share memory with the flat array', () => {
  const layout = flatten(
    new Map([
      ['scalar', []],
      ['m', [2, 3]],
    ]),
  );
  const flat = allocate(layout);
  views(layout, flat).get('m')?.set([1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...flat.subarray(16, 22)], [1, 2, 3, 4, 5, 6]);
  assert.equal(views(layout, flat).get('scalar')?.length, 1);
});

test('impossible shapes and arrays of another length are refused', () => {
  assert.throws(() => flatten(new Map([['x', [2, -1]]])), /\[2, -1\] of x/);
  assert.throws(() => flatten(new Map([['x', [1.5]]])), /1\.5/);
  const layout = flatten(new Map([['x', [2]]]));
  assert.throws(() => views(layout, new Float32Array(2)), /2 elements, its layout 16/);
});

test('the global norm equals the plain formula and does not overflow', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 40 }), (values) => {
      const layout = flatten(new Map([['x', [values.length]]]));
      const norm = globalNorm(layout, new Map([['x', Float32Array.from(values)]]));
      const expected = Math.hypot(...values);
      assert.ok(Math.abs(norm - expected) <= 1e-12 * (1 + expected));
    }),
  );
  const layout = flatten(new Map([['x', [4]]]));
  assert.ok(Number.isFinite(globalNorm(layout, new Map([['x', new Float32Array(4).fill(3.4e38)]]))));
});

test('clipping brings a norm above the limit to it, and leaves smaller and broken gradients alone', () => {
  const layout = flatten(
    new Map([
      ['x', [2]],
      ['y', [1]],
    ]),
  );
  const make = (y: number) => new Map(Object.entries({ x: new Float32Array([2, 3]), y: new Float32Array([y]) }));
  const large = make(6);
  assert.equal(clipByGlobalNorm(layout, large, 3.5), 7);
  assert.ok(Math.abs(globalNorm(layout, large) - 3.5) < 1e-6);
  const small = make(6);
  clipByGlobalNorm(layout, small, 8);
  assert.deepEqual(small, make(6));
  const broken = make(Number.POSITIVE_INFINITY);
  assert.equal(clipByGlobalNorm(layout, broken, 1), Number.POSITIVE_INFINITY);
  assert.deepEqual(broken, make(Number.POSITIVE_INFINITY));
  assert.throws(() => clipByGlobalNorm(layout, small, 0), RangeError);
});

test('the first tensor with a NaN or an infinity is named', () => {
  const layout = flatten(
    new Map([
      ['x', [5]],
      ['y', [7]],
      ['z', [1]],
    ]),
  );
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (let at = 0; at < 7; at++) {
      const flat = allocate(layout);
      assert.equal(firstNonFinite(layout, flat), undefined);
      views(layout, flat).get('y')?.set([bad], at);
      views(layout, flat).get('z')?.set([bad]);
      assert.equal(firstNonFinite(layout, flat), 'y');
    }
  }
});

test('weighted micro-batches add up', () => {
  const layout = flatten(
    new Map([
      ['x', [2]],
      ['y', [1]],
    ]),
  );
  const sum = allocate(layout);
  const part = (a: number, b: number, c: number) =>
    new Map(Object.entries({ x: new Float32Array([a, b]), y: new Float32Array([c]) }));
  accumulate(layout, sum, part(1, 2, 3), 0.75);
  accumulate(layout, sum, part(5, 6, 7), 0.25);
  assert.deepEqual(Object.fromEntries(views(layout, sum)), Object.fromEntries(part(2, 3, 4)));
});

test('the average warms up, follows, and holds still at a fixed point', () => {
  assert.deepEqual([emaDecay(0.999, 0), emaDecay(0.999, 90), emaDecay(0.999, 1e6)], [0.1, 0.91, 0.999]);
  const ema = createEma(new Float32Array([1, 2]), new Float32Array([10]));
  updateEma(ema, 0.5, new Float32Array([2, 2]), new Float32Array([20]));
  assert.deepEqual([...ema.parameters, ...ema.buffers], [Math.fround(1.9), 2, 19]);
  updateEma(ema, 0, new Float32Array([7, 7]), new Float32Array([7]));
  assert.deepEqual([...ema.parameters, ...ema.buffers, ema.updates], [7, 7, 7, 2]);
  assert.throws(() => updateEma(ema, 1.1, ema.parameters, ema.buffers), RangeError);
  assert.throws(() => updateEma(ema, 0.9, ema.parameters), /1 buffers, not 2 and 0/);
});

test('a learning rate is never below 0 or above the highest, and falls after the warm-up', () => {
  const schedule = fc.constantFrom<Schedule>(exponential(1), cosine(1, 0.1), { ...cosine(1), type: 'constant' });
  const warmUp = fc.record({
    length: fc.double({ min: 0, max: 12, noNaN: true }),
    unit: fc.constantFrom('steps' as const, 'epochs' as const),
  });
  fc.assert(
    fc.property(
      schedule,
      warmUp,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (base, ramp, n, epochs) => {
        const rates = Array.from({ length: n * epochs }, (_, step) =>
          learningRate({ ...base, warmUp: ramp }, { step, stepsPerEpoch: n, epochs }),
        );
        assert.ok(rates.every((rate) => rate > 0 && rate <= 1));
        const steps = Math.round(ramp.unit === 'steps' ? ramp.length : ramp.length * n);
        for (let i = Math.max(1, steps); i < rates.length; i++) assert.ok((rates[i] ?? 2) <= (rates[i - 1] ?? 0));
      },
    ),
  );
});
