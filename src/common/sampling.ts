import { increase, itemAt } from './item-at.js';
import { random } from './random.js';

/** 'balanced' draws with replacement, every class present equally often in expectation. */
export type Order = 'sequential' | 'shuffled' | 'balanced';

/** How many samples each of these classes has. */
export function countsOf(labels: Iterable<number>, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) increase(counts, label);
  return counts;
}

/**
 * Positions of samples in the order of this epoch, as many as there are samples.
 * @param labels [n], the class of each sample
 */
export function epochPositions(
  labels: readonly number[],
  classes: number,
  order: Order,
  seed: number,
  epoch: number,
): Int32Array {
  const count = labels.length;
  const positions = Int32Array.from({ length: count }, (_, i) => i);
  if (order === 'sequential') return positions;
  const stream = random(seed, order, epoch);
  if (order === 'shuffled') return stream.shuffle(positions);
  // Weight 1 / class count for every picture is a class drawn evenly, then a picture of it drawn evenly.
  const members = countsOf(labels, classes).map((n) => new Int32Array(n));
  const filled = members.map(() => 0);
  labels.forEach((label, i) => {
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
  const drawn = new Int32Array(samples);
  return order.map((position) => {
    const before = itemAt(drawn, position);
    drawn[position] = before + 1;
    return before;
  });
}

/**
 * Positions of samples that are held out: at random, the same fraction of every class, rounded; a class with at least two
 * samples keeps one on each side.
 * @param labels [n], the class of each sample; undefined: it is never held out
 * @param fraction in (0, 1)
 */
export function heldOut(
  labels: readonly (number | undefined)[],
  classes: number,
  fraction: number,
  seed: number,
): ReadonlySet<number> {
  const held = new Set<number>();
  for (let label = 0; label < classes; label++) {
    const members = labels.flatMap((one, i) => (one === label ? [i] : []));
    if (members.length < 2) continue;
    const count = Math.min(members.length - 1, Math.max(1, Math.round(members.length * fraction)));
    const shuffled = random(seed, 'hold-out', label).shuffle(members);
    for (const i of shuffled.slice(0, count)) held.add(i);
  }
  return held;
}
