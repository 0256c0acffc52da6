/** Pillow keeps 8 bits of pixel and 2 bits of headroom out of 32 for the sum: 22 remain for the weights. */
import { itemAt } from '../common/item-at.js';
export const precisionBits = 22;

/** For each output position the first input position, how many there are, and their fixed-point weights. */
export interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` weights per output position. */
  readonly values: Int32Array;
  readonly stride: number;
}

/**
 * Triangle filter as in Pillow's resampling: stretched by the scale when shrinking (antialiasing), one input pixel wide
 * to each side when enlarging; normalised in double precision, then rounded half away from zero.
 */
function triangleWeights(inSize: number, outSize: number): Weights {
  const scale = inSize / outSize;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const values = new Int32Array(outSize * stride);
  const exact = new Float64Array(stride);
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(inSize, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let i = from; i < to; i++) {
      const weight = Math.max(0, 1 - Math.abs((i - center + 0.5) * (1 / support)));
      exact[i - from] = weight;
      sum += weight;
    }
    first[out] = from;
    count[out] = to - from;
    for (let i = 0; i < to - from; i++) {
      const weight = itemAt(exact, i) / (sum === 0 ? 1 : sum);
      values[out * stride + i] = Math.trunc(0.5 + weight * (1 << precisionBits));
    }
  }
  return { first, count, values, stride };
}

/** Datasets have few sizes: their weights are computed once. */
const known = new Map<string, Weights>();
export function weightsFor(inSize: number, outSize: number): Weights {
  const key = `${inSize}/${outSize}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= 64) known.clear();
  const weights = triangleWeights(inSize, outSize);
  // Pictures may be millions of pixels wide, and their tables as long.
  if (weights.values.length <= 65_536) known.set(key, weights);
  return weights;
}
