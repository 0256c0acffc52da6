// Operations of networks over batches of maps and tokens (AssemblyScript). `node scripts/compile-kernels.mjs` compiles this into
// graph-kernels-module.ts, which graph-kernels.ts calls.
//
// Numbers lie in rows: the channels of a pixel, the features of a token. Where rows lie is said by tables of offsets in bytes. Tables of
// products have a multiple of 4 entries: the last row is repeated, and computed again. Kernels write rows up to a multiple of 4 numbers,
// which the caller has set aside.

/** a b + c: rounded once where the machine has such an instruction and may use it, otherwise twice. */
@inline function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

@inline function offsetAt(table: usize, index: i32): usize {
  return <usize>load<u32>(table + (<usize>index << 2));
}

/** Stores max(0, sum) + slope min(0, sum), with the residual added before, where there is one. */
@inline function storePRelu(at: usize, sum: v128, residual: usize, slope: v128): void {
  if (residual != 0) sum = f32x4.add(sum, v128.load(residual));
  const zero = f32x4.splat(0);
  // In this order what is not a number stays what it is.
  v128.store(at, f32x4.add(f32x4.pmax(sum, zero), f32x4.mul(slope, f32x4.pmin(sum, zero))));
}

/** Where a row's residual is; 0 where nothing is added. */
@inline function residualAt(residual: usize, table: usize, index: i32): usize {
  return residual == 0 ? 0 : residual + offsetAt(table, index);
}

/**
 * Products of windows with the weights of each output: eight outputs of four rows at once, which fills the registers.
 * A window is `runs` runs of `runBytes`, `runStride` bytes apart: the rows of a convolution's window, or one row of a matrix.
 * Weights of 8 outputs, and of the last 4 where there are 4: the biases, the negative slopes, then those of each input.
 * @param inputOffsets, outputOffsets, residualOffsets tables of the windows, of the outputs and of what is added to them
 * @param residual 0: nothing is added
 */
export function product(
  input: usize, inputOffsets: usize, count: i32, runs: i32, runBytes: usize, runStride: usize, weights: usize, outputs: i32,
  out: usize, outputOffsets: usize, residual: usize, residualOffsets: usize,
): void {
  const skip = runStride - runBytes;
  const panel: usize = 64 + (<usize>runs * runBytes << 3);
  let output: i32 = 0;
  for (; output + 8 <= outputs; output += 8) {
    const slope0 = v128.load(weights, 32), slope1 = v128.load(weights, 48);
    for (let row: i32 = 0; row < count; row += 4) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
      let w = weights + 64;
      let a = input + offsetAt(inputOffsets, row), b = input + offsetAt(inputOffsets, row + 1);
      let c = input + offsetAt(inputOffsets, row + 2), d = input + offsetAt(inputOffsets, row + 3);
      for (let run: i32 = 0; run < runs; run++) {
        for (const end = a + runBytes; a < end; ) {
          const w0 = v128.load(w), w1 = v128.load(w, 16);
          let value = v128.load_splat<f32>(a);
          a0 = madd(value, w0, a0);
          a1 = madd(value, w1, a1);
          value = v128.load_splat<f32>(b);
          b0 = madd(value, w0, b0);
          b1 = madd(value, w1, b1);
          value = v128.load_splat<f32>(c);
          c0 = madd(value, w0, c0);
          c1 = madd(value, w1, c1);
          value = v128.load_splat<f32>(d);
          d0 = madd(value, w0, d0);
          d1 = madd(value, w1, d1);
          w += 32;
          a += 4;
          b += 4;
          c += 4;
          d += 4;
        }
        a += skip;
        b += skip;
        c += skip;
        d += skip;
      }
      let at = out + offsetAt(outputOffsets, row), other = residualAt(residual, residualOffsets, row);
      storePRelu(at, a0, other, slope0);
      storePRelu(at + 16, a1, other == 0 ? 0 : other + 16, slope1);
      at = out + offsetAt(outputOffsets, row + 1);
      other = residualAt(residual, residualOffsets, row + 1);
      storePRelu(at, b0, other, slope0);
      storePRelu(at + 16, b1, other == 0 ? 0 : other + 16, slope1);
      at = out + offsetAt(outputOffsets, row + 2);
      other = residualAt(residual, residualOffsets, row + 2);
      storePRelu(at, c0, other, slope0);
      storePRelu(at + 16, c1, other == 0 ? 0 : other + 16, slope1);
      at = out + offsetAt(outputOffsets, row + 3);
      other = residualAt(residual, residualOffsets, row + 3);
      storePRelu(at, d0, other, slope0);
      storePRelu(at + 16, d1, other == 0 ? 0 : other + 16, slope1);
    }
    weights += panel;
    out += 32;
    if (residual != 0) residual += 32;
  }
  if (output < outputs) {
    const slope = v128.load(weights, 16);
    for (let row: i32 = 0; row < count; row += 4) {
      let a0 = v128.load(weights);
      let b0 = a0, c0 = a0, d0 = a0;
      let w = weights + 32;
      let a = input + offsetAt(inputOffsets, row), b = input + offsetAt(inputOffsets, row + 1);
      let c = input + offsetAt(inputOffsets, row + 2), d = input + offsetAt(inputOffsets, row + 3);
      for (let run: i32 = 0; run < runs; run++) {
        for (const end = a + runBytes; a < end; ) {
          const w0 = v128.load(w);
          a0 = madd(v128.load_splat<f32>(a), w0, a0);
          b0 = madd(v128.load_splat<f32>(b), w0, b0);
          c0 = madd(v128.load_splat<f32>(c), w0, c0);
          d0 = madd(v128.load_splat<f32>(d), w0, d0);
          w += 16;
          a += 4;
          b += 4;
          c += 4;
          d += 4;
        }
        a += skip;
        b += skip;
        c += skip;
        d += skip;
      }
      storePRelu(out + offsetAt(outputOffsets, row), a0, residualAt(residual, residualOffsets, row), slope);
      storePRelu(out + offsetAt(outputOffsets, row + 1), b0, residualAt(residual, residualOffsets, row + 1), slope);
      storePRelu(out + offsetAt(outputOffsets, row + 2), c0, residualAt(residual, residualOffsets, row + 2), slope);
      storePRelu(out + offsetAt(outputOffsets, row + 3), d0, residualAt(residual, residualOffsets, row + 3), slope);
    }
  }
}

