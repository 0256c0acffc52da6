import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import type { Preprocessing } from '../../common/preprocessing.js';
import { nanoAugmentation, noAugmentation } from '../../image/augmentation.js';
import { pictureMemory } from '../../image/picture-memory.js';
import { createPool } from '../decode/worker-pool.js';
import { type Dataset, loadDataset } from './dataset.js';
import { failsWith, plainPng, temporaryFolder, writeTree } from './helpers.test.js';
import { createLoader, type EpochOptions, type LoadedBatch, type Loader, type LoaderOptions } from './loader.js';
import { formatVotes } from './votes.js';

const preprocessing: Preprocessing = { imageSize: 8, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] };
const base: LoaderOptions = { preprocessing, batchSize: 4, workers: 0 };
const augmented: LoaderOptions = { ...base, augmentation: nanoAugmentation, seed: 3 };
const files = 11;

/** 11 pictures in two classes; the red value is 20 x the position in the dataset. */
async function pictures(root: string, broken: readonly number[] = []): Promise<Dataset> {
  for (let i = 0; i < files; i++) {
    const png = await plainPng(20 * i, 100, 50, 9 + i, 12);
    const path = `train/${i < 5 ? 'a' : 'b'}/${String(i).padStart(2, '0')}.png`;
    await writeTree(root, { [path]: broken.includes(i) ? png.subarray(0, png.length / 2) : png });
  }
  await writeTree(root, {
    'train/votes.jsonl': formatVotes([{ image: 'a/01.png', majority: true, votes: [3, 1] }]),
  });
  return await loadDataset(root, 'train');
}

async function collect(loader: Loader, epoch: number, options?: EpochOptions): Promise<LoadedBatch[]> {
  const batches: LoadedBatch[] = [];
  for await (const batch of loader.epoch(epoch, options)) batches.push(batch);
  return batches;
}

async function withLoader<T>(
  dataset: Dataset,
  options: LoaderOptions,
  use: (loader: Loader) => Promise<T>,
): Promise<T> {
  const loader = createLoader(dataset, options);
  try {
    return await use(loader);
  } finally {
    await loader.close();
  }
}

test('batches hold the pictures, their labels and targets; the last is short', async (context) => {
  const dataset = await pictures(await temporaryFolder(context));
  await withLoader(dataset, { ...base, targets: 'distribution' }, async (loader) => {
    const batches = await collect(loader, 0);
    assert.equal(loader.batches, 3);
    assert.deepEqual(
      batches.map(({ index, size }) => [index, size]),
      [
        [0, 4],
        [1, 4],
        [2, 3],
      ],
    );
    const indices = batches.flatMap((batch) => [...batch.indices]);
    assert.deepEqual(indices, [...Array(files).keys()]);
    for (const batch of batches) {
      assert.equal(batch.images.length, batch.size * 3 * 64);
      batch.indices.forEach((index, n) => {
        const red = batch.images.subarray(n * 192, n * 192 + 64);
        assert.ok(red.every((value) => value === Math.fround((20 * index) / 255)));
        assert.equal(batch.labels[n], index < 5 ? 0 : 1);
        const expected = index === 1 ? [0.75, 0.25] : index < 5 ? [1, 0] : [0, 1];
        assert.deepEqual([...batch.targets.subarray(n * 2, n * 2 + 2)], expected);
      });
    }
  });
  const hard = await withLoader(dataset, base, (loader) => collect(loader, 0));
  assert.deepEqual([...(hard[0]?.targets ?? [])], [1, 0, 1, 0, 1, 0, 1, 0]);
});

test('the same bits with any number of workers, with and without cache, and when resumed', async (context) => {
  const dataset = await pictures(await temporaryFolder(context), [2, 7]);
  const epochs = [
    [0, 'shuffled'],
    [1, 'shuffled'],
    [1, 'balanced'],
  ] as const;
  const expected = await withLoader(dataset, augmented, (loader) =>
    Promise.all(epochs.map(([epoch, order]) => collect(loader, epoch, { order }))),
  );
  assert.notDeepEqual(expected[0]?.[0]?.images, expected[1]?.[0]?.images);
  for (const options of [{ workers: 0, cacheBytes: 0 }, { workers: 1 }, { workers: 3, prefetch: 7, cacheBytes: 0 }]) {
    await withLoader(dataset, { ...augmented, ...options }, async (loader) => {
      for (const [i, [epoch, order]] of epochs.entries()) {
        for (const fromBatch of [0, 1, 2, 3]) {
          const rest = expected[i]?.filter(({ index }) => index >= fromBatch);
          assert.deepEqual(await collect(loader, epoch, { order, fromBatch }), rest);
        }
      }
    });
  }
});

