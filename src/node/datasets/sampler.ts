import { epochPositions, type Order } from '../../common/sampling.js';
import type { Dataset } from './dataset.js';

export { type Order, occurrences } from '../../common/sampling.js';

/** Positions in `dataset.samples` in the order of this epoch, as many as there are samples. */
export function epochOrder({ samples, labels }: Dataset, order: Order, seed: number, epoch: number): Int32Array {
  const classes = samples.map(({ label }) => label);
  return epochPositions(classes, labels.labels.length, order, seed, epoch);
}
