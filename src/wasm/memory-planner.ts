// What is done in a run, one action after the other, before anything has its place: tensors whose time does not overlap share places.

import { entryOf, itemAt } from '../common/item-at.js';
import type { GraphKernels } from './graph-kernels.js';
import { floatBytes, vector } from './pack.js';
import { Addresses } from './plan.js';
import type { Storage, View } from './views.js';

/** Where things are, for the actions. */
export interface Bindings {
  readonly kernels: GraphKernels;
  /** Of a view's first element. */
  address(view: View): number;
  /** Address of the offsets of all rows of axes of a view from its first element, in bytes; the last are repeated up to a multiple of 4. */
  table(view: View, axes: readonly number[]): number;
  /** Address of whole numbers. */
  integers(values: readonly number[]): number;
}

interface Action {
  readonly reads: readonly Storage[];
  readonly writes: readonly Storage[];
  readonly bind: (bindings: Bindings) => () => void;
}

export class MemoryPlanner {
  readonly #actions: Action[] = [];

  /**
   * @param reads views, some of which have their places already
   * @param writes the results, and what is needed meanwhile
   * @param bind told the places, makes what runs
   */
  add(reads: readonly (View | undefined)[], writes: readonly View[], bind: (bindings: Bindings) => () => void): void {
    const storages = (views: readonly (View | undefined)[]): Storage[] =>
      views.flatMap((view) => (view === undefined ? [] : [view.storage]));
    this.#actions.push({ reads: storages(reads), writes: storages(writes), bind });
  }

  /**
   * Bytes that tensors of a run take, without tables.
   * @param fixed, kept as for `allocate`
   */
  bytes(fixed: ReadonlyMap<Storage, number>, kept: readonly View[]): number {
    return this.#storageAddresses(fixed, kept, 0).end;
  }

  /**
   * Gives everything a place.
   * @param fixed addresses of what has its place already, such as weights
   * @param kept views that are read after the run, or written before it
   */
  allocate(
    fixed: ReadonlyMap<Storage, number>,
    kept: readonly View[],
    begin: number,
    kernels: GraphKernels,
  ): { readonly end: number; readonly run: () => void; address(view: View): number } {
    const { storageAddresses, end: storageEnd } = this.#storageAddresses(fixed, kept, begin);
    const addresses = new Addresses(storageEnd);
    kernels.memory.reserve(storageEnd);
    kernels.memory.floats(begin, (storageEnd - begin) / floatBytes).fill(0);
    const address = ({ storage, offset }: View): number => entryOf(storageAddresses, storage) + offset * floatBytes;
    const bindings: Bindings = { kernels, address, ...tablesIn(addresses, kernels) };
    const steps = this.#actions.map(({ bind }) => bind(bindings));
    return {
      end: addresses.end,
      address,
      run() {
        for (const step of steps) step();
      },
    };
  }

  #storageAddresses(
    fixed: ReadonlyMap<Storage, number>,
    kept: readonly View[],
    begin: number,
  ): { readonly storageAddresses: ReadonlyMap<Storage, number>; readonly end: number } {
    const addresses = new Addresses(begin);
    const storageAddresses = new Map(fixed);
    for (const { storage } of kept) {
      if (!storageAddresses.has(storage)) storageAddresses.set(storage, addresses.take(storage.floats));
    }
    this.#allocateStorages(storageAddresses, new Set(storageAddresses.keys()), addresses);
    return { storageAddresses, end: addresses.end };
  }

  #allocateStorages(storageAddresses: Map<Storage, number>, kept: ReadonlySet<Storage>, addresses: Addresses): void {
    const last = new Map<Storage, number>();
    this.#actions.forEach(({ reads, writes }, index) => {
      for (const storage of [...reads, ...writes]) last.set(storage, index);
    });
    const free = new Map<string, number[]>();
    this.#actions.forEach(({ reads, writes }, index) => {
      for (const storage of writes) {
        if (storageAddresses.has(storage)) continue;
        storageAddresses.set(storage, free.get(storage.kind)?.pop() ?? addresses.take(storage.floats));
      }
      for (const storage of new Set([...reads, ...writes])) {
        if (last.get(storage) !== index || kept.has(storage)) continue;
        const list = free.get(storage.kind) ?? [];
        list.push(entryOf(storageAddresses, storage));
        free.set(storage.kind, list);
      }
    });
  }
}

function tablesIn(addresses: Addresses, { memory }: GraphKernels): Pick<Bindings, 'table' | 'integers'> {
  const known = new Map<string, number>();
  const once = (name: string, make: () => readonly number[]): number => {
    const existing = known.get(name);
    if (existing !== undefined) return existing;
    const values = make();
    const at = addresses.take(values.length);
    memory.reserve(addresses.end);
    memory.integers(at, values.length).set(values);
    known.set(name, at);
    return at;
  };
  return {
    table({ dims, strides }, axes) {
      const picked = axes.map((axis) => [itemAt(dims, axis), itemAt(strides, axis)] as const);
      return once(`table ${picked.join(' ')}`, () => offsetsOf(picked));
    },
    integers: (values) => once(values.join(), () => values),
  };
}

function offsetsOf(axes: readonly (readonly [dim: number, stride: number])[]): number[] {
  let offsets = [0];
  for (const [dim, stride] of axes) {
    offsets = offsets.flatMap((start) => Array.from({ length: dim }, (_, i) => start + i * stride * floatBytes));
  }
  const last = itemAt(offsets, offsets.length - 1);
  while (offsets.length % vector !== 0) offsets.push(last);
  return offsets;
}
