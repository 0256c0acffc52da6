import * as z from 'zod';

/** A run's folder holds the weights of its best epoch, and a line for each thing that happened. */
export const bestFileName = 'best.safetensors';
export const historyFileName = 'metrics.jsonl';

/** Says in a run's folder what the run is: all that would be needed to make it again. */
export const runFileName = 'run.json';

const count = z.int().min(0);

/** One stretch of a run, from a start or a resume to an end. What it says decides speed, not results. */
const sessionSchema = z.looseObject({
  /** ISO 8601. */
  started: z.string(),
  command: z.string(),
  /** Where it went on from: epochs finished and updates made. */
  epoch: count,
  step: count.exactOptional(),
  device: z.string(),
  threads: z.int().nullable().exactOptional(),
  workers: z.int().nullable().exactOptional(),
  strict: z.boolean().exactOptional(),
  /** Processes that trained together, and what carried their sums. */
  ranks: z.int().min(1).exactOptional(),
  transport: z.string().exactOptional(),
  /** Whose pictures BatchNorm normalises by: `local`, those of each rank's micro-batch. */
  batchNorm: z.literal('local').exactOptional(),
  versions: z.record(z.string(), z.string()),
  /** Of this program; null where it is no clone. */
  git: z.object({ commit: z.string(), dirty: z.boolean() }).nullable().exactOptional(),
  system: z.string().exactOptional(),
});
export type Session = z.infer<typeof sessionSchema>;

/** What `run.json` says. What is optional is not in files of early versions; this one writes all of it. */
export const runFileSchema = z.object({
  format: z.literal(1).exactOptional(),
  /** What decides the run's results, by name; another version may have other settings. */
  run: z.record(z.string(), z.unknown()),
  labels: z.object({ name: z.string(), labels: z.array(z.string()).min(1) }),
  /** What trained and validated, in words. */
  dataset: z.string().exactOptional(),
  pictures: z.object({ train: count, validation: count }).exactOptional(),
  /** Where first values came from, if from files. */
  init: z.array(z.looseObject({ part: z.string(), path: z.string() })).exactOptional(),
  /** What it learned from besides the targets of its pictures; how, `run` says. */
  teachers: z.array(z.looseObject({ path: z.string(), sha256: z.string(), model: z.string() })).exactOptional(),
  sessions: z.array(sessionSchema).exactOptional(),
});
export type RunFile = z.infer<typeof runFileSchema>;
