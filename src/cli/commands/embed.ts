import { Command, Option } from 'commander';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import type { LabelSet } from '../../common/labels.js';
import type { Shard } from '../../common/shares.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import {
  type EmbedOptions as EmbedDatasetOptions,
  type EmbeddedDataset,
  type Embedder,
  embedBatch,
  embedDataset,
  embeddedRecord,
  loadEmbedder,
  loadingOf,
  openEmbedding,
} from '../../node/measure/index.js';
import { labelSetArgument, numberOf } from '../arguments.js';
import {
  type CheckpointOptions,
  labelSetNames,
  openAs,
  positive,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import {
  checkEmbeddingName,
  checkEmbeddingOutput,
  type EmbeddingAbout,
  type EmbeddingOutputFlags,
  embeddingOutputOptions,
  refuseWithoutMap,
  withEmbeddingOutputs,
  writeEmbedding,
} from '../embedding-output.js';
import { countBar } from '../progress.js';
import { type BatchWork, batchesByRanks, findDataset } from '../ranks/batch-ranks.js';
import { byRanks, type Ranks, silenceOtherRanks } from '../ranks/by-ranks.js';
import { compareWork } from '../ranks/same-work.js';
import { runBatchShard } from '../shards/batch-shard.js';
import { type EmbeddingShardFacts, embeddingShardSchema, mergeEmbedding } from '../shards/merge-embedding.js';
import {
  forMerge,
  refuseFolderAlone,
  refuseWithRanks,
  refuseWithShard,
  type ShardFlags,
  sharedOnce,
  withShardOptions,
} from '../shards/shard-options.js';

interface EmbedOptions extends CheckpointOptions, ShardFlags, EmbeddingOutputFlags {
  readonly split?: string;
  readonly dataLabels?: LabelSet;
  readonly batchSize: number;
  readonly workers?: number;
  readonly strict?: boolean;
}

export function embedCommand(): Command {
  silenceOtherRanks();
  const command = new Command('embed')
    .description("write the features of a dataset's pictures, and a 2-D map of them coloured by class")
    .argument('<dir>', 'dataset: class folders, or splits of class folders')
    .addOption(
      new Option('--checkpoint <path>', 'weights: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--split <name>', 'split of the dataset (default: test, else valid)');
  return withEmbeddingOutputs(withShardOptions(withCheckpointOptions(command)))
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  poster embed data/ferplus --split valid --out features.safetensors')
    .action((dir: string, options: EmbedOptions, command: Command) =>
      byRanks(options, (ranks) => embed(dir, options, command, ranks)),
    );
}

async function embed(dir: string, options: EmbedOptions, command: Command, ranks: Ranks | undefined): Promise<void> {
  refuseFolderAlone(command, options);
  refuseWithoutMap(command, options);
  if (ranks !== undefined) refuseWithRanks(command, ['shard'], sharedOnce);
  if (options.shard !== undefined) refuseWithShard(command, embeddingOutputOptions, forMerge);
  else checkEmbeddingName(options);
  const { checkpoint } = options;
  const compared = { command: 'embed', checkpoint, outputs: embeddingOutputOptions } as const;
  const embedder = await openAs(loadEmbedder, ranks ? await compareWork(ranks, options, compared) : options);
  try {
    if (ranks !== undefined) await runByRanks(ranks, embedder, dir, options);
    else if (options.shard !== undefined) await runShard(embedder, dir, options.shard, options);
    else await run(embedder, dir, options);
  } finally {
    await embedder.dispose();
  }
}

/** Computes and writes all of it. */
async function run(embedder: Embedder, dir: string, options: EmbedOptions): Promise<void> {
  // Before the long part, not after it.
  const out = await checkEmbeddingOutput(options, [options.checkpoint], dir);
  const embedded = await readFeatures(embedder, dir, options);
  await writeEmbedding(out, aboutEmbedding(embedder, dir, options), embedded, options);
}

const aboutEmbedding = ({ description }: Embedder, dir: string, { checkpoint }: EmbedOptions): EmbeddingAbout => ({
  checkpoint,
  model: description.model.name,
  data: dir,
  predictedLabels: description.labels.labels,
});

/** Computes all of it with all ranks, of which the first writes. */
async function runByRanks(ranks: Ranks, embedder: Embedder, dir: string, options: EmbedOptions): Promise<void> {
  const out = ranks.rank === 0 ? await checkEmbeddingOutput(options, [options.checkpoint], dir) : undefined;
  const { dataset, facts } = await findDataset(ranks, dir, embeddingShardSchema, async () => {
    const opened = await openEmbedding(embedder, dir, embedOptions(options));
    return { dataset: opened.dataset, facts: factsOf(embedder, opened.dataset, dir, options) };
  });
  const loading = loadingOf(embedder, embedOptions(options));
  const work = { dataset, loading, compute: recordsOf(embedder) };
  const embedded = await batchesByRanks(ranks, work, (results) => mergeEmbedding(facts, results));
  if (embedded !== undefined && out !== undefined) await writeEmbedding(out, facts.about, embedded, options);
}

function factsOf(
  embedder: Embedder,
  { root, split, labels, samples }: BatchWork['dataset'],
  dir: string,
  options: EmbedOptions,
): EmbeddingShardFacts {
  const { predictedLabels, ...about } = aboutEmbedding(embedder, dir, options);
  return {
    about: { ...about, predictedLabels: [...predictedLabels] },
    dimension: embedder.dimension,
    root,
    split,
    labels: { name: labels.name, labels: [...labels.labels] },
    pictures: samples.length,
  };
}

const recordsOf =
  (embedder: Embedder): BatchWork['compute'] =>
  async (batch, pictures) =>
    embeddedRecord(await embedBatch(embedder, batch, pictures));

/** Computes a part: features go to the shard's file. */
async function runShard(embedder: Embedder, dir: string, shard: Shard, options: EmbedOptions): Promise<void> {
  const { dataset, loading } = await openEmbedding(embedder, dir, embedOptions(options));
  await runBatchShard(shard, options, {
    command: 'embed',
    checkpoint: options.checkpoint,
    options: { ...options, data: dir },
    outputs: [...embeddingOutputOptions],
    facts: factsOf(embedder, dataset, dir, options),
    dataset,
    loading,
    compute: recordsOf(embedder),
  });
}

function embedOptions(options: EmbedOptions): EmbedDatasetOptions {
  const { split, dataLabels, batchSize, workers, strict = false } = options;
  return { batchSize, strict, ...defined({ split, folderLabels: dataLabels, workers }) };
}

async function readFeatures(embedder: Embedder, dir: string, options: EmbedOptions): Promise<EmbeddedDataset> {
  const progress = countBar('pictures');
  try {
    return await embedDataset(embedder, dir, { ...embedOptions(options), onProgress: progress.update });
  } finally {
    progress.stop();
  }
}
