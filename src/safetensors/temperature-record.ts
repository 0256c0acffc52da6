import * as z from 'zod';
import { temperatureLimits } from '../common/temperature-limits.js';

const { least, most } = temperatureLimits;

/** Of a record in a description; of one of another version, the number is all that is read. */
export const recordFormat = z.literal(1, {
  error: ({ input }) => `it has format ${String(input)}, and this version reads 1: install a newer poster-v2`,
});

export const temperatureSchema = z.object({
  format: recordFormat,
  /** What logits are divided by before the softmax. */
  value: z.number().min(least).max(most),
  /** What it was fitted to: majority labels, or shares of votes. */
  targets: z.enum(['labels', 'distribution']),
  /** How many pictures it was fitted on. */
  pictures: z.int().min(1),
  /** Which pictures those were, in words. */
  dataset: z.string().max(1000),
});

/** A temperature (Guo et al., On calibration of modern neural networks, 2017), and how it came about. */
export type TemperatureRecord = Readonly<z.infer<typeof temperatureSchema>>;