test('labels are smoothed, votes are not', async (context) => {
  const dataset = await pictures(await temporaryFolder(context));
  const smoothed = { ...base, labelSmoothing: 0.1, batchSize: files };
  for (const targets of ['labels', 'distribution'] as const) {
    const [batch] = await withLoader(dataset, { ...smoothed, targets }, (loader) => collect(loader, 0));
    const rows = Array.from({ length: files }, (_, i) => [...(batch?.targets.subarray(2 * i, 2 * i + 2) ?? [])]);
    const [own, other] = [Math.fround(0.95), Math.fround(0.05)];
    rows.forEach((row, i) => {
      const voted = targets === 'distribution' && i === 1;
      assert.deepEqual(row, voted ? [0.75, 0.25] : i < 5 ? [own, other] : [other, own]);
    });
  }
});

test('pictures are mixed with others of their batch, in another way each epoch, and the same when resumed', async (context) => {
  const dataset = await pictures(await temporaryFolder(context), [2]);
  const mixing = { mixup: 1, cutmix: 1 };
  const options: LoaderOptions = { ...base, mixing, seed: 3 };
  const [first, second] = await withLoader(dataset, options, async (loader) => [
    await collect(loader, 0),
    await collect(loader, 1),
  ]);
  assert.notDeepEqual(first?.[0]?.images, second?.[0]?.images);
  for (const { size, targets, images } of first ?? []) {
    for (let i = 0; i < size; i++) {
      assert.ok(Math.abs((targets[2 * i] ?? 0) + (targets[2 * i + 1] ?? 0) - 1) < 1e-6);
      // A picture's red value is 20 times its position, in all of it; every pixel is of two pictures of the batch.
      assert.ok(images.subarray(i * 192, i * 192 + 64).every((red) => red >= 0 && red <= 200 / 255 + 1e-6));
    }
  }
  await withLoader(dataset, { ...options, workers: 2 }, async (loader) => {
    assert.deepEqual(await collect(loader, 0, { fromBatch: 1 }), first?.slice(1));
  });
  for (const wrong of [{ mixing: { mixup: -1, cutmix: 0 } }, { labelSmoothing: 1 }]) {
    await failsWith(() => createLoader(dataset, { ...base, ...wrong }), 'must be a number from 0');
  }
});

test('a picture drawn twice in an epoch is augmented in two ways', async (context) => {
  const root = await temporaryFolder(context);
  const raw = { width: 8, height: 8, channels: 3 } as const;
  const slope = await sharp(
    Uint8Array.from({ length: 192 }, (_, i) => i),
    { raw },
  )
    .png()
    .toBuffer();
  await writeTree(root, { 'train/a/1.png': slope, 'train/b/1.png': slope, 'train/b/2.png': slope });
  const dataset = await loadDataset(root, 'train');
  // Class a has one picture: it comes about one and a half times an epoch.
  let repeats = 0;
  await withLoader(dataset, { ...augmented, batchSize: 1 }, async (loader) => {
    for (let epoch = 0; epoch < 10; epoch++) {
      const batches = await collect(loader, epoch, { order: 'balanced' });
      const [first, second] = batches.filter(({ indices }) => indices[0] === 0);
      if (first === undefined || second === undefined) continue;
      repeats++;
      assert.notDeepEqual(first.images, second.images);
    }
  });
  assert.ok(repeats > 0);
});

test('pictures that cannot be read are skipped and listed, once', async (context) => {
  const dataset = await pictures(await temporaryFolder(context), [4, 8, 9, 10]);
  for (const workers of [0, 2]) {
    await withLoader(dataset, { ...base, workers, batchSize: 3 }, async (loader) => {
      for (const epoch of [0, 1]) {
        const batches = await collect(loader, epoch);
        // Batch 3 would hold 9 and 10 alone.
        assert.deepEqual(
          batches.map(({ index, size }) => [index, size]),
          [
            [0, 3],
            [1, 2],
            [2, 2],
          ],
        );
        assert.deepEqual([...(batches[1]?.indices ?? [])], [3, 5]);
        assert.deepEqual(
          loader.skipped.map(({ index }) => index),
          [4, 8, 9, 10],
        );
        const [skipped] = loader.skipped;
        assert.ok(skipped?.path.endsWith('04.png') && skipped.reason.includes('04.png'));
      }
    });
  }
});

test('under strict the first of them is an error, and so is a dataset without any good picture', async (context) => {
  const root = await temporaryFolder(context);
  const dataset = await pictures(root, [4, 9]);
  for (const workers of [0, 2]) {
    await withLoader(dataset, { ...base, workers, strict: true }, async (loader) => {
      await failsWith(() => collect(loader, 0), '04.png', /truncated/);
    });
  }
  for (const { path } of dataset.samples) await writeFile(path, '');
  await withLoader(dataset, base, (loader) => failsWith(() => collect(loader, 0), 'None of the 11', /empty/));
});

