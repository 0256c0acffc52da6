import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { largestBatch, ranksThatPay, type ScalingAssumptions, scalingRow } from './scaling.js';
import { expectedMaximum, type Sending, stepTime, sumTime } from './step-model.js';

/** A network that costs nothing beside bits and latency. */
const bare: Sending = { perCall: 0, perMessage: 0, perByte: 0, handshake: 1, efficiency: 1, crowding: 1 };
const close = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} is not ${expected}`);

describe('a sum', () => {
  test('of two ranks sends every byte once each way, in two rounds', () => {
    const elements = 1_000_000;
    const { transfer, messages } = sumTime(elements, { ranks: 2, bitsPerSecond: 1e9, latency: 0.001 }, bare);
    // Half of the bytes to the other rank, and the sums of half of them: 4 MB, after a word of 128 bytes.
    close(transfer, ((4 * elements + 128) * 8) / 1e9);
    close(messages, 0.003);
  });

  test('of few numbers is one message', () => {
    const { transfer, messages } = sumTime(5, { ranks: 4, bitsPerSecond: 1e6, latency: 0.01 }, bare);
    close(transfer, (3 * 128 * 8) / 1e6);
    close(messages, 0.02);
  });

  test('of many ranks sends less than twice its bytes, and pays in messages', () => {
    const network = { ranks: 1024, bitsPerSecond: 1e9, latency: 1e-4 };
    const { transfer, messages } = sumTime(2 ** 20, network, bare);
    close(transfer, ((2 * 2 ** 22 * 1023) / 1024 + 128 * 1023) * (8 / 1e9));
    close(messages, (10 + 1023 + 512) * 1e-4);
  });
});

test('the slowest of n ranks', () => {
  // Known means of the largest of n standard normal variables.
  for (const [n, mean] of [
    [1, 0],
    [2, 1 / Math.sqrt(Math.PI)],
    [3, 1.5 / Math.sqrt(Math.PI)],
    [10, 1.53875],
    [100, 2.50759],
  ] as const) {
    assert.ok(Math.abs(expectedMaximum(n) - mean) < 0.01, `${n}: ${expectedMaximum(n)}`);
  }
});

const assumed: ScalingAssumptions = {
  ...{ fixed: 0.1, perPicture: 0.2, spread: 0, gradients: 40_000_000, statistics: 10_000 },
  ...{ bitsPerSecond: 1e9, latency: 5e-5, share: 8, pictures: 25_000, baseBatch: 64, baseRate: 1e-3 },
};

describe('a step', () => {
  test('of one rank is what it computes', () => {
    const time = stepTime({ ...assumed, ranks: 1, batch: 8 });
    close(time.total, 0.1 + 8 * 0.2);
    assert.equal(time.computing, time.total);
  });

  test('has parts that add up, and is no faster on a slower network or with uneven ranks', () => {
    const numbers = { max: 10, noNaN: true, noDefaultInfinity: true };
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 1024 }),
        fc.integer({ min: 1, max: 4096 }),
        fc.double({ min: 0.01, ...numbers }),
        (ranks, batch, factor) => {
          const step = { ...assumed, ranks, batch, spread: 0.05 };
          const time = stepTime(step);
          close(time.computing + time.waiting + time.transfer + time.messages, time.total);
          const slower = stepTime({ ...step, bitsPerSecond: step.bitsPerSecond / (1 + factor) });
          assert.ok(slower.total > time.total);
          assert.ok(stepTime({ ...step, latency: step.latency * (1 + factor) }).total > time.total);
          assert.ok(stepTime({ ...step, spread: 0.05 * (1 + factor) }).total > time.total);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a plan', () => {
  test('grows the batch with the ranks, and the learning rate with the batch, until an epoch has 156 updates', () => {
    assert.equal(largestBatch(assumed), 160);
    const row = (ranks: number) => scalingRow(ranks, assumed);
    assert.deepEqual(
      [1, 8, 16, 32].map((ranks) => row(ranks)?.batch),
      [8, 64, 128, 160],
    );
    close(row(16)?.learningRate ?? 0, 2e-3);
    assert.deepEqual(
      [8, 16].map((ranks) => row(ranks)?.warmUpEpochs),
      [0, 5],
    );
    assert.equal(row(1)?.efficiency, 1);
    // Ranks without a picture.
    assert.equal(row(256), undefined);
  });

  test('ends where another doubling brings less than half as much again', () => {
    const limited = ranksThatPay(assumed);
    const [last, next] = [scalingRow(limited, assumed), scalingRow(2 * limited, assumed)];
    assert.ok(last !== undefined);
    assert.ok(next === undefined || next.imagesPerSecond < 1.5 * last.imagesPerSecond);
    // Without a network to wait for, only the pictures of a batch end it.
    const free = { ...assumed, bitsPerSecond: 1e18, latency: 0, pictures: 1e9 };
    assert.equal(ranksThatPay(free, 1024, bare), 1024);
    assert.equal(ranksThatPay({ ...assumed, bitsPerSecond: 1e6 }), 1);
  });
});
