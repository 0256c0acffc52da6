import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../common/random.js';
import { type AdamKernel, blockSize, createAdamKernel } from './adam-kernel.js';

const numbers = { beta1: 0.9, beta2: 0.999, stepSize: 1e-3, eps: 1e-8, shrink: 0.999, l2: 0.01 };

/** The same in JavaScript, in double precision. */
const adamLoop: AdamKernel = (weights, gradient, first, second, numbers) => {
  const { beta1, beta2, stepSize, eps, shrink, l2 } = numbers;
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  const size = weights.length;
  for (let i = 0; i < size; i++) {
    const w = weights[i] as number;
    const g = (gradient[i] as number) + l2 * w;
    const m = beta1 * (first[i] as number) + rest1 * g;
    const v = beta2 * (second[i] as number) + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] = shrink * w - (stepSize * m) / (Math.sqrt(v) + eps);
  }
};

const close = (found: Float32Array, expected: Float32Array): void => {
  const largest = Math.max(1e-30, ...expected.map(Math.abs));
  found.forEach((value, j) => {
    assert.ok(Math.abs(value - (expected[j] ?? Number.NaN)) <= 1e-6 * largest, `element ${j} of ${found.length}`);
  });
};

for (const size of [0, 1, 3, 4, 17, blockSize, 2 * blockSize + 5]) {
  test(`the kernel does what the loop does, ${size} elements`, () => {
    const generator = random(size, 'adam');
    const normal = (scale: number): Float32Array =>
      Float32Array.from({ length: size }, () => scale * generator.normal());
    const start = { w: normal(1), g: normal(1e-3), m: normal(1e-3), v: normal(1e-3).map((x) => x * x) };
    type Three = readonly [Float32Array, Float32Array, Float32Array];
    const run = (kernel: AdamKernel, [w, m, v]: Three): Three => {
      for (let step = 0; step < 3; step++) kernel(w, start.g, m, v, numbers);
      return [w, m, v];
    };
    const copies = (): Three => [start.w.slice(), start.m.slice(), start.v.slice()];
    const expected = run(adamLoop, copies());

    // Room for one array more, which must stay as it is.
    const memory = createAdamKernel(size, 4);
    const guests = run(memory.kernel, copies());
    const [w, m, v, other] = memory.arrays as [Float32Array, Float32Array, Float32Array, Float32Array];
    other.fill(7);
    w.set(start.w);
    m.set(start.m);
    v.set(start.v);
    const residents = run(memory.kernel, [w, m, v]);
    expected.forEach((values, i) => {
      close(guests[i] ?? new Float32Array(), values);
      assert.deepEqual(residents[i], guests[i], 'where the arrays are makes no difference');
    });
    assert.ok(other.every((value) => value === 7));
  });
}