/**
 * A matrix as weights of `product`. Each tap of a window has all inputs; a plain matrix has one tap.
 * @param outputStep, tapStep, inputStep: bytes from one output of the matrix to the next, from one tap, from one input
 * @param scale factors of the outputs, 0: none; bias: 0: none; slopes: 0: 1; each up to a multiple of 8
 */
export function pack(
  matrix: usize, outputStep: usize, taps: i32, tapStep: usize, inputs: i32, inputStep: usize, outputs: i32,
  scale: usize, bias: usize, slopes: usize, weights: usize,
): void {
  const one = f32x4.splat(1);
  for (let output: i32 = 0; output < outputs; output += 8) {
    const width: i32 = outputs - output > 4 ? 8 : 4;
    const there = min(width, outputs - output);
    const at: usize = output << 2;
    for (let half: usize = 0; half < <usize>width << 2; half += 16) {
      v128.store(weights + half, bias == 0 ? f32x4.splat(0) : v128.load(bias + at + half));
      v128.store(weights + half + (<usize>width << 2), slopes == 0 ? one : v128.load(slopes + at + half));
    }
    weights += <usize>width << 3;
    const s0 = scale == 0 ? one : v128.load(scale + at), s1 = scale == 0 || width == 4 ? one : v128.load(scale + at, 16);
    for (let tap: i32 = 0; tap < taps; tap++) {
      let line = matrix + <usize>tap * tapStep;
      for (let i: i32 = 0; i < inputs; i++) {
        if (outputStep == 4 && there == width) {
          v128.store(weights, v128.load(line));
          if (width == 8) v128.store(weights, v128.load(line, 16), 16);
        } else {
          let number = line;
          for (let j: i32 = 0; j < there; j++) {
            store<f32>(weights + (<usize>j << 2), load<f32>(number));
            number += outputStep;
          }
          for (let j = there; j < width; j++) store<f32>(weights + (<usize>j << 2), 0);
        }
        if (scale != 0) {
          v128.store(weights, f32x4.mul(v128.load(weights), s0));
          if (width == 8) v128.store(weights, f32x4.mul(v128.load(weights, 16), s1), 16);
        }
        weights += <usize>width << 2;
        line += inputStep;
      }
    }
    matrix += outputStep << 3;
  }
}

