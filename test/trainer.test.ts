import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { itemAt } from '../src/common/item-at.js';
import { random } from '../src/common/random.js';
import type { Batch } from '../src/image/index.js';
import { posterV2Network } from '../src/models/index.js';
import { parseNetwork } from '../src/models/registry.js';
import { adamw } from '../src/optim/index.js';
import { Trainer, type TrainerOptions, type TrainerSnapshot } from '../src/train/trainer.js';
import { reducersOf } from './support/reducers.js';
import { tiny } from './webgpu/training-case.js';

const { inputChannels, imageSize, numClasses } = tiny;
const pixels = inputChannels * imageSize ** 2;
/** Of few operations: to open sessions for POSTER V2, however narrow, takes longer than these steps. */
const plain = parseNetwork(
  {
    name: 'resnet8',
    config: { numClasses, imageSize, inputChannels, stages: [8, 16].map((channels) => ({ channels, blocks: 1 })) },
  },
  'this test',
);
const options: TrainerOptions = {
  network: plain,
  optimizer: adamw(5e-3),
  ema: 0.9,
  clip: 1,
  rho: 0.05,
  threads: 1,
  seed: 7,
};
/** With stochastic depth and attention. */
const posterV2: TrainerOptions = { ...options, network: posterV2Network(tiny) };

/** Noise in which each class has a bright third of its own. */
function batchOf(size: number, index: number): Batch {
  const r = random(1, 'pictures', index);
  const labels = Int32Array.from({ length: size }, () => r.int(numClasses));
  const third = Math.ceil(pixels / 3);
  const images = Float32Array.from({ length: size * pixels }, (_, i) => {
    return r.normal() + 2 * Number(Math.floor((i % pixels) / third) === labels[Math.floor(i / pixels)]);
  });
  return { size, images, labels };
}

/** One share of a batch that is cut at these positions. */
function shareOf({ images, labels }: Batch, from: number, to: number): Batch {
  return {
    size: to - from,
    images: images.subarray(from * pixels, to * pixels),
    labels: Array.from(labels).slice(from, to),
  };
}

const epoch = (count: number, size = 6): Batch[] => Array.from({ length: count }, (_, i) => batchOf(size, i));

