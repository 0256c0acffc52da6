import { PickleError } from './pickle-reader.js';

// What a pickle may take. Each limit is many times what published checkpoints need, and together they keep time and
// memory in proportion to the bytes that are read, whatever these say.

/** Bytes of one pickle, tensors apart. Those of published checkpoints have 0.2 MB. */
export const maxPickleBytes = 16 * 1024 * 1024;

/** Objects that one pickle makes, and entries of its stack and its memo. Published checkpoints: 20,000. */
export const maxPickleObjects = 500_000;

/** Values that one pickle moves: those that it puts on its stack, and those that a call copies. */
const maxValues = 2_000_000;

/** Characters of the name of a module, a class or a storage, and of a key of a dict. Published checkpoints: 70. */
const maxNameLength = 1000;

/** As in PyTorch. */
const maxDimensions = 64;

/** Counts what a pickle takes. */
export class PickleBudget {
  #objects = 0;
  #values = 0;

  /** @throws PickleError where so many things are more than a pickle may keep. */
  limit(count: number): void {
    if (count > maxPickleObjects) throw new PickleError(`it has more than ${maxPickleObjects} objects`);
  }

  /** Something that takes memory of its own is made. */
  object(): void {
    this.limit(++this.#objects);
  }

  /** So many values are moved, copied or looked through. Eight characters count as one. */
  spend(values: number): void {
    this.#values += values;
    if (this.#values > maxValues) throw new PickleError(`it has more than ${maxValues} values, or copies as many`);
  }
}

/** @throws PickleError where a name is longer than anybody's: work on names is work on all their characters. */
export function checkName(name: string, what: string): void {
  if (name.length > maxNameLength) throw new PickleError(`it has ${what} of ${name.length} characters`);
}

/** @throws PickleError where a tensor has more dimensions than PyTorch makes. */
export function checkDimensions(count: number): void {
  if (count > maxDimensions) {
    throw new PickleError(`it has a tensor of ${count} dimensions, and PyTorch makes at most ${maxDimensions}`);
  }
}