/**
 * Windows of pixels, each channel by itself. Weights of 4 channels: the biases, the negative slopes, then those of each tap.
 * @param rows, columns of a window; rowStride, pixel: bytes from one to the next
 */
export function depthwise(
  input: usize, inputOffsets: usize, count: i32, rows: i32, columns: i32, rowStride: usize, pixel: usize, weights: usize, channels: i32,
  out: usize, outputOffsets: usize,
): void {
  const size: usize = 32 + (<usize>(rows * columns) << 4);
  const skip = rowStride - <usize>columns * pixel;
  for (let index: i32 = 0; index < count; index++) {
    let start = input + offsetAt(inputOffsets, index), at = out + offsetAt(outputOffsets, index);
    let w = weights;
    for (let channel: i32 = 0; channel < channels; channel += 4) {
      let sum = v128.load(w);
      let tap = w + 32;
      let p = start;
      for (let y: i32 = 0; y < rows; y++) {
        for (let x: i32 = 0; x < columns; x++) {
          sum = madd(v128.load(p), v128.load(tap), sum);
          p += pixel;
          tap += 16;
        }
        p += skip;
      }
      storePRelu(at, sum, 0, v128.load(w, 16));
      w += size;
      start += 16;
      at += 16;
    }
  }
}

// Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308): tiles of
// 2x2 outputs from 4x4 inputs, as 16 products of matrices, one for each point. Of 4 numbers (a, b, c, d) the points are
// a - c, b + c, c - b and b - d.

/**
 * The points of 4x4 pixels.
 * @param inputOffsets table of the tiles' first pixels; row, pixel: bytes from one to the next
 * @param plane bytes from the numbers of one point to those of the next; the channels of a tile lie together
 */
export function winogradInput(
  input: usize, inputOffsets: usize, count: i32, row: usize, pixel: usize, channels: i32, out: usize, plane: usize,
): void {
  const bytes: usize = channels << 2;
  for (let index: i32 = 0; index < count; index++) {
    const tile = input + offsetAt(inputOffsets, index);
    for (let at: usize = 0; at < bytes; at += 16) {
      const p = tile + at;
      let a = v128.load(p), b = v128.load(p + row), c = v128.load(p + 2 * row), d = v128.load(p + 3 * row);
      const a0 = f32x4.sub(a, c), b0 = f32x4.add(b, c), c0 = f32x4.sub(c, b), d0 = f32x4.sub(b, d);
      let q = p + pixel;
      a = v128.load(q), b = v128.load(q + row), c = v128.load(q + 2 * row), d = v128.load(q + 3 * row);
      const a1 = f32x4.sub(a, c), b1 = f32x4.add(b, c), c1 = f32x4.sub(c, b), d1 = f32x4.sub(b, d);
      q += pixel;
      a = v128.load(q), b = v128.load(q + row), c = v128.load(q + 2 * row), d = v128.load(q + 3 * row);
      const a2 = f32x4.sub(a, c), b2 = f32x4.add(b, c), c2 = f32x4.sub(c, b), d2 = f32x4.sub(b, d);
      q += pixel;
      a = v128.load(q), b = v128.load(q + row), c = v128.load(q + 2 * row), d = v128.load(q + 3 * row);
      const a3 = f32x4.sub(a, c), b3 = f32x4.add(b, c), c3 = f32x4.sub(c, b), d3 = f32x4.sub(b, d);
      let to = out + at;
      storePoints(to, plane, a0, a1, a2, a3);
      to += plane << 2;
      storePoints(to, plane, b0, b1, b2, b3);
      to += plane << 2;
      storePoints(to, plane, c0, c1, c2, c3);
      to += plane << 2;
      storePoints(to, plane, d0, d1, d2, d3);
    }
    out += bytes;
  }
}

@inline function storePoints(to: usize, plane: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(to, f32x4.sub(a, c));
  v128.store(to + plane, f32x4.add(b, c));
  v128.store(to + 2 * plane, f32x4.sub(c, b));
  v128.store(to + 3 * plane, f32x4.sub(b, d));
}

