import type { Random } from '../common/random.js';
import { valueAt } from '../common/typed-item.js';

/** Raises values of 0 to 255 to a power, black and white staying as they are, in place. Above 1 darkens. */
export function correctGamma(values: Float32Array, exponent: number): void {
  if (exponent === 1) return;
  // Values between are read off a table: a power for each would cost more than everything else.
  const table = Float32Array.from({ length: 257 }, (_, i) => 255 * (Math.min(i, 255) / 255) ** exponent);
  for (let i = 0; i < values.length; i++) {
    const value = Math.max(0, Math.min(255, valueAt(values, i)));
    const below = Math.floor(value);
    const from = valueAt(table, below);
    values[i] = from + (valueAt(table, below + 1) - from) * (value - below);
  }
}

/** Adds Gaussian noise to values of 0 to 255, each clamped, in place. */
export function addNoise(values: Float32Array, std: number, stream: Random): void {
  if (std === 0) return;
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.max(0, Math.min(255, valueAt(values, i) + stream.normal(0, std)));
  }
}
