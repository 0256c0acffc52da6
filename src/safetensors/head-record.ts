import * as z from 'zod';
import { recordFormat, temperatureSchema } from './temperature-record.js';

/*
 * A file may hold a second set of weights for the network's linear head, which decides otherwise on the same features. Its
 * tensors are called `heads/rare/weight` and `heads/rare/bias`.
 */

/** What decisions are to be best at: as many right as possible, or as many of each class. */
export type Preference = 'accuracy' | 'rare';
export const preferences: readonly Preference[] = ['accuracy', 'rare'];

/** Tensors whose names begin so belong to other heads than the network's own. */
export const headPrefix = 'heads/';

/** Names of a head's tensors. */
export interface HeadNames {
  readonly weight: string;
  readonly bias: string;
}

export const rareHead: HeadNames = { weight: `${headPrefix}rare/weight`, bias: `${headPrefix}rare/bias` };

export const headSchema = z.object({
  format: recordFormat,
  /** How much the mean over classes counts in what is maximised, beside plain accuracy: 1 is the mean alone. */
  share: z.number().gt(0).max(1),
  /** Which pictures say how frequent the classes are, in words. */
  dataset: z.string().max(1000),
  temperature: temperatureSchema.exactOptional(),
});

/** How a second head came about. */
export type HeadRecord = Readonly<z.infer<typeof headSchema>>;