/** The points of 3x3 weights each: (a, b, c) becomes a, (a + b + c) / 2, (a - b + c) / 2, c. */
export function winogradWeights(weights: usize, count: i32, out: usize, plane: usize): void {
  for (let index: i32 = 0; index < count; index++) {
    for (let j: usize = 0; j < 4; j++) {
      // Of each column first: the first, half the sums, the last.
      const a = winogradColumn(weights, j), b = winogradColumn(weights + 12, j), c = winogradColumn(weights + 24, j);
      let to = out + j * plane;
      store<f32>(to, a);
      to += plane << 2;
      store<f32>(to, (a + b + c) * 0.5);
      to += plane << 2;
      store<f32>(to, (a - b + c) * 0.5);
      to += plane << 2;
      store<f32>(to, c);
    }
    weights += 36;
    out += 4;
  }
}

@inline function winogradColumn(row: usize, j: usize): f32 {
  const a = load<f32>(row), b = load<f32>(row, 4), c = load<f32>(row, 8);
  return j == 0 ? a : j == 1 ? (a + b + c) * 0.5 : j == 2 ? (a - b + c) * 0.5 : c;
}

/**
 * 2x2 outputs of the sums at all points: of (a, b, c, d) they are a + b + c and b - c - d. With the biases, what is added and the negative
 * slopes, as `product` stores them.
 */
export function winogradOutput(
  sums: usize, plane: usize, count: i32, channels: i32, bias: usize, slopes: usize,
  out: usize, outputOffsets: usize, row: usize, pixel: usize, residual: usize, residualOffsets: usize, residualRow: usize, residualPixel: usize,
): void {
  const bytes: usize = channels << 2;
  for (let index: i32 = 0; index < count; index++) {
    const first = out + offsetAt(outputOffsets, index), other = residualAt(residual, residualOffsets, index);
    for (let at: usize = 0; at < bytes; at += 16) {
      let p = sums + at;
      let a = v128.load(p), b = v128.load(p + plane), c = v128.load(p + 2 * plane), d = v128.load(p + 3 * plane);
      const a0 = f32x4.add(f32x4.add(a, b), c), a1 = f32x4.sub(f32x4.sub(b, c), d);
      p += plane << 2;
      a = v128.load(p), b = v128.load(p + plane), c = v128.load(p + 2 * plane), d = v128.load(p + 3 * plane);
      const b0 = f32x4.add(f32x4.add(a, b), c), b1 = f32x4.sub(f32x4.sub(b, c), d);
      p += plane << 2;
      a = v128.load(p), b = v128.load(p + plane), c = v128.load(p + 2 * plane), d = v128.load(p + 3 * plane);
      const c0 = f32x4.add(f32x4.add(a, b), c), c1 = f32x4.sub(f32x4.sub(b, c), d);
      p += plane << 2;
      a = v128.load(p), b = v128.load(p + plane), c = v128.load(p + 2 * plane), d = v128.load(p + 3 * plane);
      const d0 = f32x4.add(f32x4.add(a, b), c), d1 = f32x4.sub(f32x4.sub(b, c), d);
      const slope = v128.load(slopes + at), start = v128.load(bias + at);
      const q = first + at, r = other == 0 ? 0 : other + at;
      storePRelu(q, f32x4.add(start, f32x4.add(f32x4.add(a0, b0), c0)), r, slope);
      storePRelu(q + pixel, f32x4.add(start, f32x4.add(f32x4.add(a1, b1), c1)), r == 0 ? 0 : r + residualPixel, slope);
      storePRelu(q + row, f32x4.add(start, f32x4.sub(f32x4.sub(b0, c0), d0)), r == 0 ? 0 : r + residualRow, slope);
      storePRelu(q + row + pixel, f32x4.add(start, f32x4.sub(f32x4.sub(b1, c1), d1)), r == 0 ? 0 : r + residualRow + residualPixel, slope);
    }
    sums += bytes;
  }
}

/** scale x + shift, number by number of each row; `channels` is a multiple of 4. */
export function affine(input: usize, inputOffsets: usize, count: i32, scale: usize, shift: usize, channels: i32, out: usize, outputOffsets: usize): void {
  const bytes: usize = channels << 2;
  for (let index: i32 = 0; index < count; index++) {
    const x = input + offsetAt(inputOffsets, index), y = out + offsetAt(outputOffsets, index);
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(y + at, madd(v128.load(x + at), v128.load(scale + at), v128.load(shift + at)));
    }
  }
}

