// Convolutions of one row of pixels (AssemblyScript). `node scripts/compile-kernels.mjs` compiles this into kernels-module.ts, which kernels.ts
// calls.
//
// A map is rows of pixels; the channels of a pixel, a multiple of 4, lie together. Addresses are in bytes. Loops work on four pixels at once:
// they read up to 12 pixels beyond a row, and write up to 3 beyond the scratch, which the caller has set aside.

/** Pixels that pass through the scratch together: with their input they fit the L1 cache. */
@inline const tile: i32 = 32;
/** Numbers of a 3x3 patch of three channels, up to a multiple of 4. */
@inline const patchInputs: i32 = 28;

/** a b + c: rounded once where the machine has such an instruction and may use it, otherwise twice. */
@inline function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Stores the larger of `floor` and a sum, with the residual added, where there is one. */
@inline function put(at: usize, sum: v128, residual: usize, floor: v128): void {
  if (residual != 0) sum = f32x4.add(sum, v128.load(residual));
  v128.store(at, f32x4.pmax(floor, sum));
}

@inline function beyond(residual: usize, bytes: usize): usize {
  return residual == 0 ? 0 : residual + bytes;
}

/** 3x3, stride 1, each channel by itself. Weights of 4 channels: nine vectors, then the biases. Four neighbours share what they read. */
function depthwise(above: usize, middle: usize, below: usize, channels: i32, count: i32, weights: usize, out: usize): void {
  const pixel: usize = channels << 2;
  for (let channel: i32 = 0; channel < channels; channel += 4) {
    let to = out;
    let p0 = above, p1 = middle, p2 = below;
    const bias = v128.load(weights, 144);
    for (let x: i32 = 0; x < count; x += 4) {
      let a = bias, b = bias, c = bias, d = bias;
      for (let line: i32 = 0; line < 3; line++) {
        let p = line == 0 ? p0 : line == 1 ? p1 : p2;
        const w = weights + <usize>line * 48;
        const w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(w, 32);
        let value = v128.load(p);
        a = madd(value, w0, a);
        p += pixel;
        value = v128.load(p);
        a = madd(value, w1, a);
        b = madd(value, w0, b);
        p += pixel;
        value = v128.load(p);
        a = madd(value, w2, a);
        b = madd(value, w1, b);
        c = madd(value, w0, c);
        p += pixel;
        value = v128.load(p);
        b = madd(value, w2, b);
        c = madd(value, w1, c);
        d = madd(value, w0, d);
        p += pixel;
        value = v128.load(p);
        c = madd(value, w2, c);
        d = madd(value, w1, d);
        p += pixel;
        value = v128.load(p);
        d = madd(value, w2, d);
      }
      v128.store(to, a);
      to += pixel;
      v128.store(to, b);
      to += pixel;
      v128.store(to, c);
      to += pixel;
      v128.store(to, d);
      to += pixel;
      p0 += pixel << 2;
      p1 += pixel << 2;
      p2 += pixel << 2;
    }
    above += 16;
    middle += 16;
    below += 16;
    out += 16;
    weights += 160;
  }
}

/** The same with stride 2. */
function depthwiseHalving(above: usize, middle: usize, below: usize, channels: i32, count: i32, weights: usize, out: usize): void {
  const pixel: usize = channels << 2;
  for (let channel: i32 = 0; channel < channels; channel += 4) {
    let to = out;
    let p0 = above, p1 = middle, p2 = below;
    const bias = v128.load(weights, 144);
    for (let x: i32 = 0; x < count; x++) {
      let sum = bias;
      for (let line: i32 = 0; line < 3; line++) {
        let p = line == 0 ? p0 : line == 1 ? p1 : p2;
        const w = weights + <usize>line * 48;
        sum = madd(v128.load(p), v128.load(w), sum);
        p += pixel;
        sum = madd(v128.load(p), v128.load(w, 16), sum);
        p += pixel;
        sum = madd(v128.load(p), v128.load(w, 32), sum);
      }
      v128.store(to, sum);
      to += pixel;
      p0 += pixel << 1;
      p1 += pixel << 1;
      p2 += pixel << 1;
    }
    above += 16;
    middle += 16;
    below += 16;
    out += 16;
    weights += 160;
  }
}

