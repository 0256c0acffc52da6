import { Command, Option } from 'commander';
import { z } from 'zod';
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
  withEmbeddingOutputs,
  writeEmbedding,
} from '../embedding-output.js';
import { countBar } from '../progress.js';
import { runBatchShard } from '../shards/batch-shard.js';
import { embeddingShardFacts } from '../shards/merge-embedding.js';
import {
  forMerge,
  refuseFolderAlone,
  refuseWithShard,
  type ShardFlags,
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
    .action(async (dir: string, options: EmbedOptions, command: Command) => {
      refuseFolderAlone(command, options);
      if (options.shard !== undefined) refuseWithShard(command, embeddingOutputOptions, forMerge);
      else checkEmbeddingName(options);
      const embedder = await openAs(loadEmbedder, options);
      try {
        await (options.shard === undefined
          ? run(embedder, dir, options)
          : runShard(embedder, dir, options.shard, options));
      } finally {
        await embedder.dispose();
      }
    });
}

/** Computes and writes all of it. */
async function run(embedder: Embedder, dir: string, options: EmbedOptions): Promise<void> {
  // Before the long part, not after it.
  const out = await checkEmbeddingOutput(options, [options.checkpoint]);
  const embedded = await readFeatures(embedder, dir, options);
  await writeEmbedding(out, aboutEmbedding(embedder, dir, options), embedded, options);
}

const aboutEmbedding = ({ description }: Embedder, dir: string, { checkpoint }: EmbedOptions): EmbeddingAbout => ({
  checkpoint,
  model: description.model.name,
  data: dir,
  predictedLabels: description.labels.labels,
});

/** Computes a part: features go to the shard's file. */
async function runShard(embedder: Embedder, dir: string, shard: Shard, options: EmbedOptions): Promise<void> {
  const { dataset, loading } = await openEmbedding(embedder, dir, embedOptions(options));
  const { root, split, labels, samples } = dataset;
  await runBatchShard(shard, options, {
    command: 'embed',
    checkpoint: options.checkpoint,
    options: { ...options, data: dir },
    outputs: [...embeddingOutputOptions],
    facts: embeddingShardFacts({
      about: aboutEmbedding(embedder, dir, options),
      dimension: embedder.dimension,
      root,
      split,
      labels,
      pictures: samples.length,
    }),
    dataset,
    loading,
    compute: async (batch, pictures) => embeddedRecord(await embedBatch(embedder, batch, pictures)),
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