test('after the first epoch no file is opened any more, unless the cache is too small', async (context) => {
  const root = await temporaryFolder(context);
  const dataset = await pictures(root);
  for (const [cacheBytes, keeps] of [
    [files * 192, true],
    [files * 192 - 1, false],
  ] as const) {
    await pictures(root);
    await withLoader(dataset, { ...base, workers: 2, cacheBytes }, async (loader) => {
      const before = await collect(loader, 0);
      for (const { path } of dataset.samples) await writeFile(path, '');
      if (keeps) assert.deepEqual(await collect(loader, 1), before);
      else await failsWith(() => collect(loader, 1), 'None of');
    });
  }
});

/** Every worker started in this process; the id of one that ended is -1. */
const started: Worker[] = [];
process.on('worker', (worker) => started.push(worker));
const workersAlive = (): number => started.filter(({ threadId }) => threadId !== -1).length;

test('no worker outlives close: after an early break, an error, or in the middle of an epoch', async (context) => {
  const dataset = await pictures(await temporaryFolder(context), [6]);
  const options: LoaderOptions = { ...base, workers: 2, batchSize: 1, prefetch: 6 };
  assert.equal(workersAlive(), 0);
  const broken = createLoader(dataset, options);
  for await (const batch of broken.epoch(0)) if (batch.index === 1) break;
  assert.equal(workersAlive(), 2);
  assert.equal((await collect(broken, 1)).length, files - 1, 'usable after a break');
  for await (const batch of broken.epoch(2)) if (batch.index === 0) break;
  await broken.close();
  await broken.close();
  assert.equal(workersAlive(), 0);
  await assert.rejects(collect(broken, 3), /closed/);

  const failing = createLoader(dataset, { ...options, strict: true });
  await failsWith(() => collect(failing, 0), '06.png');
  await failing.close();

  const running = createLoader(dataset, options);
  const epoch = running.epoch(0)[Symbol.asyncIterator]();
  await epoch.next();
  await running.close();
  await assert.rejects(async () => {
    for (;;) if ((await epoch.next()).done) throw new Error('ended as if complete');
  }, /closed/);
  await createLoader(dataset, options).close();
  assert.equal(workersAlive(), 0);
});

test('no more batches are made ahead than asked for', async (context) => {
  const root = await temporaryFolder(context);
  const dataset = await pictures(root);
  await withLoader(dataset, { ...base, batchSize: 1, prefetch: 2, cacheBytes: 0 }, async (loader) => {
    const epoch = loader.epoch(0)[Symbol.asyncIterator]();
    await epoch.next();
    // Batches 1 and 2 may be under way; the files of all later ones are not yet needed.
    await writeTree(root, { 'train/a/03.png': '' });
    for (let next = await epoch.next(); next.done !== true; next = await epoch.next());
    assert.deepEqual(
      loader.skipped.map(({ index }) => index),
      [3],
    );
  });
});

test('workers that cannot start are an error, not a wait without end', async (context) => {
  const dataset = await pictures(await temporaryFolder(context));
  await withLoader(dataset, { ...base, workers: 1, preprocessing: { ...preprocessing, mean: [] } }, (loader) =>
    assert.rejects(collect(loader, 0), /no mean/),
  );
});

test('senseless numbers are refused', async () => {
  const dataset: Dataset = { root: '', split: '', labels: { name: '', labels: [] }, samples: [] };
  await failsWith(() => createLoader(dataset, { ...base, batchSize: 0 }), 'batch size is 0');
  await failsWith(() => createLoader(dataset, { ...base, workers: -1 }), 'data workers');
  await failsWith(() => createLoader(dataset, { ...base, prefetch: 1.5 }), 'ahead');
});

test('a worker that is ended while it decodes holds no memory of the process any more', async (context) => {
  const side = 2000;
  const header = Buffer.alloc(54);
  header.write('BM', 0, 'latin1');
  for (const [value, at] of [
    [54, 10],
    [40, 14],
    [side, 18],
    [side, 22],
  ] as const) {
    header.writeUInt32LE(value, at);
  }
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  const path = join(await temporaryFolder(context), 'large.bmp');
  await writeFile(path, Buffer.concat([header, Buffer.alloc(side * side * 3)]));
  const about = { preprocessing, augmentation: noAugmentation, seed: 1, orient: true, cache: null, lowContrast: null };
  const pool = createPool(1, { ...about, paths: [path], tensors: false });
  // Bitmaps are decoded here, not by a library that must not be interrupted; so many take longer than anybody waits.
  const indices = new Int32Array(10_000);
  const making = assert.rejects(pool.make({ epoch: 0, indices, occurrences: indices }), /closed/);
  while (pictureMemory().used === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const closed = pool.close();
  context.mock.timers.tick(60_000);
  await Promise.all([closed, making]);
  assert.equal(pictureMemory().used, 0);
});
