// Elements of typed arrays in loops over pixels and weights. `itemAt` serves every kind of list, so that one function sees many kinds and
// the engine cannot make a plain load of it: 20 times as slow there. Each of these sees one kind.

const absent = (index: number, length: number): RangeError =>
  new RangeError(`index ${index} is not in a typed array of ${length}`);

/**
 * A byte, 0 to 255, at an index that must exist.
 * @throws RangeError where the array has no such element.
 */
export function byteAt(bytes: Uint8Array | Uint8ClampedArray, index: number): number {
  const value = bytes[index];
  if (value === undefined) throw absent(index, bytes.length);
  return value;
}

/**
 * A number of floating point, or a level of a picture that may be of either kind, at an index that must exist.
 * @throws RangeError where the array has no such element.
 */
export function valueAt(values: Float32Array | Float64Array | Uint8Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw absent(index, values.length);
  return value;
}

/**
 * An integer at an index that must exist.
 * @throws RangeError where the array has no such element.
 */
export function integerAt(values: Int32Array | Uint32Array | Uint16Array | Uint8Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw absent(index, values.length);
  return value;
}
