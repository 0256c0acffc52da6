import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { base64OfFloats, floatsOfBase64 } from './base64.js';
import type { BatchPictures } from './dataset-batches.js';
import type { EmbeddedBatch } from './embed.js';
import type { EvaluationFacts } from './evaluation-facts.js';
import type { ScoredBatch } from './scores.js';

/*
 * Batches as JSON documents: what a shard writes, and whoever merges the shards reads.
 */

const index = z.int().min(0);
const pictures = {
  indices: z.array(index),
  paths: z.array(z.string()),
  labels: z.array(index),
  skipped: z.array(z.strictObject({ index, path: z.string(), reason: z.string() })),
};

function picturesRecord({ indices, paths, labels, skipped }: BatchPictures): BatchPictures {
  return { indices, paths, labels, skipped };
}

/** @param classes of the labels */
function isWhole({ indices, paths, labels }: BatchPictures, classes: number): boolean {
  const n = indices.length;
  return paths.length === n && labels.length === n && labels.every((label) => label < classes);
}

const scoredSchema = z.strictObject({
  ...pictures,
  logits: floatsOfBase64,
  rawLogits: floatsOfBase64.nullable(),
  votes: z.array(floatsOfBase64.nullable()),
  low: index.nullable(),
});

type Votes = readonly (Float32Array | undefined)[];

export function scoredRecord(batch: ScoredBatch, votes: Votes): object {
  const { logits, rawLogits, low } = batch;
  return {
    ...picturesRecord(batch),
    logits: base64OfFloats(logits),
    rawLogits: rawLogits === undefined ? null : base64OfFloats(rawLogits),
    votes: votes.map((one) => (one === undefined ? null : base64OfFloats(one))),
    low,
  };
}

/** @throws UserError where it is none, or its parts do not fit together. */
export function parseScored(
  json: string,
  { weights, mapping, temperature }: EvaluationFacts,
  source: string,
): { readonly batch: ScoredBatch; readonly votes: Votes } {
  const { votes, rawLogits, logits, low, ...about } = parseJson(json, scoredSchema, source);
  const classes = mapping.labels.labels.length;
  const n = about.indices.length;
  const whole =
    isWhole(about, classes) &&
    logits.length === n * classes &&
    (rawLogits === null ? true : temperature !== null && rawLogits.length === n * classes) &&
    votes.length === n &&
    votes.every((one) => one === null || (one.length === classes && one.every((share) => share >= 0 && share <= 1)));
  if (!whole || ![logits, rawLogits ?? []].every((rows) => areScores(rows, classes, weights.labels.length))) {
    throw misfit(source);
  }
  const raw = rawLogits === null ? {} : { rawLogits };
  return { batch: { ...about, logits, low, ...raw }, votes: votes.map((one) => one ?? undefined) };
}

/** What cannot be chosen has a score of -Infinity; something always can. */
function areScores(rows: ArrayLike<number>, classes: number, chosen: number): boolean {
  const values = Array.from(rows);
  return (
    values.every((value) => Number.isFinite(value) || value === Number.NEGATIVE_INFINITY) &&
    Array.from({ length: values.length / classes }, (_, i) => i * classes).every((row) =>
      values.slice(row, row + chosen).some(Number.isFinite),
    )
  );
}

const misfit = (source: string): UserError =>
  new UserError(`${source} holds a batch whose parts do not fit together; run that shard again without the file.`);

const embeddedSchema = z.strictObject({ ...pictures, features: floatsOfBase64, predicted: z.array(index) });

export function embeddedRecord(batch: EmbeddedBatch): object {
  return { ...picturesRecord(batch), features: base64OfFloats(batch.features), predicted: batch.predicted };
}

/**
 * @param expected the features' length, and how many labels data and weights have
 * @throws UserError where it is none, or its parts do not fit together.
 */
export function parseEmbedded(
  json: string,
  expected: { readonly dimension: number; readonly classes: number; readonly predicted: number },
  source: string,
): EmbeddedBatch {
  const batch = parseJson(json, embeddedSchema, source);
  const n = batch.indices.length;
  const whole =
    isWhole(batch, expected.classes) &&
    batch.features.length === n * expected.dimension &&
    batch.features.every(Number.isFinite) &&
    batch.predicted.length === n &&
    batch.predicted.every((label) => label < expected.predicted);
  if (whole) return batch;
  throw misfit(source);
}