/** Trains on batches and tells the loss of every step. */
async function losses(trainer: Trainer, batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number[]> {
  const found: number[] = [];
  for await (const { loss } of trainer.train(batches)) found.push(loss);
  return found;
}

function copyOf(snapshot: TrainerSnapshot): TrainerSnapshot {
  const copy = (arrays: ReadonlyMap<string, Float32Array>) =>
    new Map([...arrays].map(([name, values]) => [name, values.slice()]));
  const { parameters, averaged = new Map(), optimizer } = snapshot;
  return { ...snapshot, parameters: copy(parameters), averaged: copy(averaged), optimizer: copy(optimizer) };
}

describe('a trainer without files', () => {
  test('the loss falls, the pictures are told apart, and equal seeds give the same bits', async () => {
    const ends: TrainerSnapshot[] = [];
    for (const seed of [7, 7, 8]) {
      const trainer = await Trainer.create({ ...options, seed });
      const first = await losses(trainer, epoch(4));
      let last = first;
      for (let i = 1; i < 12; i++) last = await losses(trainer, epoch(4));
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      assert.ok(mean(last) < mean(first) / 2, `${mean(first)} became ${mean(last)}`);
      assert.deepEqual(trainer.position, { epoch: 12, nextBatch: 0, step: 48 });
      const { samples, accuracy } = await trainer.evaluate([batchOf(20, 100), batchOf(10, 101)]);
      assert.equal(samples, 30);
      assert.ok((accuracy ?? 0) > 0.6, `accuracy ${accuracy}`);
      ends.push(copyOf(await trainer.snapshot()));
      await trainer.dispose();
    }
    assert.deepEqual(ends[1], ends[0]);
    assert.notDeepEqual(ends[2], ends[0]);
  });

  test('from a snapshot in the middle of an epoch it goes on with the same bits', async () => {
    const whole = await Trainer.create(posterV2);
    const expected = [...(await losses(whole, epoch(4))), ...(await losses(whole, epoch(4)))];

    const stopped = await Trainer.create(posterV2);
    const found = await losses(stopped, epoch(4));
    for await (const { loss, batch } of stopped.train(epoch(4))) {
      found.push(loss);
      if (batch === 1) break;
    }
    assert.deepEqual(stopped.position, { epoch: 1, nextBatch: 2, step: 6 });
    const from = copyOf(await stopped.snapshot());
    await stopped.dispose();
    const resumed = await Trainer.create({ ...posterV2, from });
    found.push(...(await losses(resumed, epoch(4).slice(from.position.nextBatch))));
    assert.deepEqual(found, expected);
    assert.deepEqual(copyOf(await resumed.snapshot()), copyOf(await whole.snapshot()));
    await resumed.dispose();
    await whole.dispose();
  });

  test('a snapshot of another network is a sentence', async () => {
    const trainer = await Trainer.create(options);
    const snapshot = copyOf(await trainer.snapshot());
    await trainer.dispose();
    const [first = ''] = snapshot.parameters.keys();
    const parameters = new Map([...snapshot.parameters].filter(([name]) => name !== first));
    const from = { ...snapshot, parameters };
    await assert.rejects(Trainer.create({ ...options, from }), {
      name: 'UserError',
      message: /is not of this network/,
    });
    const averages: readonly (readonly [string, (values: Float32Array) => Float32Array | undefined])[] = [
      ['without it', () => undefined],
      ['shorter', (values) => values.slice(1)],
      ['longer', (values) => Float32Array.of(...values, 1)],
    ];
    for (const [what, change] of averages) {
      const changed = change(snapshot.averaged?.get(first) ?? new Float32Array());
      const averaged = new Map([...(snapshot.averaged ?? [])].filter(([name]) => name !== first));
      if (changed !== undefined) averaged.set(first, changed);
      await assert.rejects(
        Trainer.create({ ...options, from: { ...snapshot, averaged } }),
        { name: 'UserError', message: new RegExp(`not of this network \\(the average of ${first} is missing`) },
        what,
      );
      // Where none is kept it does not count.
      await (await Trainer.create({ ...options, ema: 0, from: { ...snapshot, averaged } })).dispose();
    }
  });

  test('first values of another size than the network has are a sentence', async () => {
    for (const count of [numClasses - 1, numClasses + 1, 0]) {
      await assert.rejects(
        Trainer.create({ ...options, parameters: new Map([['fc.bias', new Float32Array(count)]]) }),
        {
          name: 'UserError',
          message: `The first values of fc.bias are ${count}, and this network has ${numClasses}; give those of this network, or leave them out.`,
        },
      );
    }
    const given = Float32Array.from({ length: numClasses }, (_, i) => i);
    const trainer = await Trainer.create({ ...options, parameters: new Map([['fc.bias', given]]) });
    assert.deepEqual((await trainer.snapshot()).parameters.get('fc.bias')?.slice(), given);
    await trainer.dispose();
  });

  test('settings and labels that cannot be are sentences, before anything is computed', async () => {
    const wrong: readonly (readonly [Partial<TrainerOptions>, RegExp])[] = [
      [{ microBatch: 0 }, /cannot have 0 as microBatch; give a whole number from 1\.$/],
      [{ microBatch: 1.5 }, /1\.5 as microBatch/],
      [{ rho: -1 }, /-1 as rho/],
      [{ clip: Number.NaN }, /NaN as clip/],
      [{ ema: 1 }, /1 as ema; give a number from 0 to below 1/],
      [{ seed: -3 }, /-3 as seed/],
      [{ optimizer: { ...options.optimizer, lr: -1 } }, /learning rate must be/],
    ];
    for (const [more, message] of wrong) {
      await assert.rejects(Trainer.create({ ...options, ...more }), { name: 'UserError', kind: 'usage', message });
    }
    for (const given of [[], [{}], [{ network: options.network }]]) {
      const name = given.length > 0 && given[0] !== undefined && 'network' in given[0] ? 'optimizer' : 'network';
      const message = `Trainer.create needs '${name}'; give an object.`;
      await assert.rejects(Reflect.apply(Trainer.create, Trainer, given), { kind: 'usage', message });
    }
    const trainer = await Trainer.create(options);
    const batch = batchOf(3, 0);
    for (const label of [-1, 7, 0.5]) {
      await assert.rejects(trainer.step({ ...batch, labels: [0, 1, label] }), {
        kind: 'usage',
        message: new RegExp(`has the label ${label}; a network of`),
      });
    }
    await trainer.dispose();
  });

  test('what overlaps is refused, and the first goes on', async () => {
    const trainer = await Trainer.create(options);
    const usage = (message: RegExp) => ({ name: 'UserError', kind: 'usage', message });
    const first = trainer.train(epoch(2));
    await first.next();
    await assert.rejects(losses(trainer, epoch(2)), usage(/This trainer is in an epoch; leave its loop/));
    const running = trainer.logits(batchOf(2, 0).images, 2);
    for (const other of [trainer.step(batchOf(2, 0)), first.next(), trainer.snapshot()]) {
      await assert.rejects(other, usage(/one thing at a time; await the call/));
    }
    assert.equal((await running).length, 2 * numClasses);
    await first.return();
    assert.equal((await losses(trainer, epoch(1))).length, 1);
    assert.deepEqual(trainer.position, { epoch: 1, nextBatch: 0, step: 2 });
    await trainer.dispose();
  });

  test('after it is disposed of, every call says so', async () => {
    const trainer = await Trainer.create(options);
    await trainer.dispose();
    await trainer.dispose();
    const batch = batchOf(2, 0);
    for (const call of [
      () => trainer.step(batch),
      () => losses(trainer, [batch]),
      () => losses(trainer, []),
      () => trainer.logits(batch.images, 2),
      () => trainer.evaluate([batch]),
      () => trainer.snapshot(),
    ]) {
      await assert.rejects(call(), {
        name: 'UserError',
        kind: 'usage',
        message: /^This trainer has been disposed of;/,
      });
    }
    assert.deepEqual(trainer.position, { epoch: 0, nextBatch: 0, step: 0 });
  });

  test('a batch whose parts do not fit together is an error that says so', async () => {
    const trainer = await Trainer.create(options);
    const wrong = { ...batchOf(3, 0), labels: [0, 1] };
    await assert.rejects(trainer.step(wrong), /A batch of 3 pictures needs 3072 pixel values, 3 labels/);
    await trainer.dispose();
  });
});

describe('two trainers whose reducer sums', () => {
  /** Both at the same time; the first failure is the one to see. */
  async function both<T>(work: (trainer: Trainer, rank: number) => Promise<T>, more: Partial<TrainerOptions> = {}) {
    const trainers: Trainer[] = [];
    for (const reducer of reducersOf(2)) trainers.push(await Trainer.create({ ...options, ...more, reducer }));
    try {
      return await Promise.all(trainers.map(work));
    } finally {
      for (const trainer of trainers) await trainer.dispose();
    }
  }

  for (const [what, more] of Object.entries({
    'with SAM, clipped and averaged': {},
    'without SAM': { rho: 0, ema: 0, clip: 0 },
  })) {
    test(`the same bits as one with two micro-batches, ${what}`, async () => {
      const batches = epoch(3);
      const cut = 4;
      const alone = await Trainer.create({ ...options, ...more, microBatch: cut });
      const expected = await losses(alone, batches);
      const ends = await both(async (trainer, rank) => {
        const shares = batches.map((batch) => (rank === 0 ? shareOf(batch, 0, cut) : shareOf(batch, cut, 6)));
        assert.deepEqual(await losses(trainer, shares), expected);
        return copyOf(await trainer.snapshot());
      }, more);
      const one = copyOf(await alone.snapshot());
      for (const end of ends) {
        assert.deepEqual(end, one);
      }
      await alone.dispose();
    });
  }

  test('a trainer without pictures takes part in the steps of the other', async () => {
    const alone = await Trainer.create(options);
    const expected = await losses(alone, epoch(3));
    const one = copyOf(await alone.snapshot());
    await both(async (trainer, rank) => {
      assert.deepEqual(await losses(trainer, rank === 0 ? epoch(3) : []), expected);
      assert.deepEqual(copyOf(await trainer.snapshot()), one);
    });
    await alone.dispose();
  });

  test('each measures its share, and both get the figures of all', async () => {
    const pictures = batchOf(9, 5);
    const alone = await Trainer.create(options);
    const expected = await alone.evaluate([pictures]);
    const found = await both((trainer, rank) =>
      trainer.evaluate([rank === 0 ? shareOf(pictures, 0, 5) : shareOf(pictures, 5, 9)]),
    );
    assert.deepEqual(itemAt(found, 0), itemAt(found, 1));
    assert.deepEqual(itemAt(found, 0).confusion, expected.confusion);
    await alone.dispose();
  });
});
