import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { parseJson } from '../../common/json.js';
import { forEachParallel } from '../../common/parallel.js';
import { keypointNames } from '../../common/preprocessing.js';
import { dealt, evenShare, type Shard } from '../../common/shares.js';
import type { ShardResult } from '../../node/files/shards/index.js';
import { predictionsHead } from '../../recognize/recognition-document.js';
import { labelSetSchema } from '../../safetensors/description-parts.js';
import type { CheckpointOptions } from '../checkpoint-options.js';
import { grouped, note } from '../context.js';
import { ExitCode } from '../exit-code.js';
import type { PictureInput } from '../picture-inputs.js';
import type { Predicted, PredictionOutput } from '../prediction-output.js';
import { predictionOutputOptions } from '../prediction-outputs.js';
import { type PictureReader, type PictureWork, type PredictionOptions, readPictures } from '../prediction-run.js';
import { sentenceOf } from '../settings.js';
import { type OpenedShard, openShard } from './open-shard.js';
import type { ShardFlags } from './shard-options.js';

/** Above, chance makes shares even, and asking a file system for so many sizes takes longer than it saves. */
const mostWeighed = 10_000;
/** What a picture costs besides its bytes, in bytes: the networks take as long for a small one. */
const costOfAny = 64 * 1024;
/** System calls at once: each waits for the disk. */
const atOnce = 16;

/** Which pictures a shard looks at. */
interface PictureShare {
  readonly own: readonly number[];
  readonly units: number;
  /** Names, and sizes where they decide who looks at a picture: whoever finds others shares out otherwise. */
  readonly inputs: Iterable<unknown>;
}

async function picturesOfShard(inputs: readonly PictureInput[], shard: Shard): Promise<PictureShare> {
  const units = inputs.length;
  if (units > mostWeighed) return { own: dealt(units, shard), units, inputs: inputs.map(({ name }) => name) };
  const sizes = new Array<number>(units).fill(0);
  await forEachParallel(inputs, atOnce, async ({ image }, i) => {
    // What is not there, or not a file, is told when it is read.
    if (typeof image === 'string') sizes[i] = (await stat(image).catch(() => undefined))?.size ?? 0;
  });
  return {
    own: evenShare(
      sizes.map((size) => size + costOfAny),
      shard,
    ),
    units,
    inputs: inputs.map(({ name }, i) => [name, sizes[i]]),
  };
}

const factsSchema = z.strictObject({
  head: z.strictObject({ checkpoint: z.string(), model: z.string(), labels: labelSetSchema }),
  aligned: z.boolean(),
  /** Folders and globs that have no picture. */
  without: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
type PredictionFacts = z.infer<typeof factsSchema>;

/** @throws UserError */
export const parsePredictionFacts = (json: string, source: string): PredictionFacts =>
  parseJson(json, factsSchema, source);

/** Reads a shard's pictures, in the order of all: their results go to the shard's file. */
export async function predictShard(
  reader: PictureReader,
  work: PictureWork,
  shard: Shard,
  options: CheckpointOptions & ShardFlags & PredictionOptions,
): Promise<void> {
  const { inputs, without, stems } = work;
  const { checkpoint, aligned, description } = reader;
  const facts: PredictionFacts = {
    head: predictionsHead(checkpoint, description),
    aligned,
    without: without.map(({ name, reason }) => ({ name, reason: sentenceOf(reason) })),
  };
  const outputs = predictionOutputOptions;
  const share = await picturesOfShard(inputs, shard);
  const file = await openShard(shard, options, { command: 'predict', checkpoint, options, outputs, facts, ...share });
  const { left, path } = file;
  const own = { inputs: left.map((i) => itemAt(inputs, i)), stems: left.map((i) => itemAt(stems, i)), without: [] };
  const { done } = await readPictures(reader, { ...work, ...own }, [shardOutput(file)], options);
  if (done < left.length) {
    note(
      `Stopped after ${grouped(done)} of ${grouped(left.length)} pictures; run it again, and it goes on from there.`,
    );
    process.exitCode = ExitCode.interrupted;
  } else if (done > 0) {
    note(
      `Shard ${shard.index} of ${shard.count} is complete: ${grouped(done)} ${done === 1 ? 'picture' : 'pictures'}, in ${path}.`,
    );
  }
}

/** Results as a shard keeps them: all that any output needs. */
function shardOutput(file: OpenedShard): PredictionOutput {
  return {
    add: ({ picture: _, faces, ...predicted }) =>
      file.add({ ...predicted, faces: faces.map(({ crop: __, ...face }) => face) }),
    fail: (image, reason) => file.add({ image, failed: reason }),
    end: () => file.close(),
  };
}

const point = z.strictObject({ x: z.number(), y: z.number() });
const faceSchema = z.strictObject({
  box: z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }),
  keypoints: z.record(z.enum(keypointNames), point).nullable(),
  detectionScore: z.number().nullable(),
  expression: z.string(),
  probability: z.number(),
  scores: z.array(z.strictObject({ label: z.string(), probability: z.number(), logit: z.number() })),
  lowContrast: z.boolean(),
});
const predictedSchema = z.strictObject({
  image: z.string(),
  width: z.int().min(1),
  height: z.int().min(1),
  frames: z.int().min(1),
  faces: z.array(faceSchema),
  drawn: z.string().exactOptional(),
  crops: z.array(z.string()).exactOptional(),
  animated: z.literal(true).exactOptional(),
  unwritten: z.literal(true).exactOptional(),
});
const resultSchema = z.union([z.strictObject({ image: z.string(), failed: z.string() }), predictedSchema]);

/** @throws UserError where a result is none, or has scores of other labels. */
export function parsePrediction(
  { json, source }: ShardResult,
  { head }: PredictionFacts,
): Predicted | { readonly image: string; readonly failed: string } {
  const result = parseJson(json, resultSchema, source);
  if ('failed' in result) return result;
  const known = [...head.labels.labels].sort().join('\n');
  const fits = result.faces.every(
    ({ scores }) =>
      scores
        .map(({ label }) => label)
        .sort()
        .join('\n') === known,
  );
  if (fits) return result;
  throw new UserError(
    `${source} holds scores of other labels than its weights have; run that shard again without the file.`,
  );
}
