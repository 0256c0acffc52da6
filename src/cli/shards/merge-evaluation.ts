import * as z from 'zod';
import { parseJson } from '../../common/json.js';
import { noneReadable } from '../../node/datasets/index.js';
import {
  collectScores,
  evaluationFactsSchema,
  evaluationOf,
  type Measurement,
  parseScored,
  type ScoredBatch,
} from '../../node/measure/index.js';
import { noteEvaluation } from '../evaluation-notes.js';

export const evaluationShardSchema = z.strictObject({
  checkpoint: z.string(),
  model: z.string(),
  data: z.string(),
  /** Absolute path of the split. */
  folder: z.string(),
  pictures: z.int().min(0),
  evaluation: evaluationFactsSchema,
});

export type EvaluationShardFacts = z.infer<typeof evaluationShardSchema>;

/** @throws UserError */
export const parseEvaluationFacts = (json: string, source: string): EvaluationShardFacts =>
  parseJson(json, evaluationShardSchema, source);

/**
 * What `poster evaluate` measures, of batches that others have looked at.
 * @throws UserError where they hold something else, or no picture could be read
 */
export async function mergeEvaluation(
  facts: EvaluationShardFacts,
  results: AsyncIterable<{ readonly json: string; readonly source: string }>,
): Promise<Measurement> {
  const { checkpoint, model, data, folder, pictures, evaluation } = facts;
  const votes: (Float32Array | undefined)[] = [];
  async function* batches(): AsyncGenerator<ScoredBatch, void, void> {
    for await (const { json, source } of results) {
      const scored = parseScored(json, evaluation, source);
      votes.push(...scored.votes);
      yield scored.batch;
    }
  }
  const scores = await collectScores(batches(), evaluation.mapping.labels.labels.length);
  if (scores.indices.length === 0) throw noneReadable(pictures, folder, scores.skipped);
  const measurement: Measurement = { checkpoint, model, data, result: evaluationOf(evaluation, scores, votes) };
  noteEvaluation(measurement.result);
  return measurement;
}
