import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { noneReadable } from '../../node/datasets/index.js';
import type { ShardSet } from '../../node/files/shards/index.js';
import { collectEmbedded, type EmbeddedBatch, parseEmbedded } from '../../node/measure/index.js';
import { labelSetSchema } from '../../safetensors/description-parts.js';
import { checkEmbeddingOutput, type EmbeddingOutputFlags, writeEmbedding } from '../embedding-output.js';

const factsSchema = z.strictObject({
  about: z.strictObject({
    checkpoint: z.string(),
    model: z.string(),
    data: z.string(),
    predictedLabels: z.array(z.string()).readonly(),
  }),
  dimension: z.int().min(1).max(65_536),
  /** Absolute path of the dataset's folder. */
  root: z.string(),
  split: z.string(),
  labels: labelSetSchema,
  pictures: z.int().min(0),
});

export const embeddingShardFacts = (facts: z.infer<typeof factsSchema>): object => facts;

/** Writes what `poster embed` writes. @throws UserError where the shards hold something else */
export async function mergeEmbedding(shards: ShardSet, options: EmbeddingOutputFlags): Promise<void> {
  const facts = parseJson(JSON.stringify(shards.header.facts), factsSchema, shards.source);
  const { about, dimension, root, split, labels, pictures } = facts;
  const out = await checkEmbeddingOutput(options, shards.files);
  const expected = { dimension, classes: labels.labels.length, predicted: about.predictedLabels.length };
  const several = (): UserError =>
    new UserError(
      `${shards.source} says that there are ${pictures} pictures, and the shards have others; run them again.`,
    );
  // Memory is taken for what files hold, not for what one of them claims.
  if (pictures * dimension * 4 > shards.bytes) throw several();
  async function* batches(): AsyncGenerator<EmbeddedBatch, void, void> {
    let left = pictures;
    for await (const { json, source } of shards.results()) {
      const batch = parseEmbedded(json, expected, source);
      left -= batch.indices.length + batch.skipped.length;
      if (left < 0) throw several();
      yield batch;
    }
    if (left > 0) throw several();
  }
  const embedded = await collectEmbedded(batches(), { root, split, labels, pictures, dimension });
  if (embedded.paths.length === 0) throw noneReadable(pictures, join(root, split), embedded.skipped);
  await writeEmbedding(out, about, embedded, options);
}
