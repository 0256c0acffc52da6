import { type Computing, type Exchanged, type Network, type Sending, type StepTime, stepTime } from './step-model.js';

/** What a plan assumes. */
export interface ScalingAssumptions extends Computing, Exchanged, Network {
  /** Pictures of a rank's share of a batch, as long as the batch may grow. */
  readonly share: number;
  /** Pictures of an epoch. */
  readonly pictures: number;
  /** The batch and learning rate that the recipe was found with. */
  readonly baseBatch: number;
  readonly baseRate: number;
}

/** What so many ranks make of it. */
export interface ScalingRow {
  readonly ranks: number;
  /** Pictures of all ranks: the batch stops to grow where an epoch would have too few updates. */
  readonly batch: number;
  readonly learningRate: number;
  readonly warmUpEpochs: number;
  readonly time: StepTime;
  readonly imagesPerSecond: number;
  /** Images/s by those of one rank, divided by the number of ranks. */
  readonly efficiency: number;
  readonly secondsPerEpoch: number;
}

/**
 * Updates that an epoch keeps: those of the largest batch, 8192 of ImageNet's 1,281,167 pictures, with which Goyal et al.
 * (arXiv 1706.02677) found the accuracy of small batches, by a learning rate in proportion to the batch and a warm-up.
 */
const leastUpdates = Math.floor(1_281_167 / 8192);
/** Epochs of their warm-up. */
const warmUp = 5;

/** The largest batch that keeps accuracy, as far as is known. */
export const largestBatch = ({ pictures, baseBatch }: Pick<ScalingAssumptions, 'pictures' | 'baseBatch'>): number =>
  Math.max(baseBatch, Math.floor(pictures / leastUpdates));

/** @returns undefined where ranks would have no picture of a batch */
export function scalingRow(ranks: number, assumed: ScalingAssumptions, sending?: Sending): ScalingRow | undefined {
  const largest = largestBatch(assumed);
  if (ranks > largest) return undefined;
  const batch = Math.min(ranks * assumed.share, Math.max(largest, assumed.share));
  const of = (count: number, all: number) => stepTime({ ...assumed, ranks: count, batch: all }, sending);
  const time = of(ranks, batch);
  const imagesPerSecond = batch / time.total;
  const alone = assumed.share / of(1, assumed.share).total;
  return {
    ranks,
    batch,
    learningRate: (assumed.baseRate * batch) / assumed.baseBatch,
    warmUpEpochs: batch > assumed.baseBatch ? warmUp : 0,
    time,
    imagesPerSecond,
    efficiency: imagesPerSecond / alone / ranks,
    secondsPerEpoch: assumed.pictures / imagesPerSecond,
  };
}

/** A doubling of ranks that brings less than this is not worth it. */
const leastGain = 1.5;

/** The most ranks, of powers of two up to a limit, at which each doubling still brings half as much again. */
export function ranksThatPay(assumed: ScalingAssumptions, limit = 1024, sending?: Sending): number {
  let best = 1;
  let before = scalingRow(1, assumed, sending);
  for (let ranks = 2; ranks <= limit; ranks *= 2) {
    const row = scalingRow(ranks, assumed, sending);
    if (row === undefined || before === undefined) return best;
    if (row.imagesPerSecond < leastGain * before.imagesPerSecond) return best;
    best = ranks;
    before = row;
  }
  return best;
}
