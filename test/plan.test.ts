import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { fails, succeeds } from './support/cli.js';

const small = ['plan', '--model', 'resnet8', '--share', '2', '--threads', '1'];
const rowSchema = z.object({
  ranks: z.int(),
  batch: z.int(),
  learningRate: z.number(),
  warmUpEpochs: z.number(),
  time: z.record(z.string(), z.number()),
  imagesPerSecond: z.number(),
});
const planSchema = z.object({
  model: z.literal('resnet8'),
  assumed: z.object({ gradients: z.int(), baseBatch: z.int(), baseRate: z.number() }),
  largestBatch: z.int(),
  pays: z.int(),
  asked: rowSchema.nullable(),
  rows: z.array(rowSchema),
});

describe('poster plan', () => {
  test('measures a step here, and tells what each number of machines makes of it', async () => {
    const { stdout } = await succeeds(
      [...small, '--ranks', '6', '--network', '1', '--pictures', '40000', '--json'],
      '.',
    );
    const { assumed, largestBatch, pays, asked, rows } = planSchema.parse(JSON.parse(stdout));
    assert.equal(assumed.gradients, 77_624);
    assert.equal(largestBatch, Math.floor(40_000 / 156));
    assert.deepEqual(
      rows.map(({ ranks }) => ranks),
      [1, 2, 4, 6, 8, 16, 32, 64, 128, 256],
    );
    assert.ok(rows.some(({ ranks }) => ranks === pays));
    assert.equal(asked?.batch, 12);
    assert.equal(asked.learningRate, (assumed.baseRate * 12) / assumed.baseBatch);
    for (const { time, imagesPerSecond, batch, warmUpEpochs } of rows) {
      const { total = 0, ...parts } = time;
      const sum = Object.values(parts).reduce((all, seconds) => all + seconds, 0);
      assert.ok(Math.abs(sum - total) < 1e-9 * total);
      assert.ok(Math.abs(imagesPerSecond * total - batch) < 1e-9 * batch);
      assert.equal(warmUpEpochs, batch > assumed.baseBatch ? 5 : 0);
    }
  });

  test('gives the options of a run in a sentence, and the reason why there are none', async () => {
    const { stdout } = await succeeds([...small, '--ranks', '4', '--network', '10'], '.');
    assert.match(stdout, /^machines +batch +learning rate/m);
    assert.match(
      stdout,
      /^4 machines train [\d.]+ images\/s, [\d.]+% of 4 times one: --batch-size 8 --lr [\d.e-]+\.$/m,
    );
    const tooMany = await succeeds([...small, '--ranks', '1000', '--network', '10'], '.');
    assert.match(tooMany.stdout, /^1000 machines cannot share a batch: .* no more than 160\.$/m);
  });

  test('refuses what cannot be', async () => {
    await fails(['plan', '--ranks', '2'], '.', 2, /--network/);
    await fails([...small, '--ranks', '2', '--network', '0'], '.', 2, /--network.*more than 0/);
    await fails([...small, '--ranks', '2000', '--network', '1'], '.', 2, /--ranks.*1024/);
  });
});