/** Each row less its mean, over its standard deviation, times the scale, plus the shift; `length` is a multiple of 4. */
export function layerNorm(
  input: usize, inputOffsets: usize, count: i32, length: i32, scale: usize, shift: usize, epsilon: f32, out: usize, outputOffsets: usize,
): void {
  const bytes: usize = length << 2;
  const share: f32 = 1 / <f32>length;
  for (let index: i32 = 0; index < count; index++) {
    const x = input + offsetAt(inputOffsets, index), y = out + offsetAt(outputOffsets, index);
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) sum = f32x4.add(sum, v128.load(x + at));
    const mean = f32x4.splat(horizontalSum(sum) * share);
    sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      const off = f32x4.sub(v128.load(x + at), mean);
      sum = madd(off, off, sum);
    }
    const inverse = f32x4.splat(1 / sqrt<f32>(horizontalSum(sum) * share + epsilon));
    for (let at: usize = 0; at < bytes; at += 16) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + at), mean), inverse);
      v128.store(y + at, madd(normal, v128.load(scale + at), v128.load(shift + at)));
    }
  }
}

@inline function horizontalSum(sum: v128): f32 {
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
}

/** exp(x) within two units of the last place; what is out of range becomes the least or the largest number. */
@inline function exponential(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.3)), f32x4.splat(88.7));
  const power = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.4426950408889634)));
  // ln 2 in two parts, the first of few digits: the product with it is exact.
  let rest = f32x4.sub(x, f32x4.mul(power, f32x4.splat(0.693359375)));
  rest = f32x4.sub(rest, f32x4.mul(power, f32x4.splat(-2.12194440e-4)));
  // Taylor's series: the rest is at most half of ln 2.
  let y = f32x4.splat(<f32>(1.0 / 5040.0));
  y = madd(y, rest, f32x4.splat(<f32>(1.0 / 720.0)));
  y = madd(y, rest, f32x4.splat(<f32>(1.0 / 120.0)));
  y = madd(y, rest, f32x4.splat(<f32>(1.0 / 24.0)));
  y = madd(y, rest, f32x4.splat(<f32>(1.0 / 6.0)));
  y = madd(y, rest, f32x4.splat(0.5));
  y = madd(y, rest, f32x4.splat(1));
  y = madd(y, rest, f32x4.splat(1));
  // Times 2 to the power: into the exponent.
  return i32x4.add(y, i32x4.shl(i32x4.trunc_sat_f32x4_s(power), 23));
}

/** Softmax of each row. */
export function softmax(input: usize, inputOffsets: usize, count: i32, length: i32, out: usize, outputOffsets: usize): void {
  const whole: usize = (length & ~3) << 2;
  const bytes: usize = length << 2;
  for (let index: i32 = 0; index < count; index++) {
    const x = input + offsetAt(inputOffsets, index), y = out + offsetAt(outputOffsets, index);
    let most = v128.load_splat<f32>(x);
    for (let at: usize = 0; at < whole; at += 16) most = f32x4.max(most, v128.load(x + at));
    let largest = max(
      max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
      max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
    );
    for (let at = whole; at < bytes; at += 4) largest = max(largest, load<f32>(x + at));
    most = f32x4.splat(largest);
    let sums = f32x4.splat(0);
    for (let at: usize = 0; at < whole; at += 16) {
      const power = exponential(f32x4.sub(v128.load(x + at), most));
      v128.store(y + at, power);
      sums = f32x4.add(sums, power);
    }
    let sum = horizontalSum(sums);
    for (let at = whole; at < bytes; at += 4) {
      const power = f32x4.extract_lane(exponential(f32x4.sub(v128.load_splat<f32>(x + at), most)), 0);
      store<f32>(y + at, power);
      sum += power;
    }
    const share = f32x4.splat(1 / sum);
    for (let at: usize = 0; at < whole; at += 16) v128.store(y + at, f32x4.mul(v128.load(y + at), share));
    for (let at = whole; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) / sum);
  }
}

/**
 * The share of the normal distribution below x. Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.2.17:
 * within 7.5e-8.
 */
