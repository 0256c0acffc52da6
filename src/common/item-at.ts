/** A list of numbers that can be written: of an array or of a typed one. */
interface Numbers {
  readonly length: number;
  [index: number]: number;
}

/**
 * The element at an index that must exist. `list[index] ?? 0` would hide an index that is off by one.
 * @throws RangeError where the list has no such element.
 */
export function itemAt<T>(list: ArrayLike<T>, index: number): T {
  const item = list[index];
  if (item === undefined && !Object.hasOwn(list, index)) {
    throw new RangeError(`index ${index} is not in a list of ${list.length}`);
  }
  return item as T;
}

/**
 * The value of a key that must be there. `map.get(key) ?? 0` would hide a key that nobody has set.
 * @throws RangeError where the map has no such key.
 */
export function entryOf<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined && !map.has(key)) throw new RangeError(`${String(key)} is not in a map of ${map.size}`);
  return value as Value;
}

/**
 * Adds to the number at an index that must exist.
 * @throws RangeError where the list has no such element.
 */
export function increase(list: Numbers, index: number, by = 1): void {
  list[index] = itemAt(list, index) + by;
}

/** Adds to the number of a key, which begins at 0. */
export function increaseOf<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
