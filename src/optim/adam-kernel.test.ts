import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../common/random.js';
import { blockSize, createAdamKernel } from './adam-kernel.js';
import { adamLoop } from './optimizer.js';

const numbers = { beta1: 0.9, beta2: 0.999, stepSize: 1e-3, eps: 1e-8, shrink: 0.999, l2: 0.01 };

for (const size of [0, 1, 3, 4, 17, blockSize, 2 * blockSize + 5]) {
  test(`the kernel does what the loop does, ${size} elements`, () => {
    const kernel = createAdamKernel();
    assert.ok(kernel, 'this Node has no WebAssembly SIMD');
    const generator = random(size, 'adam');
    const normal = (scale: number): Float32Array =>
      Float32Array.from({ length: size }, () => scale * generator.normal());
    const start = { w: normal(1), g: normal(1e-3), m: normal(1e-3), v: normal(1e-3).map((x) => x * x) };
    const run = (one: typeof adamLoop): Float32Array[] => {
      const [w, m, v] = [start.w.slice(), start.m.slice(), start.v.slice()];
      for (let step = 0; step < 3; step++) one(w, start.g, m, v, numbers);
      return [w, m, v];
    };
    const expected = run(adamLoop);
    run(kernel).forEach((values, i) => {
      const largest = Math.max(1e-30, ...(expected[i] ?? []).map(Math.abs));
      values.forEach((value, j) => {
        assert.ok(Math.abs(value - (expected[i]?.[j] ?? Number.NaN)) <= 1e-6 * largest, `element ${j} of array ${i}`);
      });
    });
  });
}
