import { z } from 'zod';
import type { FaceDocument, RecognitionDocument } from '../../recognize/index.js';
import { problemDocument } from './problem.js';

// What is answered. `satisfies` holds that they are the documents that the command line prints.

const point = z.strictObject({ x: z.number(), y: z.number() });
export const box = z
  .strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
  .meta({ description: 'pixels of the upright picture; brow to chin; it may reach beyond the picture' });
const keypoints = z.strictObject({
  rightEye: point,
  leftEye: point,
  noseTip: point,
  mouth: point,
  rightEar: point,
  leftEar: point,
});
const probability = z.number().min(0).max(1);
export const scores = z
  .array(z.strictObject({ label: z.string(), probability, logit: z.number() }))
  .meta({ description: 'the most probable label first' });

const face = {
  box,
  keypoints: keypoints.nullable(),
  detectionScore: probability.nullable(),
  expression: z.string(),
  probability,
  scores,
  lowContrast: z.boolean().meta({ description: 'a dark or washed-out face, which is read less surely' }),
};

z.strictObject(face) satisfies z.ZodType<FaceDocument>;

const servedFace = z.strictObject({
  ...face,
  crop: z.string().optional().meta({ description: 'what the network saw: PNG in base64', contentEncoding: 'base64' }),
});

const picture = { width: z.int(), height: z.int(), frames: z.int() };

z.strictObject({ ...picture, faces: z.array(z.strictObject(face)) }) satisfies z.ZodType<RecognitionDocument>;

/** Of one picture. */
export const recognition = z.strictObject({
  ...picture,
  faces: z.array(servedFace).meta({ description: 'the surest first; empty where none was found' }),
});

export type ServedRecognition = z.infer<typeof recognition>;

/** Of a batch: for each picture, in its place, what it shows or why it cannot be used. */
export const batch = z.strictObject({
  model: z.string(),
  results: z.array(z.union([recognition, z.strictObject({ problem: problemDocument })])),
});

export const single = z.strictObject({ model: z.string(), ...recognition.shape });

export const models = z.strictObject({
  models: z.array(
    z.strictObject({
      name: z.string(),
      labels: z.strictObject({ name: z.string(), labels: z.array(z.string()) }),
      preprocessing: z.looseObject({ imageSize: z.int(), channels: z.int() }),
      ready: z.boolean(),
    }),
  ),
});

export const health = z.strictObject({ status: z.enum(['ok', 'loading', 'draining']) });
