import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readFixture } from '../../test/support/fixtures.js';
import { UserError } from '../common/errors.js';
import { GraphError } from '../graph/index.js';
import { resizeBilinear } from '../image/index.js';
import { decodePicture } from '../node/decode/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { loadDetectorNetwork } from './detector-network.js';
import { FormatError } from './flatbuffer.js';
import { networkInput } from './input.js';
import { readTflite, type TfliteModel } from './tflite.js';
import { tfliteGraph } from './tflite-graph.js';
import { readDetectorWeights } from './weights.js';

const file = await readDetectorWeights();
const model = readTflite(file, 'file');
const portrait = await decodePicture(new URL('../../../assets/astronaut.png', import.meta.url).pathname);

interface Golden {
  readonly cells: readonly number[];
  readonly scores: readonly number[];
  readonly places: readonly (readonly number[])[];
  readonly sumOfScores: number;
  readonly sumOfPlaces: readonly number[];
}

function close(actual: number | undefined, expected: number | undefined, tolerance: number): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - (expected ?? Number.NaN)) <= tolerance, `${actual}, not ${expected}`);
}

test('the network puts out what LiteRT does', async () => {
  const golden = readFixture<Golden>('detector.json');
  const session = await CpuSession.create(lower(tfliteGraph(model), 'cpu'));
  const { pixels } = networkInput(resizeBilinear(portrait, 192, 192), 0);
  const outputs = await session.run(new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, 192, 192])]]));
  await session.dispose();
  const scores = floats(outputs.get('reshaped_classifier_face_4'));
  const places = floats(outputs.get('reshaped_regressor_face_4'));
  assert.equal(scores.length, 48 * 48);
  golden.cells.forEach((cell, i) => {
    close(scores[cell], golden.scores[i], 1e-3);
    golden.places[i]?.forEach((value, k) => {
      close(places[cell * 16 + k], value, 1e-3);
    });
  });
  const sums = new Float64Array(16);
  places.forEach((value, i) => {
    sums[i % 16] = (sums[i % 16] ?? 0) + value;
  });
  for (const [k, sum] of golden.sumOfPlaces.entries()) close(sums[k], sum, 0.05);
  close(
    scores.reduce((sum, score) => sum + score, 0),
    golden.sumOfScores,
    0.05,
  );
});

test('any size in steps of 32 gives the same as a graph built for it', async () => {
  const network = await loadDetectorNetwork(file, 'file');
  const [height, width] = [64, 96];
  const { pixels } = networkInput(resizeBilinear(portrait, width, height), 0);
  const program = tfliteGraph(model, { size: [height, width], outputs: ['regressor_face_4', 'classifier_face_4'] });
  const session = await CpuSession.create(lower(program, 'cpu'));
  const feeds = new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, height, width])]]);
  const [maps] = await network.run(pixels, 1, height, width);
  const fixed = await session.run(feeds);
  await Promise.all([session.dispose(), network.dispose()]);
  assert.deepEqual([maps?.width, maps?.height], [24, 16]);
  for (const [name, values] of [
    ['regressor_face_4', maps?.places],
    ['classifier_face_4', maps?.scores],
  ] as const) {
    const expected = floats(fixed.get(name));
    assert.equal(values?.length, expected.length);
    for (const [i, value] of expected.entries()) close(values?.[i], value, 1e-3);
  }
});

test('a batch gives for each picture what it gives alone', async () => {
  const network = await loadDetectorNetwork(file, 'file');
  const inputs = [portrait, { ...portrait, data: portrait.data.map((value) => 255 - value) }].map(
    (picture) => networkInput(resizeBilinear(picture, 32, 32), 0).pixels,
  );
  const together = Float32Array.from(inputs.flatMap((pixels) => [...pixels]));
  const both = await network.run(together, 2, 32, 32);
  for (const [i, pixels] of inputs.entries()) {
    const [alone] = await network.run(pixels, 1, 32, 32);
    for (const [k, score] of (alone?.scores ?? []).entries()) close(both[i]?.scores[k], score, 1e-4);
  }
  await network.dispose();
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
  const places = structure(model);
  assert.ok(places.length > 10_000 && places.length < 300_000);
  const damage = fc.array(fc.tuple(fc.nat(places.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  let refused = 0;
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = file.slice();
      for (const [i, value] of changes) bytes[places[i] ?? 0] = value;
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
