import * as z from 'zod';

/** A figure; null where it was not finite. */
const figure = z.number().nullable();
const later = figure.exactOptional();
const count = z.int().min(0);
const fraction = z.number().min(0).max(1).nullable();

const confusionSchema = z
  .array(z.array(count))
  .min(1)
  .refine((rows) => rows.every((row) => row.length === rows.length), 'it is not square');

const calibrationSchema = z.object({
  ece: fraction,
  mce: fraction,
  brier: figure,
  bins: z.array(z.object({ from: z.number(), to: z.number(), count, confidence: fraction, accuracy: fraction })),
});

/** What `metrics.jsonl` says about an epoch; early versions say less. */
export const epochSchema = z.object({
  /** From 1. */
  epoch: z.int().min(1),
  /** Updates made until its end. */
  step: count,
  trainLoss: figure,
  trainAccuracy: fraction,
  valLoss: figure,
  valAccuracy: fraction,
  valMeanClassAccuracy: fraction,
  /** Not in runs of early versions, like the others that may be absent. */
  valMacroF1: fraction.exactOptional(),
  /** Expected calibration error. */
  valEce: fraction.exactOptional(),
  /** Learning rate of the last step. */
  lr: figure,
  /** Learning rate of the first step. */
  lrStart: later,
  seconds: figure,
  /** Whether it was the best until then. */
  best: z.boolean(),
  /** On the validation pictures, true classes in rows. */
  confusion: confusionSchema.exactOptional(),
  /** On the validation pictures; of epochs that were the best until then. */
  calibration: calibrationSchema.exactOptional(),
});
export type RunEpoch = z.infer<typeof epochSchema>;