@inline function normalCdf(x: v128): v128 {
  const size = f32x4.abs(x);
  const one = f32x4.splat(1);
  const t = f32x4.div(one, madd(size, f32x4.splat(0.2316419), one));
  let tail = f32x4.splat(1.330274429);
  tail = madd(tail, t, f32x4.splat(-1.821255978));
  tail = madd(tail, t, f32x4.splat(1.781477937));
  tail = madd(tail, t, f32x4.splat(-0.356563782));
  tail = madd(tail, t, f32x4.splat(0.31938153));
  const density = f32x4.mul(exponential(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5))), f32x4.splat(0.3989422804014327));
  tail = f32x4.mul(f32x4.mul(tail, t), density);
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

/**
 * A function of each number.
 * @param name 0: the largest of it and 0; 1: sigmoid; 2: GELU
 * @param count a multiple of 4
 */
export function activate(name: i32, input: usize, count: i32, out: usize): void {
  const end = input + (<usize>count << 2);
  for (; input < end; input += 16, out += 16) {
    const x = v128.load(input);
    let y: v128;
    if (name == 0) y = f32x4.pmax(x, f32x4.splat(0));
    else if (name == 1) y = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exponential(f32x4.neg(x))));
    else y = f32x4.mul(x, normalCdf(x));
    v128.store(out, y);
  }
}

@inline function binaryVector(name: i32, out: usize, a: v128, b: v128): v128 {
  if (name == 0) return a;
  if (name == 1) return f32x4.add(a, b);
  if (name == 2) return f32x4.sub(a, b);
  if (name == 3) return f32x4.mul(a, b);
  return f32x4.add(v128.load(out), f32x4.mul(a, b));
}

@inline function binaryScalar(name: i32, out: usize, a: f32, b: f32): f32 {
  if (name == 0) return a;
  if (name == 1) return a + b;
  if (name == 2) return a - b;
  if (name == 3) return a * b;
  return load<f32>(out) + a * b;
}

/**
 * A function of two tensors, element by element.
 * @param name 0: the first; 1: the sum; 2: the difference; 3: the product; 4: what is there, plus the product
 * @param sizes of 5 axes; then, for each, the bytes from one element of the output to the next, of the first tensor, of the second
 */
export function elementwise(name: i32, sizes: usize, out: usize, first: usize, second: usize): void {
  const n0 = load<i32>(sizes), n1 = load<i32>(sizes, 4), n2 = load<i32>(sizes, 8), n3 = load<i32>(sizes, 12), n4 = load<i32>(sizes, 16);
  const stepOut = <usize>load<i32>(sizes, 36), stepA = <usize>load<i32>(sizes, 56), stepB = <usize>load<i32>(sizes, 76);
  const whole: i32 = stepOut == 4 && (stepA == 4 || stepA == 0) && (stepB == 4 || stepB == 0) ? n4 & ~3 : 0;
  for (let i0: i32 = 0; i0 < n0; i0++) {
    for (let i1: i32 = 0; i1 < n1; i1++) {
      for (let i2: i32 = 0; i2 < n2; i2++) {
        for (let i3: i32 = 0; i3 < n3; i3++) {
          let o = out + elementOffset(sizes + 20, i0, i1, i2, i3);
          let a = first + elementOffset(sizes + 40, i0, i1, i2, i3);
          let b = second + elementOffset(sizes + 60, i0, i1, i2, i3);
          let i: i32 = 0;
          for (; i < whole; i += 4) {
            const x = stepA == 0 ? v128.load_splat<f32>(a) : v128.load(a);
            const y = stepB == 0 ? v128.load_splat<f32>(b) : v128.load(b);
            v128.store(o, binaryVector(name, o, x, y));
            o += 16;
            a += stepA << 2;
            b += stepB << 2;
          }
          for (; i < n4; i++) {
            store<f32>(o, binaryScalar(name, o, load<f32>(a), load<f32>(b)));
            o += stepOut;
            a += stepA;
            b += stepB;
          }
        }
      }
    }
  }
}

@inline function elementOffset(strides: usize, i0: i32, i1: i32, i2: i32, i3: i32): usize {
  return <usize>(
    i0 * load<i32>(strides) + i1 * load<i32>(strides, 4) + i2 * load<i32>(strides, 8) + i3 * load<i32>(strides, 12)
  );
}
