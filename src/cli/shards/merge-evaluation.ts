import { z } from 'zod';
import { parseJson } from '../../common/json.js';
import { noneReadable } from '../../node/datasets/index.js';
import type { ShardSet } from '../../node/files/shards/index.js';
import {
  collectScores,
  evaluationDocument,
  evaluationFactsSchema,
  evaluationOf,
  type Measurement,
  parseScored,
  type ScoredBatch,
} from '../../node/measure/index.js';
import { printResult } from '../context.js';
import { noteEvaluation } from '../evaluation-notes.js';
import { evaluationText } from '../evaluation-text.js';
import { writePredictions } from '../predictions-csv.js';

const factsSchema = z.strictObject({
  checkpoint: z.string(),
  model: z.string(),
  data: z.string(),
  /** Absolute path of the split. */
  folder: z.string(),
  pictures: z.int().min(0),
  evaluation: evaluationFactsSchema,
});

export const evaluationShardFacts = (facts: z.infer<typeof factsSchema>): object => facts;

/** Writes what `poster evaluate` writes. @throws UserError where the shards hold something else */
export async function mergeEvaluation(
  shards: ShardSet,
  { csv, json }: { readonly csv?: string; readonly json?: boolean },
): Promise<void> {
  const facts = parseJson(JSON.stringify(shards.header.facts), factsSchema, shards.source);
  const { checkpoint, model, data, folder, pictures, evaluation } = facts;
  const votes: (Float32Array | undefined)[] = [];
  async function* batches(): AsyncGenerator<ScoredBatch, void, void> {
    for await (const { json: text, source } of shards.results()) {
      const scored = parseScored(text, evaluation, source);
      votes.push(...scored.votes);
      yield scored.batch;
    }
  }
  const scores = await collectScores(batches(), evaluation.mapping.labels.labels.length);
  if (scores.indices.length === 0) throw noneReadable(pictures, folder, scores.skipped);
  const measurement: Measurement = { checkpoint, model, data, result: evaluationOf(evaluation, scores, votes) };
  noteEvaluation(measurement.result);
  if (csv !== undefined) await writePredictions(csv, measurement.result);
  printResult(json, evaluationDocument(measurement), () => evaluationText(measurement));
}
