import { itemAt } from '../../src/common/item-at.js';
import type { Reducer } from '../../src/train/reducer.js';

/** Reducers of trainers in this process: arrays are added up in rank order once all of them are there. */
export function reducersOf(size: number): Reducer[] {
  let arrived: { readonly rank: number; readonly flat: Float32Array; readonly done: () => void }[] = [];
  const sum = (rank: number, flat: Float32Array): Promise<void> =>
    new Promise((done) => {
      arrived.push({ rank, flat, done });
      if (arrived.length < size) return;
      const all = arrived.sort((a, b) => a.rank - b.rank);
      arrived = [];
      const total = itemAt(all, 0).flat.slice();
      for (const { flat: one } of all.slice(1)) {
        if (one.length !== total.length) throw new Error(`${one.length} elements beside ${total.length}`);
        for (const [i, value] of one.entries()) total[i] = (total[i] ?? Number.NaN) + value;
      }
      for (const one of all) {
        one.flat.set(total);
        one.done();
      }
    });
  return Array.from({ length: size }, (_, rank) => ({ rank, size, sum: (flat) => sum(rank, flat) }));
}
