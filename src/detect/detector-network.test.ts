import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFixture } from '../../test/support/fixtures.js';
import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { graph, input } from '../graph/index.js';
import { resizeBilinear } from '../image/index.js';
import { decodePicture } from '../node/decode/index.js';
import { readDetectorWeights } from '../node/host/detector-weights.js';
import { writeOnnx } from '../onnx/index.js';
import { relu } from '../ops/index.js';
import { loadDetectorNetwork } from './detector-network.js';
import { networkInput } from './input.js';

const file = await readDetectorWeights();
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

for (const kernels of [false, true]) {
  test(`the network puts out what LiteRT does, on ${kernels ? 'kernels of our own' : 'ONNX Runtime'}`, async () => {
    const golden = readFixture<Golden>('detector.json');
    const network = await loadDetectorNetwork(file, 'file', { kernels });
    const { pixels } = networkInput(resizeBilinear(portrait, 192, 192), 0);
    const maps = itemAt(await network.run(pixels, 1, 192, 192), 0);
    await network.dispose();
    const { scores, regressors } = maps;
    const plane = 48 * 48;
    assert.equal(scores.length, plane);
    assert.equal(regressors.length, 16 * plane);
    golden.cells.forEach((cell, i) => {
      close(scores[cell], golden.scores[i], 1e-3);
      golden.places[i]?.forEach((value, k) => {
        close(regressors[k * plane + cell], value, 1e-3);
      });
    });
    for (const [k, sum] of golden.sumOfPlaces.entries()) {
      const channel = regressors.subarray(k * plane, (k + 1) * plane);
      close(
        channel.reduce((total, value) => total + value, 0),
        sum,
        0.05,
      );
    }
    close(
      scores.reduce((sum, score) => sum + score, 0),
      golden.sumOfScores,
      0.05,
    );
  });
}

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

test('what is no such network is refused by name', async () => {
  const other = writeOnnx(graph({ y: relu(input('x', 'float32', ['N', 3])) }));
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array(7),
    Buffer.from('<html>not found'),
    file.subarray(0, 5000),
    other,
  ]) {
    for (const kernels of [false, true])
      await assert.rejects(loadDetectorNetwork(bytes, 'weights.onnx', { kernels }), (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /^weights\.onnx is not the face detector's network: .*; install it again\.$/);
        return true;
      });
  }
});
