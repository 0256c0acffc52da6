import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/common/errors.js';
import { networkInput } from '../../src/detect/input.js';
import { GraphError, nodesOf } from '../../src/graph/index.js';
import { resizeBilinear } from '../../src/image/index.js';
import { decodePicture } from '../../src/node/decode/index.js';
import { readDetectorWeights } from '../../src/node/host/detector-weights.js';
import { lower } from '../../src/passes/index.js';
import { CpuSession, floats, hostTensor } from '../../src/runtime/index.js';
import { convertDetector, mediapipeFile } from './convert.js';
import { FormatError } from './flatbuffer.js';
import { readTflite, type TfliteModel } from './tflite.js';
import { tfliteGraph } from './tflite-graph.js';

const file = new Uint8Array(await readFile(createRequire(import.meta.url).resolve(mediapipeFile)));
const model = readTflite(file, 'file');

test('the detector that is shipped is what its origin is converted to', async () => {
  assert.ok(Buffer.from(convertDetector(file)).equals(await readDetectorWeights()));
});

test('no map is padded with channels of zeros only to be added to another one', () => {
  const program = tfliteGraph(model, { size: [64, 96], outputs: ['regressor_face_4', 'classifier_face_4'] });
  const operations = nodesOf(program.outputs.values()).map(({ op }) => op);
  assert.equal(operations.filter((type) => type === 'Concat').length, 8);
  assert.ok(!operations.includes('Pad'));
});

test('it gives the same bits as a graph built for one size, as long as the runtime does not fuse operations', async () => {
  const portrait = await decodePicture(new URL('../../../assets/astronaut.png', import.meta.url).pathname);
  const [height, width] = [64, 96];
  const { pixels } = networkInput(resizeBilinear(portrait, width, height), 0);
  const program = tfliteGraph(model, { size: [height, width], outputs: ['regressor_face_4', 'classifier_face_4'] });
  // With the size known, it fuses a few sums more, which changes how they are rounded.
  const unfused = { session: { graphOptimizationLevel: 'disabled' } } as const;
  const [closed, open] = await Promise.all([
    CpuSession.create(lower(program, 'cpu'), unfused),
    CpuSession.load(await readDetectorWeights(), unfused),
  ]);
  const feeds = new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, height, width])]]);
  const [expected, found] = [await closed.run(feeds), await open.run(feeds)];
  await Promise.all([closed.dispose(), open.dispose()]);
  assert.deepEqual(found.get('scores')?.dims, [1, 1, 16, 24]);
  assert.deepEqual(floats(found.get('regressors')), floats(expected.get('regressor_face_4')));
  assert.deepEqual(floats(found.get('scores')), floats(expected.get('classifier_face_4')));
});

test('what is no such file is refused by name', async () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(7), Buffer.from('<html>not found'), file.subarray(0, 5000)]) {
    assert.throws(
      () => readTflite(bytes, 'weights.tflite'),
      (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /^weights\.tflite is not a TensorFlow Lite model that can be used: .*; install/);
        return true;
      },
    );
  }
});

/** Positions outside of weights: those that say how the file is to be read. */
function structure({ tensors }: TfliteModel): number[] {
  const free = new Uint8Array(file.byteLength).fill(1);
  for (const { data } of tensors) {
    if (data !== undefined)
      free.fill(0, data.byteOffset - file.byteOffset, data.byteOffset - file.byteOffset + data.byteLength);
  }
  return [...free.keys()].filter((i) => free[i] === 1);
}

test('damaged files are refused in words, or are a network that can be built', () => {
  const positions = structure(model);
  assert.ok(positions.length > 10_000 && positions.length < 300_000);
  const damage = fc.array(fc.tuple(fc.nat(positions.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  let refused = 0;
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = file.slice();
      for (const [i, value] of changes) bytes[positions[i] ?? 0] = value;
      try {
        const damaged = readTflite(bytes, 'file');
        tfliteGraph(damaged);
      } catch (error) {
        refused++;
        assert.ok(
          error instanceof UserError || error instanceof FormatError || error instanceof GraphError,
          String(error instanceof Error ? error.stack : error),
        );
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(refused > 10, `${refused} refused`);
});
