import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { resizeBilinear } from '../image/index.js';
import { decodePicture } from '../node/decode/index.js';
import { readDetectorWeights } from '../node/host/detector-weights.js';
import { loadDetectorNetwork } from './detector-network.js';
import { networkInput } from './input.js';
import { kernelDetector } from './kernel-detector.js';

const file = await readDetectorWeights();
const portrait = await decodePicture(new URL('../../../assets/astronaut.png', import.meta.url).pathname);

/** Numbers of -1 to 1 for a batch of inputs. */
function noise(n: number, height: number, width: number): Float32Array {
  const stream = random(1, 'kernels', height, width);
  return Float32Array.from({ length: n * 3 * height * width }, () => 2 * stream.next() - 1);
}

/** Within 1e-4, and of large numbers, which are pixels, within five millionths: sums are of another order. */
function assertClose(actual: Float32Array, expected: Float32Array, name: string): void {
  assert.equal(actual.length, expected.length, name);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(itemAt(actual, i) - value) / (1e-4 + 5e-6 * Math.abs(value));
    if (!(off <= worst)) worst = off;
  }
  assert.ok(worst <= 1, `${name}: ${worst} times what is allowed`);
}

// In this order maps lie where others lay before, and a size comes again.
const inputs = [
  {
    name: 'the portrait',
    n: 1,
    height: 640,
    width: 640,
    pixels: networkInput(resizeBilinear(portrait, 640, 640), 0).pixels,
  },
  { name: 'the least', n: 1, height: 32, width: 32 },
  { name: 'wide', n: 1, height: 64, width: 416 },
  { name: 'a batch of crops', n: 3, height: 96, width: 96 },
  { name: 'high', n: 2, height: 224, width: 32 },
  { name: 'the least again', n: 1, height: 32, width: 32 },
];

for (const relaxed of [false, true]) {
  test(`kernels of our own put out what ONNX Runtime does${relaxed ? ', rounded as is fastest' : ''}`, async () => {
    const own = kernelDetector(file, relaxed);
    assert.ok(own !== undefined, 'the bundled network is one that they run');
    const session = await loadDetectorNetwork(file, 'file');
    for (const { name, n, height, width, pixels = noise(n, height, width) } of inputs) {
      const expected = await session.run(pixels, n, height, width);
      const actual = await own.run(pixels, n, height, width);
      assert.equal(actual.length, n);
      for (const [i, maps] of actual.entries()) {
        const { scores, regressors, ...cells } = itemAt(expected, i);
        assert.deepEqual({ width: maps.width, height: maps.height }, cells);
        assertClose(maps.scores, scores, `scores of ${name}`);
        assertClose(maps.regressors, regressors, `regressors of ${name}`);
      }
    }
    await session.dispose();
    await own.dispose();
    await assert.rejects(own.run(noise(1, 32, 32), 1, 32, 32), /it had been disposed of/);
  });
}

/** What takes the place of a constructor, which arrow functions cannot. */
function throwing(error: Error): () => never {
  return function constructed() {
    throw error;
  };
}

test('where WebAssembly has no SIMD or is forbidden, ONNX Runtime is left', (t) => {
  const { mock } = t.mock.method(WebAssembly, 'validate', () => false);
  assert.equal(kernelDetector(file), undefined);
  mock.restore();
  const forbidden = t.mock.method(WebAssembly, 'Module', throwing(new WebAssembly.CompileError('the policy says no')));
  assert.equal(kernelDetector(file), undefined);
  forbidden.mock.restore();
  const defect = new TypeError('a defect');
  t.mock.method(WebAssembly, 'Module', throwing(defect));
  assert.throws(
    () => kernelDetector(file),
    (error) => error === defect,
  );
});
