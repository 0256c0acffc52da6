// JavaScript has no array of half-precision numbers (IEEE 754 binary16) everywhere yet: they are held as their bits.

/** IEEE 754 binary16 to binary32, both as bits. Exact; the payload of a NaN is kept. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: fraction * 2^-24. Its leading one becomes the implicit one of a normal float32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** Rounded to the nearest half-precision number, ties to even; too large becomes infinite. */
function floatToHalfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const rebased = exponent - 112;
  if (rebased >= 0x1f) return sign | 0x7c00;
  if (rebased < -10) return sign;
  // Below the smallest normal number the implicit one becomes part of the fraction. A carry runs into the exponent.
  const shift = rebased > 0 ? 13 : 14 - rebased;
  const whole = rebased > 0 ? (rebased << 23) | fraction : 0x800000 | fraction;
  const cut = whole & ((1 << shift) - 1);
  const kept = whole >>> shift;
  const half = 1 << (shift - 1);
  return sign | (kept + (cut > half || (cut === half && (kept & 1) === 1) ? 1 : 0));
}

/** Numbers rounded to half precision, as bits: eleven significant bits, and infinite above 65504. */
export function halfBits(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = floatToHalfBits(bits[i] as number);
  return halves;
}

/** Of each half; made when many are converted. */
let table: Uint32Array | undefined;

function floatBitsOfHalves(): Uint32Array {
  if (table !== undefined) return table;
  table = new Uint32Array(2 ** 16);
  for (let half = 0; half < table.length; half++) table[half] = halfToFloatBits(half);
  return table;
}

/** The numbers that bits of half precision stand for, exactly. */
export function halfValues(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  // A network has millions: to look one up takes half of the time that working it out does.
  const known = floatBitsOfHalves();
  for (let i = 0; i < bits.length; i++) bits[i] = known[halves[i] as number] as number;
  return new Float32Array(bits.buffer);
}
