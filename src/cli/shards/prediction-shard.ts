import { stat } from 'node:fs/promises';
import { countText } from '../../common/count-text.js';
import { itemAt } from '../../common/item-at.js';
import { forEachParallel } from '../../common/parallel.js';
import { dealt, evenShare, type Shard } from '../../common/shares.js';
import type { CheckpointOptions } from '../checkpoint-options.js';
import { grouped, note } from '../context.js';
import { ExitCode } from '../exit-code.js';
import type { PictureInput } from '../picture-inputs.js';
import type { PredictionOutput } from '../prediction-output.js';
import { predictionOutputOptions } from '../prediction-outputs.js';
import { type PictureReader, type PictureWork, type PredictionOptions, readPictures } from '../prediction-run.js';
import { type OpenedShard, openShard } from './open-shard.js';
import { failureRecord, predictionFacts, predictionRecord } from './prediction-records.js';
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

/** Reads a shard's pictures, in the order of all: their results go to the shard's file. */
export async function predictShard(
  reader: PictureReader,
  work: PictureWork,
  shard: Shard,
  options: CheckpointOptions & ShardFlags & PredictionOptions,
): Promise<void> {
  const { inputs, without, stems } = work;
  const { checkpoint } = reader;
  const facts = predictionFacts(reader, without);
  const outputs = predictionOutputOptions;
  const share = await picturesOfShard(inputs, shard);
  const file = await openShard(shard, options, { command: 'predict', checkpoint, options, outputs, facts, ...share });
  const { left, path } = file;
  const own = { inputs: left.map((i) => itemAt(inputs, i)), stems: left.map((i) => itemAt(stems, i)), without: [] };
  const { done } = await readPictures(reader, { ...work, ...own }, [shardOutput(file)], options);
  if (done < left.length) {
    note(`Stopped after ${grouped(done)} of ${countText(left.length, 'picture')}; run it again to resume it.`);
    process.exitCode = ExitCode.interrupted;
  } else if (done > 0) {
    note(
      `Shard ${shard.index} of ${shard.count} is complete: ${grouped(done)} ${done === 1 ? 'picture' : 'pictures'}, in ${path}.`,
    );
  }
}

/** Results as a shard keeps them. */
function shardOutput(file: OpenedShard): PredictionOutput {
  return {
    add: (predicted) => file.add(predictionRecord(predicted)),
    fail: (image, reason) => file.add(failureRecord(image, reason)),
    end: () => file.close(),
  };
}
