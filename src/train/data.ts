import type { LabelSet } from '../common/labels.js';
import { type Dataset, holdOut, loadDataset } from '../data/index.js';
import type { RunOptions } from './options.js';

export interface RunData {
  readonly labels: LabelSet;
  readonly train: Dataset;
  /** Chooses the best epoch. */
  readonly validation: Dataset;
  /** Of the validation pictures, in words, for the record. */
  readonly validationName: string;
}

/** The pictures that a run trains on, and those that choose its best epoch: never a test split unless asked for. */
export async function openData(run: RunOptions): Promise<RunData> {
  const train = await loadDataset(run.data, run.trainSplit, { keepNonMajority: run.targets === 'distribution' });
  const { labels } = train;
  if (run.valSplit !== null) {
    const validation = await loadDataset(run.data, run.valSplit, { labels });
    return { labels, train, validation, validationName: `split '${run.valSplit}'` };
  }
  const parts = holdOut(train, run.holdOut, run.seed);
  const share = `${Math.round(run.holdOut * 100)}% held out of split '${run.trainSplit}'`;
  return { labels, train: parts.train, validation: parts.validation, validationName: share };
}
