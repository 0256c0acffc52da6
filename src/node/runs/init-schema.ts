import * as z from 'zod';
import type { LabelSet } from '../../common/labels.js';

const labelSetSchema: z.ZodType<LabelSet> = z.object({ name: z.string(), labels: z.array(z.string()).min(1) });

/** Where first values come from, as several runs that are planned together keep it. */
export const initSchema = z.array(
  z.object({
    part: z.string(),
    path: z.string(),
    labels: z.union([z.literal('data'), labelSetSchema]).exactOptional(),
  }),
);
