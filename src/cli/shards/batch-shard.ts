import { relative, sep } from 'node:path';
import { dealt, type Shard } from '../../common/shares.js';
import type { Dataset, LoadedBatch } from '../../node/datasets/index.js';
import { type BatchLoaderOptions, type BatchPictures, batchCount, someBatches } from '../../node/measure/index.js';
import { grouped, note, noteSkipped } from '../context.js';
import { countBar } from '../progress.js';
import { openShard, type SharedWork } from './open-shard.js';
import type { ShardFlags } from './shard-options.js';

/** A dataset whose batches are shared out. */
export interface SharedBatches extends Pick<SharedWork, 'command' | 'checkpoint' | 'options' | 'outputs' | 'facts'> {
  readonly dataset: Dataset;
  readonly loading: BatchLoaderOptions;
  /** @returns the batch's record */
  readonly compute: (batch: LoadedBatch, pictures: BatchPictures) => Promise<object>;
}

/** Computes a shard's batches of a dataset, and writes them one by one. Batches are dealt out in turn: one is like the other. */
export async function runBatchShard(shard: Shard, flags: ShardFlags, work: SharedBatches): Promise<void> {
  const { dataset, loading, compute, ...rest } = work;
  const { root, samples } = dataset;
  const units = batchCount(dataset, loading.batchSize);
  const inputs = samples.map(({ path, label, distribution }) => [
    relative(root, path).replaceAll(sep, '/'),
    label,
    ...(distribution ?? []),
  ]);
  const file = await openShard(shard, flags, { ...rest, inputs, units, own: dealt(units, shard) });
  const bar = countBar('batches');
  let done = 0;
  try {
    for await (const { batch, pictures } of someBatches(dataset, loading, file.left)) {
      await file.add(await compute(batch, pictures));
      bar.hide();
      noteSkipped(pictures.skipped, 'poster merge --json lists all');
      bar.update(++done, file.left.length);
    }
  } finally {
    bar.stop();
    await file.close();
  }
  if (file.left.length > 0)
    note(
      `Shard ${shard.index} of ${shard.count} is complete: ${grouped(file.left.length)} ${file.left.length === 1 ? 'batch' : 'batches'}, in ${file.path}.`,
    );
}