/** 3x3 patches of every other pixel of three channels, one behind the other. What stands behind a patch has weights of zero. */
function patches(above: usize, middle: usize, below: usize, count: i32, out: usize): void {
  for (let x: i32 = 0; x < count; x++) {
    v128.store(out, v128.load(above));
    v128.store(out, v128.load(above, 16), 16);
    f32.store(out, f32.load(above, 32), 32);
    v128.store(out, v128.load(middle), 36);
    v128.store(out, v128.load(middle, 16), 52);
    f32.store(out, f32.load(middle, 32), 68);
    v128.store(out, v128.load(below), 72);
    v128.store(out, v128.load(below, 16), 88);
    f32.store(out, f32.load(below, 32), 104);
    out += <usize>patchInputs << 2;
    above += 24;
    middle += 24;
    below += 24;
  }
}

/**
 * Products of all inputs of a pixel with the weights of each output: eight outputs of four pixels at once, which fills the registers;
 * an unrolled loop would not fit them, and is slower.
 * Weights of 8 outputs, and of the last 4 where there are 4: the biases, then those of each input.
 * @param stride bytes from one pixel of the output to the next; residualStride: the same of what is added, 0 where nothing is
 */
function products(
  input: usize, inputs: i32, count: i32, weights: usize, outputs: i32,
  out: usize, stride: usize, residual: usize, residualStride: usize, floor: v128,
): void {
  const pixel: usize = inputs << 2;
  let output: i32 = 0;
  for (; output + 8 <= outputs; output += 8) {
    let from = input, to = out, other = residual;
    for (let x: i32 = 0; x < count; x += 4) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
      let w = weights + 32;
      let a = from, b = a + pixel, c = b + pixel, d = c + pixel;
      for (const end = b; a < end; ) {
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
      put(to, a0, other, floor);
      put(to + 16, a1, beyond(other, 16), floor);
      if (x + 1 < count) {
        put(to + stride, b0, beyond(other, residualStride), floor);
        put(to + stride + 16, b1, beyond(other, residualStride + 16), floor);
      }
      if (x + 2 < count) {
        put(to + 2 * stride, c0, beyond(other, 2 * residualStride), floor);
        put(to + 2 * stride + 16, c1, beyond(other, 2 * residualStride + 16), floor);
      }
      if (x + 3 < count) {
        put(to + 3 * stride, d0, beyond(other, 3 * residualStride), floor);
        put(to + 3 * stride + 16, d1, beyond(other, 3 * residualStride + 16), floor);
      }
      from += pixel << 2;
      to += stride << 2;
      other = beyond(other, residualStride << 2);
    }
    weights += 32 + (pixel << 3);
    out += 32;
    residual = beyond(residual, 32);
  }
  if (output < outputs) {
    for (let x: i32 = 0; x < count; x += 4) {
      let a0 = v128.load(weights);
      let b0 = a0, c0 = a0, d0 = a0;
      let w = weights + 16;
      let a = input, b = a + pixel, c = b + pixel, d = c + pixel;
      for (const end = b; a < end; ) {
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
      put(out, a0, residual, floor);
      if (x + 1 < count) put(out + stride, b0, beyond(residual, residualStride), floor);
      if (x + 2 < count) put(out + 2 * stride, c0, beyond(residual, 2 * residualStride), floor);
      if (x + 3 < count) put(out + 3 * stride, d0, beyond(residual, 3 * residualStride), floor);
      input += pixel << 2;
      out += stride << 2;
      residual = beyond(residual, residualStride << 2);
    }
  }
}

/**
 * A row of a convolution's output.
 * @param reading 0: each pixel of the middle row by itself; 1: `depthwise`; 2: `depthwiseHalving`; 3: `patches`
 * @param above, middle, below: the first pixel that is read of each row
 * @param channels of the input; width: pixels of the output
 * @param first, second: weights of the products; their channels lie one behind the other
 * @param residual what is added to the first product, pixels `residualStride` bytes apart; 0: nothing
 * @param floor the least value of the output
 */
export function convolve(
  reading: i32, above: usize, middle: usize, below: usize, channels: i32, width: i32, weights: usize, scratch: usize,
  first: usize, firstOutputs: i32, second: usize, secondOutputs: i32, residual: usize, residualStride: usize, out: usize, floor: f32,
): void {
  const stride: usize = (firstOutputs + secondOutputs) << 2;
  const inputs = reading == 3 ? patchInputs : channels;
  const floors = f32x4.splat(floor);
  for (let x: i32 = 0; x < width; x += tile) {
    const count = min(tile, width - x);
    const at: usize = x * channels << (reading > 1 ? 3 : 2);
    let source = scratch;
    if (reading == 0) source = middle + at;
    else if (reading == 1) depthwise(above + at, middle + at, below + at, channels, count, weights, scratch);
    else if (reading == 2) depthwiseHalving(above + at, middle + at, below + at, channels, count, weights, scratch);
    else patches(above + at, middle + at, below + at, count, scratch);
    const to = out + <usize>x * stride;
    products(source, inputs, count, first, firstOutputs, to, stride, beyond(residual, <usize>x * residualStride), residualStride, floors);
    if (secondOutputs > 0) {
      products(source, inputs, count, second, secondOutputs, to + (<usize>firstOutputs << 2), stride, 0, 0, floors);
    }
  }
}

/** A row of three planes as pixels of three channels. */
export function interleave(red: usize, green: usize, blue: usize, width: i32, out: usize): void {
  for (let x: i32 = 0; x < width; x++) {
    f32.store(out, f32.load(red));
    f32.store(out, f32.load(green), 4);
    f32.store(out, f32.load(blue), 8);
    red += 4;
    green += 4;
    blue += 4;
    out += 12;
  }
}

/** A row of the largest of 2x2 pixels each; `width` is the output's. */
export function pool(above: usize, below: usize, channels: i32, width: i32, out: usize): void {
  const pixel: usize = channels << 2;
  for (let x: i32 = 0; x < width; x++) {
    for (let channel: i32 = 0; channel < channels; channel += 4) {
      const left = f32x4.pmax(v128.load(above), v128.load(below));
      const right = f32x4.pmax(v128.load(above + pixel), v128.load(below + pixel));
      v128.store(out, f32x4.pmax(left, right));
      above += 16;
      below += 16;
      out += 16;
    }
    above += pixel;
    below += pixel;
  }
}

/** A row of a map plus that of a map half as large, enlarged: three quarters of what is near and one of what is far, both ways. `width` is the output's. */
export function enlarge(near: usize, far: usize, other: usize, channels: i32, width: i32, out: usize): void {
  const pixel: usize = channels << 2;
  const half = width >> 1;
  const most = f32x4.splat(0.75), rest = f32x4.splat(0.25);
  for (let channel: i32 = 0; channel < channels; channel += 4) {
    let n = near, f = far, o = other, to = out;
    let here = madd(v128.load(n), most, f32x4.mul(v128.load(f), rest));
    let before = here;
    for (let x: i32 = 1; x <= half; x++) {
      n += pixel;
      f += pixel;
      const after = x < half ? madd(v128.load(n), most, f32x4.mul(v128.load(f), rest)) : here;
      const share = f32x4.mul(here, most);
      v128.store(to, f32x4.add(v128.load(o), madd(before, rest, share)));
      v128.store(to + pixel, f32x4.add(v128.load(o + pixel), madd(after, rest, share)));
      o += pixel << 1;
      to += pixel << 1;
      before = here;
      here = after;
    }
    near += 16;
    far += 16;
    other += 16;
    out += 16;
  }
}
