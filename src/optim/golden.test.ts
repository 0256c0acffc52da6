import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  adam,
  adamw,
  allocate,
  clipByGlobalNorm,
  constant,
  cosine,
  createState,
  decayMatrices,
  exponential,
  flatten,
  gather,
  learningRate,
  type OptimizerConfig,
  oneCycle,
  perturb,
  type Schedule,
  sgd,
  stateArrays,
  update,
  views,
} from './index.js';

// Numbers of PyTorch in float64; make_optim.py beside the file says how.
interface Golden {
  readonly runs: Readonly<Record<string, GoldenRun>>;
  readonly rates: Readonly<Record<string, readonly number[]>>;
}
interface GoldenRun {
  readonly params: readonly (readonly number[])[];
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly norms?: readonly number[];
}
const fixture = new URL('../../../test/fixtures/optim.json', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(fixture, 'utf8'));

const layout = flatten(
  new Map([
    ['w', [3, 5]],
    ['b', [3]],
  ]),
);

function start(): Float32Array {
  const params = allocate(layout);
  const values = Float32Array.from({ length: 18 }, (_, i) => Math.sin(i + 1));
  gather(layout, new Map(Object.entries({ w: values.subarray(0, 15), b: values.subarray(15) })), params);
  return params;
}

/** Elements without padding, w before b. */
function elements(flat: Float32Array): number[] {
  return [...views(layout, flat).values()].flatMap((values) => [...values]);
}

function gradientsAt(params: Float32Array): Map<string, Float32Array> {
  const all = elements(params).map((value, i) => {
    const d = value - Math.cos(2 * i);
    return (0.5 + (i % 5) / 4) * (d + d ** 3);
  });
  return new Map([
    ['w', Float32Array.from(all.slice(0, 15))],
    ['b', Float32Array.from(all.slice(15))],
  ]);
}

function near(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, what);
  expected.forEach((value, i) => {
    const difference = Math.abs((actual[i] ?? Number.NaN) - value);
    assert.ok(difference <= tolerance, `${what}[${i}]: ${actual[i]} instead of ${value}`);
  });
}

interface Case {
  readonly config: OptimizerConfig;
  readonly rho?: number;
  readonly clip?: number;
  readonly matricesOnly?: true;
}
const cases: Readonly<Record<string, Case>> = {
  adam: { config: adam(0.05) },
  'adam-decay': { config: adam(0.05, { betas: [0.8, 0.95], eps: 1e-2, weightDecay: 0.1 }) },
  'adam-decay-matrices': { config: adam(0.05, { weightDecay: 0.1 }), matricesOnly: true },
  adamw: { config: adamw(0.05, { eps: 1e-2, weightDecay: 0.2 }) },
  sgd: { config: sgd(0.05, { weightDecay: 0.1 }) },
  'sgd-momentum': { config: sgd(0.05, { momentum: 0.9, weightDecay: 0.1 }) },
  'sgd-nesterov': { config: sgd(0.05, { momentum: 0.9, nesterov: true, weightDecay: 0.1 }) },
  'sam-adam': { config: adam(0.05), rho: 0.5 },
  'sam-sgd': { config: sgd(0.05, { momentum: 0.9 }), rho: 0.5 },
  'clip-sgd': { config: sgd(0.05), clip: 2.5 },
};

test('every golden run has a case', () => {
  assert.deepEqual(Object.keys(cases).sort(), Object.keys(golden.runs).sort());
});

for (const [name, { config, rho, clip, matricesOnly }] of Object.entries(cases)) {
  test(`three steps of ${name} as in PyTorch`, () => {
    const expected = golden.runs[name];
    assert.ok(expected);
    const params = start();
    const state = createState(config, layout, matricesOnly ? decayMatrices : undefined);
    const norms: number[] = [];
    for (const after of expected.params) {
      let gradients = gradientsAt(params);
      if (rho !== undefined) {
        const before = params.slice();
        const perturbation = perturb(layout, params, gradients, rho);
        gradients = gradientsAt(params);
        assert.notDeepEqual(params, before);
        perturbation.restore();
        assert.deepEqual(params, before);
        norms.push(perturbation.norm);
      }
      if (clip !== undefined) norms.push(clipByGlobalNorm(layout, gradients, clip));
      update(config, state, layout, params, gradients);
      near(elements(params), after, 1e-6, 'params');
    }
    const kinds = Object.entries(expected.state);
    assert.equal(stateArrays(state, layout).size, 2 * kinds.length);
    for (const [kind, values] of kinds) {
      const arrays = stateArrays(state, layout);
      const actual = ['w', 'b'].flatMap((tensor) => [...(arrays.get(`${kind}/${tensor}`) ?? [])]);
      near(actual, values, 3e-6, kind);
    }
    near(norms, expected.norms ?? [], 1e-5, 'norms');
  });
}

const schedules: Readonly<Record<string, Schedule>> = {
  exponential: exponential(1.5e-3, 0.98),
  cosine: cosine(1.5e-3, 1e-5),
  'one-cycle': oneCycle(1.5e-3),
  'warm-up-cosine': { ...cosine(1.5e-3), warmUp: { length: 4, unit: 'steps' } },
};
for (const [name, schedule] of Object.entries(schedules)) {
  test(`learning rates of ${name} as in PyTorch`, () => {
    const rates = Array.from({ length: 12 }, (_, step) =>
      learningRate(schedule, { step, stepsPerEpoch: 4, epochs: 3 }),
    );
    near(rates, golden.rates[name] ?? [], 1e-15, 'rate');
  });
}

test('the constant schedule, with a warm-up of half an epoch', () => {
  const schedule: Schedule = { ...constant(1), warmUp: { length: 0.5, unit: 'epochs' } };
  const rates = [0, 1, 2, 3].map((step) => learningRate(schedule, { step, stepsPerEpoch: 4, epochs: 3 }));
  assert.deepEqual(rates, [0.5, 1, 1, 1]);
});
