/** Plain float64 versions of operations, written from their definitions and sharing no code with the ones they check. */

const at = (values: Float64Array, index: number): number => values[index] ?? Number.NaN;

/** The error function by its Maclaurin series; good to 1e-12 for |x| < 4. */
export function erf64(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export const map64 =
  (f: (x: number) => number) =>
  (x: Float64Array): Float64Array =>
    x.map(f);

export interface ConvSizes {
  readonly n: number;
  readonly in: number;
  readonly out: number;
  readonly height: number;
  readonly width: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
}

export function conv64(s: ConvSizes, x: Float64Array, weight: Float64Array, bias?: Float64Array): Float64Array {
  const h = Math.floor((s.height + 2 * s.padding - s.kernel) / s.stride) + 1;
  const w = Math.floor((s.width + 2 * s.padding - s.kernel) / s.stride) + 1;
  const perGroup = s.in / s.groups;
  const y = new Float64Array(s.n * s.out * h * w);
  let next = 0;
  for (let n = 0; n < s.n; n++)
    for (let o = 0; o < s.out; o++)
      for (let row = 0; row < h; row++)
        for (let column = 0; column < w; column++) {
          let sum = bias ? at(bias, o) : 0;
          const first = Math.floor(o / (s.out / s.groups)) * perGroup;
          for (let c = 0; c < perGroup; c++)
            for (let r = 0; r < s.kernel; r++)
              for (let q = 0; q < s.kernel; q++) {
                const [i, j] = [row * s.stride + r - s.padding, column * s.stride + q - s.padding];
                if (i < 0 || j < 0 || i >= s.height || j >= s.width) continue;
                const pixel = at(x, ((n * s.in + first + c) * s.height + i) * s.width + j);
                sum += pixel * at(weight, ((o * perGroup + c) * s.kernel + r) * s.kernel + q);
              }
          y[next++] = sum;
        }
  return y;
}

/** (x - mean) / sqrt(variance + epsilon) * scale + bias over [N, C, map]; without statistics, with the batch's own. */
export function batchNorm64(
  [n, channels, map]: readonly [number, number, number],
  x: Float64Array,
  scale: Float64Array,
  bias: Float64Array,
  given?: { readonly mean: Float64Array; readonly variance: Float64Array },
  epsilon = 1e-5,
): Float64Array {
  const y = new Float64Array(x.length);
  for (let c = 0; c < channels; c++) {
    const indices = Array.from({ length: n * map }, (_, i) => (Math.floor(i / map) * channels + c) * map + (i % map));
    const values = indices.map((index) => at(x, index));
    const mean = given ? at(given.mean, c) : average(values);
    const variance = given ? at(given.variance, c) : average(values.map((v) => (v - mean) ** 2));
    indices.forEach((index, i) => {
      y[index] = (((values[i] ?? 0) - mean) / Math.sqrt(variance + epsilon)) * at(scale, c) + at(bias, c);
    });
  }
  return y;
}

export function layerNorm64(
  size: number,
  x: Float64Array,
  scale: Float64Array,
  bias: Float64Array,
  epsilon = 1e-5,
): Float64Array {
  return rows64(size, x, (row) => {
    const mean = average(row);
    const sigma = Math.sqrt(average(row.map((v) => (v - mean) ** 2)) + epsilon);
    return row.map((v, i) => ((v - mean) / sigma) * at(scale, i) + at(bias, i));
  });
}

export function softmax64(size: number, x: Float64Array): Float64Array {
  return rows64(size, x, (row) => {
    const sum = row.reduce((a, b) => a + Math.exp(b), 0);
    return row.map((v) => Math.exp(v) / sum);
  });
}

export function crossEntropy64(size: number, logits: Float64Array, targets: Float64Array): Float64Array {
  const p = softmax64(size, logits);
  return Float64Array.from({ length: logits.length / size }, (_, n) => {
    let loss = 0;
    for (let k = 0; k < size; k++) loss -= at(targets, n * size + k) * Math.log(at(p, n * size + k));
    return loss;
  });
}

/** x [rows, in] times the transpose of weight [out, in], plus bias. */
export function linear64(features: number, x: Float64Array, weight: Float64Array, bias: Float64Array): Float64Array {
  const out = weight.length / features;
  return Float64Array.from({ length: (x.length / features) * out }, (_, index) => {
    const [row, o] = [Math.floor(index / out), index % out];
    let sum = at(bias, o);
    for (let i = 0; i < features; i++) sum += at(x, row * features + i) * at(weight, o * features + i);
    return sum;
  });
}

/** The bias between tokens (yi, xi) and (yj, xj) is row (yi - yj + S - 1)(2S - 1) + xi - xj + S - 1 of the table. */
export function relativePositionBias64(size: number, heads: number, table: Float64Array): Float64Array {
  const bias: number[] = [];
  for (let h = 0; h < heads; h++)
    for (let yi = 0; yi < size; yi++)
      for (let xi = 0; xi < size; xi++)
        for (let yj = 0; yj < size; yj++)
          for (let xj = 0; xj < size; xj++)
            bias.push(at(table, ((yi - yj + size - 1) * (2 * size - 1) + xi - xj + size - 1) * heads + h));
  return Float64Array.from(bias);
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function rows64(size: number, x: Float64Array, f: (row: number[]) => number[]): Float64Array {
  const y: number[] = [];
  for (let i = 0; i < x.length; i += size) y.push(...f([...x.subarray(i, i + size)]));
  return Float64Array.from(y);
}
