import { UserError } from '../../common/errors.js';
import { loadDataset, type Sample, type SharedPicture, sharedPictures, splitsOf } from '../datasets/index.js';
import type { RunOptions } from './options.js';
import type { RunData } from './run-data.js';

/** Pictures that a run trains on, and that are elsewhere too, where they should be new to the network. */
export interface SharedSet {
  /** Where else, in words. */
  readonly where: string;
  /** Training pictures that are there too, byte for byte, each with one of those. */
  readonly pictures: readonly SharedPicture[];
}

/** The pictures of a split; none where it cannot be used, which is for those to say who use it. */
async function samplesOf(run: RunOptions, split: string): Promise<readonly Sample[]> {
  try {
    return (await loadDataset(run.data, split, { keepNonMajority: true })).samples;
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

/**
 * Which training pictures are among those that choose the best epoch or are kept for a temperature, or in another split of the
 * dataset, or in the fold that is kept for measuring. Sets without any are left out. Takes seconds (`sharedPictures`).
 */
export async function sharedSets(run: RunOptions, data: RunData): Promise<SharedSet[]> {
  const others: { where: string; samples: readonly Sample[] }[] = [
    { where: `the validation pictures (${data.validationName})`, samples: data.validation.samples },
    { where: 'the pictures kept for a temperature', samples: data.calibration?.samples ?? [] },
  ];
  // So far what the run itself uses; what follows may be another run's.
  const ownParts = others.length;
  for (const split of await splitsOf(run.data)) {
    if (split === data.train.split || split === data.validation.split) continue;
    others.push({ where: `split '${split}'`, samples: await samplesOf(run, split) });
  }
  if (run.fold !== null) {
    const { train, validation, calibration } = data;
    const all = [...train.samples, ...validation.samples, ...(calibration?.samples ?? [])];
    const used = new Set(all.map(({ path }) => path));
    const rest = (await samplesOf(run, run.trainSplit)).filter(({ path, majority }) => majority && !used.has(path));
    others.push({ where: `fold ${run.fold}, which is kept for measuring`, samples: rest });
  }
  // Pictures held out of the training split belong to it where other splits are concerned.
  const heldOut = run.valSplit === null ? data.validation.samples : [];
  const found: SharedSet[] = [];
  for (const [i, { where, samples }] of others.entries()) {
    const used = i < ownParts ? data.train.samples : [...data.train.samples, ...heldOut];
    const pictures = await sharedPictures(used, samples);
    if (pictures.length > 0) found.push({ where, pictures });
  }
  return found;
}
