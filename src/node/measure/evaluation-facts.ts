import * as z from 'zod';
import { labelSetSchema, trainingSchema } from '../../safetensors/description-parts.js';
import { preferences } from '../../safetensors/index.js';

const count = z.int().min(0);

const labelMappingSchema = z.strictObject({
  relation: z.enum(['same', 'reordered', 'mapped']),
  labels: labelSetSchema,
  indices: z.array(z.int().min(-1)),
  unknown: z.array(z.string()),
  absent: z.array(z.string()),
  removed: z.array(count),
  without: z.array(z.string()).default([]),
  options: z.strictObject({ unknown: z.enum(['wrong', 'leave-out']), absent: z.enum(['keep', 'remove']) }),
});

const viewSchema = z.strictObject({
  name: z.string(),
  mirrored: z.boolean(),
  side: z.number().gt(0).max(1),
  x: z.number(),
  y: z.number(),
});

/** What a measurement is told with, besides what the network says of the pictures: known before it begins. */
export const evaluationFactsSchema = z
  .strictObject({
    split: z.string(),
    weights: labelSetSchema,
    data: labelSetSchema,
    mapping: labelMappingSchema,
    fold: z.strictObject({ index: z.int().min(1), count: z.int().min(2), seed: count }).nullable(),
    /** Pictures that are not measured, by the reason. */
    withoutMajority: count,
    leftOut: count,
    without: count.default(0),
    seen: count,
    /** Pictures measured that the training split has too. */
    shared: z.strictObject({ split: z.string(), pictures: count }).nullable(),
    views: z.array(viewSchema).min(1),
    /** What of the pictures run together a picture's logits depend on. */
    batch: z.strictObject({ dependsOn: z.string(), pictures: z.int().min(1) }).nullable(),
    lowContrast: z.enum(['keep', 'stretch']),
    prefer: z.enum(preferences),
    training: trainingSchema.nullable(),
    temperature: z.number().nullable(),
    /** About the dataset, a sentence each. */
    notes: z.array(z.string()),
    /** That labels were put in another order. */
    note: z.string().nullable(),
  })
  .refine(
    ({ weights, data, mapping: { labels, indices, removed } }) =>
      indices.length === data.labels.length &&
      indices.every((to) => to < labels.labels.length) &&
      removed.every((of) => of < weights.labels.length) &&
      weights.labels.every((label, i) => label === labels.labels[i]),
    { error: 'the labels of weights and data do not fit together' },
  );
export type EvaluationFacts = z.infer<typeof evaluationFactsSchema>;
