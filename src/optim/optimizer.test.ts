import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../common/errors.js';
import {
  adam,
  adamw,
  allocate,
  checkSchedule,
  climb,
  cosine,
  createState,
  exponential,
  flatten,
  gather,
  type OptimizerConfig,
  oneCycle,
  perturb,
  restoreState,
  type Schedule,
  sgd,
  stateArrays,
  update,
  views,
} from './index.js';
import { filled, numbers, shapes } from './support.test.js';

const optimizers = fc.constantFrom<OptimizerConfig>(
  adam(0.01),
  adam(0.01, { weightDecay: 0.1 }),
  adamw(0.01),
  sgd(0.01),
  sgd(0.01, { momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
);

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
      assert.deepEqual(stateArrays(stateA, layout), stateArrays(stateB, layout));
      assert.equal(stateA.step, stateB.step);
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
    // A network whose parameters have no elements has no momentum to store.
    { numRuns: 50, examples: [[new Map([['p0', [0]]]), sgd(0.01, { momentum: 0.9 }), 0, 0]] },
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
