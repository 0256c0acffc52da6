import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { keypointNames } from '../../common/preprocessing.js';
import { predictionsHead } from '../../recognize/recognition-document.js';
import { labelSetSchema } from '../../safetensors/description-parts.js';
import type { WithoutPictures } from '../picture-inputs.js';
import type { Predicted } from '../prediction-output.js';
import type { PictureReader } from '../prediction-run.js';
import { sentenceOf } from '../settings.js';

/*
 * What came of pictures as JSON documents: what shards keep and ranks send, and whoever puts the parts together reads.
 */

const factsSchema = z.strictObject({
  head: z.strictObject({ checkpoint: z.string(), model: z.string(), labels: labelSetSchema }),
  aligned: z.boolean(),
  /** Folders and globs that have no picture. */
  without: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
export type PredictionFacts = z.infer<typeof factsSchema>;

/** @throws UserError */
export const parsePredictionFacts = (json: string, source: string): PredictionFacts =>
  parseJson(json, factsSchema, source);

export function predictionFacts(
  { checkpoint, aligned, description }: Pick<PictureReader, 'checkpoint' | 'aligned' | 'description'>,
  without: readonly WithoutPictures[],
): PredictionFacts {
  return {
    head: predictionsHead(checkpoint, description),
    aligned,
    without: without.map(({ name, reason }) => ({ name, reason: sentenceOf(reason) })),
  };
}

/** All that any output needs of a picture. */
export function predictionRecord({ picture: _, faces, ...predicted }: Predicted): object {
  return { ...predicted, faces: faces.map(({ crop: __, ...face }) => face) };
}

export const failureRecord = (image: string, failed: string): object => ({ image, failed });

const point = z.strictObject({ x: z.number(), y: z.number() });
const faceSchema = z.strictObject({
  box: z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }),
  keypoints: z.record(z.enum(keypointNames), point).nullable(),
  detectionScore: z.number().nullable(),
  expression: z.string(),
  probability: z.number(),
  scores: z.array(z.strictObject({ label: z.string(), probability: z.number(), logit: z.number() })),
  lowContrast: z.boolean(),
});
const predictedSchema = z.strictObject({
  image: z.string(),
  width: z.int().min(1),
  height: z.int().min(1),
  frames: z.int().min(1),
  faces: z.array(faceSchema),
  drawn: z.string().exactOptional(),
  crops: z.array(z.string()).exactOptional(),
  animated: z.literal(true).exactOptional(),
  unwritten: z.string().exactOptional(),
});
const resultSchema = z.union([z.strictObject({ image: z.string(), failed: z.string() }), predictedSchema]);

/** @throws UserError where a result is none, or has scores of other labels. */
export function parsePrediction(
  { json, source }: { readonly json: string; readonly source: string },
  { head }: PredictionFacts,
): Predicted | { readonly image: string; readonly failed: string } {
  const result = parseJson(json, resultSchema, source);
  if ('failed' in result) return result;
  const known = [...head.labels.labels].sort().join('\n');
  const fits = result.faces.every(
    ({ scores }) =>
      scores
        .map(({ label }) => label)
        .sort()
        .join('\n') === known,
  );
  if (fits) return result;
  throw new UserError(`${source} holds scores of other labels than its weights have; run that part again.`);
}
