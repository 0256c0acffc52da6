import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { noneReadable } from '../../node/datasets/index.js';
import { collectEmbedded, type EmbeddedBatch, type EmbeddedDataset, parseEmbedded } from '../../node/measure/index.js';
import { labelSetSchema } from '../../safetensors/description-parts.js';

export const embeddingShardSchema = z.strictObject({
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

export type EmbeddingShardFacts = z.infer<typeof embeddingShardSchema>;

/** @throws UserError */
export const parseEmbeddingFacts = (json: string, source: string): EmbeddingShardFacts =>
  parseJson(json, embeddingShardSchema, source);

/**
 * The features of batches that others have computed.
 * @param bytes of all results, where that is known: memory is taken for what is there, not for what somebody claims
 * @throws UserError where they hold something else, or no picture could be read
 */
export async function mergeEmbedding(
  facts: EmbeddingShardFacts,
  results: AsyncIterable<{ readonly json: string; readonly source: string }>,
  bytes = Number.POSITIVE_INFINITY,
): Promise<EmbeddedDataset> {
  const { about, dimension, root, split, labels, pictures } = facts;
  const expected = { dimension, classes: labels.labels.length, predicted: about.predictedLabels.length };
  const several = (source: string): UserError =>
    new UserError(`${source} holds other pictures than the ${pictures} that there are; run all parts again.`);
  if (pictures * dimension * 4 > bytes) throw several('A part');
  async function* batches(): AsyncGenerator<EmbeddedBatch, void, void> {
    let left = pictures;
    let last = 'The parts';
    for await (const { json, source } of results) {
      const batch = parseEmbedded(json, expected, source);
      left -= batch.indices.length + batch.skipped.length;
      last = source;
      if (left < 0) throw several(source);
      yield batch;
    }
    if (left > 0) throw several(last);
  }
  const embedded = await collectEmbedded(batches(), { root, split, labels, pictures, dimension });
  if (embedded.paths.length === 0) throw noneReadable(pictures, join(root, split), embedded.skipped);
  return embedded;
}
