/** An interleaved 8-bit picture: `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Pillow keeps 8 bits of pixel and 2 bits of headroom out of 32 for the sum: 22 remain for the weights. */
const precisionBits = 22;

/** For each output position the first input position, how many there are, and their fixed-point weights. */
interface Weights {
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
      const weight = (exact[i] ?? 0) / (sum === 0 ? 1 : sum);
      values[out * stride + i] = Math.trunc(0.5 + weight * (1 << precisionBits));
    }
  }
  return { first, count, values, stride };
}

/** Datasets have few sizes: their weights are computed once. */
const known = new Map<string, Weights>();
function weightsFor(inSize: number, outSize: number): Weights {
  const key = `${inSize}/${outSize}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= 64) known.clear();
  const weights = triangleWeights(inSize, outSize);
  // Pictures may be millions of pixels wide, and their tables as long.
  if (weights.values.length <= 65_536) known.set(key, weights);
  return weights;
}

/**
 * One pass along one axis. `step` is the distance between neighbours along the axis, `lines` the number of rows (or
 * columns) and `lineStep` their distance in the input; `outStep` and `outLineStep` the same for the output.
 */
function pass(
  input: Uint8Array,
  output: Uint8Array,
  weights: Weights,
  channels: number,
  lines: number,
  step: number,
  lineStep: number,
  outStep: number,
  outLineStep: number,
): void {
  const { first, count, values, stride } = weights;
  const half = 1 << (precisionBits - 1);
  for (let out = 0; out < first.length; out++) {
    const from = first[out] ?? 0;
    const n = count[out] ?? 0;
    const base = out * stride;
    for (let line = 0; line < lines; line++) {
      const source = line * lineStep + from * step;
      const target = line * outLineStep + out * outStep;
      if (channels === 3) {
        let r = half;
        let g = half;
        let b = half;
        for (let i = 0, at = source; i < n; i++, at += step) {
          const w = values[base + i] ?? 0;
          r = (r + Math.imul(input[at] ?? 0, w)) | 0;
          g = (g + Math.imul(input[at + 1] ?? 0, w)) | 0;
          b = (b + Math.imul(input[at + 2] ?? 0, w)) | 0;
        }
        output[target] = clamp(r >> precisionBits);
        output[target + 1] = clamp(g >> precisionBits);
        output[target + 2] = clamp(b >> precisionBits);
      } else {
        let sum = half;
        for (let i = 0, at = source; i < n; i++, at += step) {
          sum = (sum + Math.imul(input[at] ?? 0, values[base + i] ?? 0)) | 0;
        }
        output[target] = clamp(sum >> precisionBits);
      }
    }
  }
}
function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}

/**
 * Bilinear resize with the arithmetic of Pillow's `Image.resize((width, height), BILINEAR)`: triangle filter,
 * antialiased when shrinking, a horizontal then a vertical pass with 8 bits in between.
 */
export function resizeBilinear(picture: Picture, width: number, height: number): Picture {
  const { channels } = picture;
  let { data } = picture;
  if (picture.width !== width) {
    const out = new Uint8Array(picture.height * width * channels);
    const weights = weightsFor(picture.width, width);
    pass(data, out, weights, channels, picture.height, channels, picture.width * channels, channels, width * channels);
    data = out;
  }
  if (picture.height !== height) {
    const out = new Uint8Array(height * width * channels);
    const row = width * channels;
    pass(data, out, weightsFor(picture.height, height), channels, width, row, channels, row, channels);
    data = out;
  }
  return { width, height, channels, data };
}

/** Luma of an RGB picture, ITU-R 601 in 16-bit fixed point, as Pillow's `convert('L')`. */
export function toLuma(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const r = data[at] ?? 0;
    const g = data[at + 1] ?? 0;
    const b = data[at + 2] ?? 0;
    out[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: out };
}

/** A decoded picture at the size and with the channels of a network's input. */
export function toNetworkSize(picture: Picture, size: number, channels: 1 | 3): Picture {
  return resizeBilinear(channels === 1 ? toLuma(picture) : picture, size, size);
}
