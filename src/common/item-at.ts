/**
 * The element at an index that must exist. `list[index] ?? 0` would hide an index that is off by one.
 * @throws RangeError where the list has no such element.
 */
export function itemAt<T>(list: readonly T[], index: number): T {
  if (!Object.hasOwn(list, index)) throw new RangeError(`index ${index} is not in a list of ${list.length}`);
  return list[index] as T;
}
