import * as z from 'zod';
import { keypointNames, type Preprocessing } from '../common/preprocessing.js';
import type { FaceDocument, RecognitionDocument } from '../recognize/index.js';
import { problemDocument } from './problem-document.js';

// What is answered. `satisfies` holds that they are the documents that the command line prints. A client takes what a newer server
// adds: it is left out.

const point = z.object({ x: z.number(), y: z.number() });
export const box = z
  .strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
  .meta({ description: 'pixels of the upright picture; brow to chin; it may reach beyond the picture' });
const keypoints = z.object({
  rightEye: point,
  leftEye: point,
  noseTip: point,
  mouth: point,
  rightEar: point,
  leftEar: point,
});
const probability = z.number().min(0).max(1);
export const scores = z
  .array(z.object({ label: z.string(), probability, logit: z.number() }))
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

z.object(face) satisfies z.ZodType<FaceDocument>;

const servedFace = z.object({
  ...face,
  crop: z.string().optional().meta({ description: 'what the network saw: PNG in base64', contentEncoding: 'base64' }),
});

const picture = { width: z.int(), height: z.int(), frames: z.int() };

z.object({ ...picture, faces: z.array(z.object(face)) }) satisfies z.ZodType<RecognitionDocument>;

/** Of one picture. */
export const recognition = z.object({
  ...picture,
  faces: z.array(servedFace).meta({ description: 'highest detection score first; empty if none was found' }),
});

export type ServedRecognition = z.infer<typeof recognition>;

/** Of a batch: for each picture, in its place, what it shows or why it cannot be used. */
export const batch = z.object({
  model: z.string(),
  results: z.array(z.union([recognition, z.object({ problem: problemDocument })])),
});

export const single = z.object({ model: z.string(), ...recognition.shape });

const fraction = z.number();
const preprocessing = z.object({
  imageSize: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  mean: z.array(z.number()),
  std: z.array(z.number()),
  crop: z
    .object({ name: z.string(), points: z.partialRecord(z.enum(keypointNames), z.tuple([fraction, fraction])) })
    .exactOptional(),
});
preprocessing satisfies z.ZodType<Preprocessing>;

export const models = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      labels: z.object({ name: z.string(), labels: z.array(z.string()) }),
      preprocessing,
      aligned: z.boolean().meta({ description: 'whether pictures must be face crops already' }),
      ready: z.boolean(),
    }),
  ),
});

export const health = z.object({ status: z.enum(['ok', 'loading', 'restarting', 'draining']) });

/** What `/v1/recognize` answers. */
export type Single = z.output<typeof single>;
/** What `/v1/recognize/batch` answers. */
export type Batch = z.output<typeof batch>;
/** What `/v1/models` answers. */
export type Models = z.output<typeof models>;
