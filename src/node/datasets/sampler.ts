import { itemAt } from '../../common/item-at.js';
import { random } from '../../common/random.js';
import { classCounts, type Dataset } from './dataset.js';

/** 'balanced' draws with replacement, every class present equally often in expectation. */
export type Order = 'sequential' | 'shuffled' | 'balanced';

/** Positions in `dataset.samples` in the order of this epoch, as many as there are samples. */
export function epochOrder(dataset: Dataset, order: Order, seed: number, epoch: number): Int32Array {
  const count = dataset.samples.length;
  const positions = Int32Array.from({ length: count }, (_, i) => i);
  if (order === 'sequential') return positions;
  const stream = random(seed, order, epoch);
  if (order === 'shuffled') return stream.shuffle(positions);
  // Weight 1 / class count for every picture is a class drawn evenly, then a picture of it drawn evenly.
  const members = classCounts(dataset).map((n) => new Int32Array(n));
  const filled = members.map(() => 0);
  dataset.samples.forEach(({ label }, i) => {
    const at = itemAt(filled, label);
    members[label]?.set([i], at);
    filled[label] = at + 1;
  });
  const present = members.filter((list) => list.length > 0);
  for (let i = 0; i < count; i++) {
    const list = present[stream.int(present.length)];
    if (list !== undefined) positions[i] = itemAt(list, stream.int(list.length));
  }
  return positions;
}

/**
 * How often each position came before in the order: 0 for all where nothing repeats. Keeps a picture that is drawn
 * twice in an epoch from being augmented in the same way twice.
 */
export function occurrences(order: Int32Array, samples: number): Int32Array {
  const seen = new Int32Array(samples);
  return order.map((position) => {
    const before = itemAt(seen, position);
    seen[position] = before + 1;
    return before;
  });
}
