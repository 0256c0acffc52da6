import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import {
  accumulate,
  adam,
  adamw,
  alignment,
  allocate,
  checkSchedule,
  climb,
  clipByGlobalNorm,
  cosine,
  createEma,
  createState,
  emaDecay,
  exponential,
  firstNonFinite,
  flatten,
  gather,
  globalNorm,
  type Layout,
  learningRate,
  type OptimizerConfig,
  oneCycle,
  perturb,
  restoreState,
  type Schedule,
  sgd,
  stateArrays,
  update,
  updateEma,
  views,
} from './index.js';

const shapes = fc
  .array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((list) => new Map(list.map((shape, i) => [`p${i}`, shape])));
const value = fc.float({ min: -10, max: 10, noNaN: true });

/** A flat array of the layout and the same values by name, both from one generator. */
function filled(layout: Layout, next: () => number): { flat: Float32Array; named: Map<string, Float32Array> } {
  const flat = allocate(layout);
  const named = new Map([...views(layout, flat)].map(([name, values]) => [name, values.map(next)]));
  gather(layout, named, flat);
  return { flat, named };
}

/** A small generator, so that a test can fill arrays of any size from one number. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const optimizers = fc.constantFrom<OptimizerConfig>(
  adam(0.01),
  adam(0.01, { weightDecay: 0.1 }),
  adamw(0.01),
  sgd(0.01),
  sgd(0.01, { momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
);

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

test('gradients by name and flat give the same bits, the padding stays zero, gradients are only read', () => {
  fc.assert(
    fc.property(shapes, optimizers, fc.integer(), (map, config, seed) => {
      const layout = flatten(map);
      const next = numbers(seed);
      const a = filled(layout, next).flat;
      const b = a.slice();
      const stateA = createState(config, layout);
      const stateB = createState(config, layout);
      for (let step = 0; step < 3; step++) {
        const gradients = filled(layout, next);
        const before = gradients.flat.slice();
        update(config, stateA, layout, a, gradients.flat);
        update(config, stateB, layout, b, gradients.named);
        assert.deepEqual(gradients.flat, before);
      }
      assert.deepEqual(a, b);
      assert.deepEqual(stateA, stateB);
      const repacked = allocate(layout);
      gather(layout, views(layout, a), repacked);
      assert.deepEqual(repacked, a);
    }),
    { numRuns: 50 },
  );
});

test('a restored optimizer equals an uninterrupted run, bit for bit, whatever the order of the layout', () => {
  fc.assert(
    fc.property(shapes, optimizers, fc.integer(), fc.integer({ min: 0, max: 3 }), (map, config, seed, stop) => {
      const layout = flatten(map);
      const reversed = flatten(new Map([...map].reverse()));
      const next = numbers(seed);
      const params = filled(layout, next).flat;
      const gradients = Array.from({ length: 5 }, () => filled(layout, next).named);
      const straight = params.slice();
      const state = createState(config, layout);
      let resumed = params.slice();
      let stopped = createState(config, layout);
      gradients.forEach((gradient, step) => {
        if (step === stop) {
          const stored = new Map([...stateArrays(stopped, layout)].map(([name, values]) => [name, values.slice()]));
          const moved = allocate(reversed);
          gather(reversed, views(layout, resumed), moved);
          stopped = restoreState(config, reversed, stopped.step, stored);
          resumed = moved;
        }
        update(config, state, layout, straight, gradient);
        update(config, stopped, step < stop ? layout : reversed, resumed, gradient);
      });
      const back = allocate(layout);
      gather(layout, views(reversed, resumed), back);
      assert.deepEqual(back, straight);
      assert.equal(stopped.step, state.step);
    }),
    { numRuns: 50 },
  );
});

test('a state of another optimizer or network is refused in one sentence', () => {
  const layout = flatten(new Map([['x', [2]]]));
  const arrays = stateArrays(createState(sgd(1, { momentum: 0.9 }), layout), layout);
  assert.throws(
    () => restoreState(adam(1), layout, 3, arrays),
    (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /does not fit adam .* exp_avg\/x is missing/);
      return true;
    },
  );
  const wider = flatten(new Map([['x', [3]]]));
  assert.throws(() => restoreState(sgd(1, { momentum: 0.9 }), wider, 3, arrays), /has 2 elements instead of 3/);
  assert.throws(() => restoreState(adam(1), layout, -1, arrays), UserError);
  assert.throws(() => update(adam(1), createState(sgd(1), layout), layout, allocate(layout), allocate(layout)), /sgd/);
});

test('nothing moves when a gradient is missing or of the wrong size', () => {
  const layout = flatten(
    new Map([
      ['x', [2]],
      ['y', [2]],
    ]),
  );
  const params = allocate(layout);
  const state = createState(adam(1), layout);
  const x = new Float32Array([1, 1]);
  assert.throws(() => update(adam(1), state, layout, params, new Map([['x', x]])), /no values for y/);
  const wrong = new Map(Object.entries({ x, y: new Float32Array(3) }));
  assert.throws(() => update(adam(1), state, layout, params, wrong), /y has 2 elements, but 3/);
  assert.equal(state.step, 0);
  assert.deepEqual(params, allocate(layout));
});

test('numbers out of range are the user\u2019s to mend', () => {
  const layout = flatten(new Map());
  const wrong: OptimizerConfig[] = [
    adam(-1),
    adam(Number.NaN),
    adam(1, { betas: [0.9, 1] }),
    adam(1, { eps: -1 }),
    adamw(1, { weightDecay: -0.1 }),
    sgd(1, { momentum: -0.1 }),
    sgd(1, { nesterov: true }),
    sgd(Number.POSITIVE_INFINITY),
  ];
  for (const config of wrong) assert.throws(() => createState(config, layout), UserError, JSON.stringify(config));
  const schedules: Schedule[] = [
    exponential(1, 0),
    exponential(-1),
    cosine(1, 2),
    { ...cosine(1), warmUp: { length: -1, unit: 'steps' } },
    { ...oneCycle(1), rise: 2 },
    { ...oneCycle(1), divFactor: Number.NaN },
  ];
  for (const schedule of schedules) assert.throws(() => checkSchedule(schedule), UserError, JSON.stringify(schedule));
  for (const schedule of [exponential(1), cosine(1), oneCycle(1)]) checkSchedule(schedule);
});

test('the decay rule sees names and shapes and decides for each tensor', () => {
  const layout = flatten(
    new Map([
      ['x', [1]],
      ['y', [1]],
    ]),
  );
  const config = adamw(0.5, { weightDecay: 0.5 });
  const params = allocate(layout);
  views(layout, params).forEach((values) => {
    values.fill(1);
  });
  const state = createState(config, layout, (name, shape) => name === 'y' && shape.length === 1);
  update(config, state, layout, params, allocate(layout));
  assert.deepEqual([params[0], params[16]], [1, 0.75]);
});

test('SAM climbs by rho along the gradient and restores every bit', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), fc.double({ min: 0, max: 2, noNaN: true }), (map, seed, rho) => {
      const layout = flatten(map);
      const next = numbers(seed);
      const params = filled(layout, next).flat;
      const gradients = filled(layout, next);
      const before = params.slice();
      const target = allocate(layout);
      const norm = climb(layout, params, gradients.named, rho, target);
      assert.deepEqual(params, before);
      const perturbation = perturb(layout, params, gradients.flat, rho);
      assert.deepEqual(params, target);
      assert.equal(perturbation.norm, norm);
      const distance = Math.hypot(...params.map((x, i) => x - (before[i] ?? 0)));
      assert.ok(Math.abs(distance - (norm === 0 ? 0 : rho)) < 1e-5);
      perturbation.restore();
      assert.deepEqual(new Uint32Array(params.buffer), new Uint32Array(before.buffer));
    }),
    { numRuns: 50 },
  );
  const layout = flatten(new Map([['x', [1]]]));
  assert.throws(() => perturb(layout, allocate(layout), allocate(layout), Number.NaN), /rho/);
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
