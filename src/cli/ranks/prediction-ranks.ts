import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { guardInputs } from '../../node/files/output-paths.js';
import { exists } from '../../node/files/path-kind.js';
import { shareOut, takePart, type UnitWork } from '../../node/ranks/share-out.js';
import { stopOnSignals } from '../interrupt.js';
import type { PictureInput, PictureInputs } from '../picture-inputs.js';
import type { PlannedFiles } from '../prediction-files.js';
import { type NamedInput, outcomesOf, type PictureReader, type PredictionOptions } from '../prediction-run.js';
import { countBar } from '../progress.js';
import { sentenceOf } from '../settings.js';
import { mergePredictions } from '../shards/merge-predictions.js';
import { failureRecord, predictionFacts, predictionRecord } from '../shards/prediction-records.js';
import type { Ranks } from './by-ranks.js';
import { checkVisible } from './same-work.js';

/** Pictures that a rank has at a time: as many as pass through its network together. */
const ahead = 32;

const unitSchema = z.object({
  name: z.string(),
  relativePath: z.string(),
  /** A path, or an address. */
  image: z.string(),
  isAddress: z.boolean(),
  stem: z.string(),
});
type PictureUnit = z.infer<typeof unitSchema>;

const planSchema = z.object({
  /** One of the files, which all ranks must see. */
  probe: z.string().exactOptional(),
  /** Files that are read, which nobody may write over. */
  read: z.array(z.string()),
});

/** The pictures of a command, as rank 0 found them. */
export interface FoundPictures extends PictureInputs, Pick<PlannedFiles, 'stems' | 'guard'> {}

/**
 * Reads pictures with all ranks: rank 0 finds them, gives them out, and writes what all see in them.
 * @param find for rank 0 alone
 */
export async function predictByRanks(
  ranks: Ranks,
  find: () => Promise<FoundPictures>,
  open: () => Promise<PictureReader>,
  options: PredictionOptions,
): Promise<void> {
  let found: FoundPictures | undefined;
  const plan = await ranks.fromFirst(planSchema, async () => {
    found = await find();
    const probe = await firstFile(found.inputs);
    const read = options.saveCrops === undefined ? [] : pathsOf(found.inputs);
    return { read, ...(probe === undefined ? {} : { probe }) };
  });
  await checkVisible(ranks, plan.probe);
  const reader = await open();
  const stop = stopOnSignals('Finishing the pictures in progress, then stopping; press again to quit at once.');
  try {
    const guard = found?.guard ?? (await guardInputs(plan.read));
    const work = recordsOf(reader, guard, options);
    if (found === undefined) return await takePart(ranks, unitSchema, { work, stop: stop.signal });
    const { inputs, without, stems } = found;
    const units = inputs.map((input, i) => unitOf(input, itemAt(stems, i)));
    const results = shareOut(ranks, { units, ahead, work, stop: stop.signal });
    const bar = inputs.length > 1 ? { bar: countBar('pictures') } : {};
    const facts = predictionFacts(reader, without);
    await mergePredictions({ facts, pictures: inputs.length, results, ...bar }, options);
  } finally {
    stop.release();
    await reader.dispose();
  }
}

const pathsOf = (inputs: readonly PictureInput[]): string[] =>
  inputs.flatMap(({ image }) => (typeof image === 'string' ? [image] : []));

/** The first file that is there. */
async function firstFile(inputs: readonly PictureInput[]): Promise<string | undefined> {
  for (const path of pathsOf(inputs)) if (await exists(path)) return path;
  return undefined;
}

const unitOf = ({ image, ...input }: PictureInput, stem: string): PictureUnit => ({
  ...input,
  image: String(image),
  isAddress: image instanceof URL,
  stem,
});

const inputOf = ({ image, isAddress, ...unit }: PictureUnit): NamedInput => ({
  ...unit,
  image: isAddress ? new URL(image) : image,
});

/** What a rank does with the pictures that it is given. */
const recordsOf = (
  reader: PictureReader,
  guard: PlannedFiles['guard'],
  options: PredictionOptions,
): UnitWork<PictureUnit> =>
  async function* (units) {
    async function* inputs(): AsyncGenerator<NamedInput, void, void> {
      for await (const unit of units) yield inputOf(unit);
    }
    // Whatever a rank has been given it looks at: results have no gaps.
    for await (const outcome of outcomesOf(reader, inputs(), guard, options, new AbortController().signal)) {
      if ('failed' in outcome) {
        yield failureRecord(outcome.image, sentenceOf(outcome.failed));
        continue;
      }
      // A full disk takes no other picture's files either.
      if (outcome.problem !== undefined && outcome.problem.kind !== 'input') throw outcome.problem;
      yield predictionRecord(outcome.predicted);
    }
  };
