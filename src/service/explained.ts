import * as z from 'zod';
import type { ExplanationDocument } from '../explain/index.js';
import { box, scores } from './documents.js';

const map = z.array(z.array(z.number())).meta({ description: 'rows of columns' });
const tokens = z.object({ itself: z.number(), scales: z.array(map), all: map });
const explanation = z.object({
  expression: z.string().nullable(),
  scores,
  target: z.string().meta({ description: 'the label that relevance is for' }),
  direction: z
    .enum(['landmarks-to-image', 'image-to-image', 'image-to-landmarks'])
    .meta({ description: 'whose tokens ask at the scales, and over whose places their maps are' }),
  scales: z.array(z.object({ scale: z.number(), side: z.int(), share: z.number(), attention: map, relevance: map })),
  classToken: z
    .object({ attention: tokens, rollout: tokens, relevance: tokens })
    .nullable()
    .meta({ description: 'null for a network without a class token' }),
});

explanation satisfies z.ZodType<ExplanationDocument>;

/** What the network attends to in the faces of a picture. */
export const explained = z.object({
  model: z.string(),
  faces: z.array(z.object({ box, lowContrast: z.boolean(), ...explanation.shape })),
});

/** What `/v1/explain` answers. */
export type Explained = z.output<typeof explained>;
