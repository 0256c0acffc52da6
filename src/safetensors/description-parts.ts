import * as z from 'zod';
import { inOneForm, type LabelSet, labelProblem } from '../common/labels.js';

// Parts of the document that a model checkpoint says about itself. Other documents have them too.

/** Names are shown on terminals. */
export const plainText = z.string().refine((text) => labelProblem(text) === undefined, {
  error: ({ input }) => labelProblem(String(input)) ?? '',
});
export const label = plainText.min(1);
const count = z.int().nonnegative();

const areDistinct = (labels: readonly string[]): boolean => new Set(labels).size === labels.length;

export const labelSetSchema: z.ZodType<LabelSet> = z.object({
  name: plainText.transform(inOneForm),
  labels: z
    .array(label)
    .min(1)
    .refine(areDistinct, 'a label occurs twice')
    .transform((labels) => {
      // Older files hold labels as a file system stored them: one that had both forms of a name had two classes.
      const written = labels.map(inOneForm);
      return areDistinct(written) ? written : labels;
    }),
});

const protocolSchema = z.object({
  /** Name of the dataset. */
  dataset: z.string(),
  trainSplit: z.string(),
  /** Split that chose the best epoch; null: pictures held out of the training split. */
  selectionSplit: z.string().nullable(),
  /** The same in words. */
  selection: z.string(),
  /** The part of the training split that was kept from all this. */
  fold: z.object({ index: z.int().min(1), count: z.int().min(2), seed: count }).exactOptional(),
});
/** Which pictures weights were trained on and chosen with: whether a measurement on others is fair follows from it. */
export type ProtocolRecord = z.infer<typeof protocolSchema>;

export const trainingSchema = z.object({
  /** The command line, to run it again. */
  command: z.string(),
  seed: count,
  /** Epochs that were finished. */
  epoch: count,
  /** On the split that `dataset` names, such as `accuracy`. */
  metrics: z.record(z.string(), z.number()),
  /** Dataset and split, in words. */
  dataset: z.string(),
  protocol: protocolSchema.exactOptional(),
  /** Of this program, ONNX Runtime and Node, by name. */
  versions: z.record(z.string(), z.string()),
  /** Of this program's clone, where there was one, and whether its sources had been changed since. */
  git: z.object({ commit: z.string(), dirty: z.boolean() }).exactOptional(),
  /** All settings of the run, parsed by the trainer; of folders the name only. */
  options: z.record(z.string(), z.unknown()).exactOptional(),
});
/** Where the weights come from. */
export type TrainingRecord = z.infer<typeof trainingSchema>;
