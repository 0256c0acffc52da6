import { itemAt } from '../common/item-at.js';
import { dimOf, elements, fixedDim, fixedShape, mapDims, type Node, type Tensor } from '../graph/index.js';
import { blockedConvolution, fillsBlocks, gradientKernels, toBlocks } from './blocked-convolution.js';
import { flatMap } from './channels.js';
import { mul } from './elementwise.js';
import { matmul } from './linear.js';
import { applyOne, attributesOf, operand, output, type Target } from './operation.js';
import { reduceSum } from './reduce.js';
import { concat, gather, int64s, pad, placement, reshape, rowsOf, slice, transpose, transposeLast } from './shape.js';
import type { AttributeValues } from './signatures.js';
import { winogradInputGradient, winogradPlan, winogradWeightGradient } from './winograd.js';

interface Geometry {
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
  readonly kernel: number;
}

function geometry({ strides, pads, group, kernel_shape }: AttributeValues<'Conv'>): Geometry {
  return { stride: itemAt(strides, 0), padding: itemAt(pads, 0), groups: group, kernel: itemAt(kernel_shape, 0) };
}

/**
 * dL/dx from dL/dy [N, O, h, w] and the weight [O, I/g, k, k]. With stride 1 it is itself a convolution, of dy with the
 * weight turned by 180 degrees and its channel axes swapped (the fastest form on every device); with a larger stride
 * a transposed convolution, or on a CPU one convolution for every phase of the stride.
 */
export function lowerConvInputGradient(node: Node, target: Target): Tensor {
  const [dy, weight] = [operand(node, 0), operand(node, 1)];
  const { shape } = output(node, 0);
  const { stride, padding, groups, kernel } = geometry(attributesOf('ConvInputGradient', node));
  const block = target.channelBlock;
  const attributes = attributesOf('ConvInputGradient', node);
  const plan = block === undefined ? undefined : winogradPlan(output(node, 0), weight, attributes);
  if (plan) return winogradInputGradient(dy, weight, plan);
  if (block !== undefined && fillsBlocks(block, groups, weight)) {
    const phases = inputGradientByPhases(dy, weight, output(node, 0), { stride, padding, groups, kernel }, block);
    if (phases !== undefined) return phases;
  }
  const rest = {
    strides: [stride, stride],
    kernel_shape: [kernel, kernel],
    group: groups,
  };
  if (stride === 1) {
    // Padding beyond the kernel's reach only made outputs that read no input: they are cut off, not padded.
    const back = Math.max(0, kernel - 1 - padding);
    const cut = back - (kernel - 1 - padding);
    const cropped = [2, 3].reduce((t, axis) => slice(t, axis, cut, fixedDim(t, axis) - cut), dy);
    const pads = [back, back, back, back];
    return applyOne('Conv', [cropped, turned(weight, groups, target)], shape, { ...rest, pads });
  }
  const missing = (axis: number): number =>
    fixedDim(output(node, 0), axis) - ((fixedDim(dy, axis) - 1) * stride - 2 * padding + kernel);
  return applyOne('ConvTranspose', [dy, weight], shape, {
    ...rest,
    pads: [padding, padding, padding, padding],
    output_padding: [missing(2), missing(3)],
  });
}

/** What the elements s i + phase of an axis of dL/dx are made of: dy convolved with some elements of the kernel. */
interface Phase {
  /** Elements of the kernel, in the order in which they meet dy. */
  readonly picked: readonly number[];
  /** Zeros before and after dy. */
  readonly pads: readonly [number, number];
}

/**
 * dx[y] is the sum of dy[(y + p - r) / s] w[r] over all r for which that is whole. Undefined where a phase has no r, or
 * where dy would have to be cut: such shapes are left to others.
 */
function phasesOf(size: number, dySize: number, { stride, padding, kernel }: Geometry): Phase[] | undefined {
  if (size % stride !== 0) return undefined;
  const phases: Phase[] = [];
  for (let phase = 0; phase < stride; phase++) {
    const picked: number[] = [];
    for (let r = kernel - 1; r >= 0; r--) if ((phase + padding - r) % stride === 0) picked.push(r);
    const [first] = picked;
    if (first === undefined) return undefined;
    const before = -((phase + padding - first) / stride);
    const after = size / stride - dySize - before + picked.length - 1;
    if (before < 0 || after < 0) return undefined;
    phases.push({ picked, pads: [before, after] });
  }
  return phases;
}

/** A blocked convolution for every phase of rows and columns; then their results take turns. */
function inputGradientByPhases(dy: Tensor, weight: Tensor, dx: Tensor, g: Geometry, block: number): Tensor | undefined {
  const [n, channels, height, width] = mapDims(dx);
  const rows = phasesOf(height, fixedDim(dy, 2), g);
  const columns = phasesOf(width, fixedDim(dy, 3), g);
  if (rows === undefined || columns === undefined) return undefined;
  const kernelOf = gradientKernels(weight, g.groups, block);
  const blocks = toBlocks(dy);
  const [h, w] = [height / g.stride, width / g.stride];
  const parts = rows.flatMap((row) =>
    columns.map((column) => {
      const picked = row.picked.map((r) => column.picked.map((c) => r * g.kernel + c));
      const kernel = kernelOf(picked);
      const pads = [row.pads[0], column.pads[0], row.pads[1], column.pads[1]];
      return blockedConvolution(blocks, kernel, undefined, [n, channels, h, w], { stride: 1, pads, groups: g.groups });
    }),
  );
  const [whole] = parts;
  if (parts.length === 1 && whole !== undefined) return whole;
  const lines = rowsOf(itemAt(parts, 0), 0, 3);
  // [lines, phases of rows, phases of columns, w]: rows are in order now, columns are put so by a 0/1 matrix.
  const joined = concat(
    parts.map((part) => reshape(part, [lines, 1, w])),
    1,
  );
  const order = Array.from({ length: width }, (_, i) => [i, (i % w) * g.stride + Math.floor(i / w)] as const);
  return matmul(reshape(joined, dx.shape), placement(width, width, order));
}

/**
 * [O, I/g, k, k] -> [I, O/g, k, k], each kernel turned by 180 degrees: its elements in reverse order. On the CPU by a
 * product with the matrix that reverses (exact, every sum has one term): gathering single elements takes longer.
 */
function turned(weight: Tensor, groups: number, target: Target): Tensor {
  const [out, perGroup, k] = [fixedDim(weight, 0), fixedDim(weight, 1), fixedDim(weight, 2)];
  const flat = reshape(weight, [groups, out / groups, perGroup, k * k]);
  const flipped =
    k === 1
      ? flat
      : target.device !== 'webgpu'
        ? matmul(flat, placement(k * k, k * k, reversal(k * k)))
        : gatherReversed(flat, k * k);
  return reshape(transpose(flipped, [0, 2, 1, 3]), [groups * perGroup, out / groups, k, k]);
}

const reversal = (size: number): [number, number][] => Array.from({ length: size }, (_, i) => [i, size - 1 - i]);

function gatherReversed(x: Tensor, size: number): Tensor {
  return gather(
    x,
    Int32Array.from({ length: size }, (_, i) => size - 1 - i),
    [size],
    3,
  );
}

/**
 * dL/dw [O, I/g, k, k] from x [N, I, H, W] and dL/dy [N, O, h, w]: element (r, c) of each kernel is the product of dy
 * with the part of x that it met, summed over batch and map.
 */
export function lowerConvWeightGradient(node: Node, target: Target): Tensor {
  const [x, dy] = [operand(node, 0), operand(node, 1)];
  const shape = fixedShape(output(node, 0));
  const attributes = attributesOf('ConvWeightGradient', node);
  const plan = target.channelBlock === undefined ? undefined : winogradPlan(x, output(node, 0), attributes);
  if (plan) return winogradWeightGradient(x, dy, plan);
  const g = geometry(attributes);
  if (g.groups > 1) return depthwiseWeightGradient(x, dy, shape, g, target);
  // With few channels (a picture's), k x k thin products cost more than gathering the patches for a single one.
  if (itemAt(shape, 1) < 16 && g.kernel > 1) return weightGradientByPatches(x, dy, shape, g, target);
  return worthFolding(x, dy, shape)
    ? weightGradientByShifts(swapBatch(x), swapBatch(dy), shape, g, target, correlateFolded)
    : weightGradientByShifts(x, dy, shape, g, target, correlate);
}

/** sum over the batch of a b^T over the map: [N, O, h, w], [N, I, h, w] -> [O, I]. */
function correlate(a: Tensor, b: Tensor): Tensor {
  return reduceSum(matmul(flatMap(a), transposeLast(flatMap(b))), [0]);
}

/** The same from tensors whose first two axes were swapped: one product over batch and map, no sum afterwards. */
function correlateFolded(a: Tensor, b: Tensor): Tensor {
  const rows = (t: Tensor): Tensor => reshape(t, [dimOf(t, 0), rowsOf(t, 1)]);
  return matmul(rows(a), transposeLast(rows(b)));
}

const swapBatch = (t: Tensor): Tensor => transpose(t, [1, 0, 2, 3]);

/** Whether summing the k x k products [N, O, I] over the batch costs more than swapping the axes of x and dy before. */
function worthFolding(x: Tensor, dy: Tensor, shape: readonly number[]): boolean {
  const map = (t: Tensor): number => elements(t.shape.slice(1));
  return elements(shape) > 2 * (map(dy) + map(x));
}

/**
 * A product for each of the k x k elements. Row r of the kernel met rows s h + r - p of x; with r - p = s q + phase these
 * are rows h + q of the phase, and shifting dy by -q instead of x lets all columns share the copies: for a 3x3
 * convolution of stride 1 just four shifted copies are made (two of x, two of dy) where slicing x alone takes nine.
 */
function weightGradientByShifts(
  x: Tensor,
  dy: Tensor,
  shape: readonly number[],
  g: Geometry,
  target: Target,
  multiply: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const width = fixedDim(dy, 3);
  const { stride, padding, kernel } = g;
  const phases = new Map<string, Tensor>();
  const phase = (row: number, column: number, rows: number): Tensor => {
    const key = `${row},${column}`;
    let part = phases.get(key);
    if (part === undefined) {
      const inRows = takeAxis(x, 2, row, stride, rows, target);
      part = takeAxis(inRows, 3, column, stride, width, target);
      phases.set(key, part);
    }
    return part;
  };
  const shiftedRows = new Map<string, Tensor>();
  const products: Tensor[] = [];
  for (let r = 0; r < kernel; r++) {
    const q = Math.floor((r - padding) / stride);
    const row = r - padding - q * stride;
    // Rows of this phase that x has; dy, shifted by q, is cut or filled to match.
    const rows = Math.max(1, Math.ceil((fixedDim(x, 2) - row) / stride));
    const key = `${q},${rows}`;
    const gradient = shiftedRows.get(key) ?? takeAxis(dy, 2, -q, 1, rows, target);
    shiftedRows.set(key, gradient);
    for (let c = 0; c < kernel; c++) {
      products.push(multiply(gradient, phase(row, c - padding, rows)));
    }
  }
  // [k k, O I] -> [O I, k k]: one transpose is faster than joining along a last axis of single elements.
  const [out, channels] = [itemAt(shape, 0), itemAt(shape, 1)];
  const joined = concat(
    products.map((one) => reshape(one, [1, out * channels])),
    0,
  );
  return reshape(transpose(joined, [1, 0]), shape);
}

/** Elements start, start + step, ... of an axis, `count` of them, zero where there is none. */
function takeAxis(x: Tensor, axis: number, start: number, step: number, count: number, target: Target): Tensor {
  const size = fixedDim(x, axis);
  const before = Math.max(0, Math.ceil(-start / step));
  const first = start + before * step;
  const inside = Math.max(0, Math.min(count - before, Math.ceil((size - first) / step)));
  if (inside === 0) return noneOf(x, axis, count);
  const at = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
  if (target.device !== 'webgpu' && axis === 3 && (step > 1 || size <= 32)) {
    // Single elements and short rows: a product with a matrix of zeros and ones is faster than moving them.
    const pairs = Array.from({ length: inside }, (_, i) => [first + i * step, before + i] as const);
    return matmul(x, placement(size, count, pairs));
  }
  // Cutting on one side and filling on the other in one pass; WebGPU does not take negative pads.
  if (target.device !== 'webgpu' && step === 1) return shift(x, axis, -start, start + count - size);
  const part = slice(x, axis, first, Math.min(size, first + (inside - 1) * step + 1), step);
  return pad(part, at(before), at(count - before - inside));
}

/** Zeros before and after along an axis of x [A, B, H, W], or as many elements fewer where the number is negative. */
function shift(x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before === 0 && after === 0) return x;
  const [height, width] = [fixedDim(x, 2), fixedDim(x, 3)];
  const [a, b] = [dimOf(x, 0), dimOf(x, 1)];
  // Rows as stretches of the flat map: longer runs to copy.
  const inner = axis === 2 ? [height * width] : [height, width];
  const each = axis === 2 ? width : 1;
  const zeros = inner.map(() => 0).fill(1, -1);
  const pads = [...[0, 0, ...zeros].map((n) => n * before * each), ...[0, 0, ...zeros].map((n) => n * after * each)];
  const last = itemAt(inner, inner.length - 1) + (before + after) * each;
  const moved = applyOne('Pad', [reshape(x, [a, b, ...inner]), int64s(pads)], [a, b, ...inner.slice(0, -1), last], {
    pads,
  });
  return reshape(moved, [a, b, axis === 2 ? last / width : height, axis === 2 ? width : last]);
}

/** `count` zeros of an axis (a tensor without elements cannot be padded). */
function noneOf(x: Tensor, axis: number, count: number): Tensor {
  const zero = mul(slice(x, axis, 0, 1), 0);
  const at = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
  return pad(zero, at(0), at(count - 1));
}

function shifts(kernel: number): [number, number][] {
  return Array.from({ length: kernel * kernel }, (_, i) => [Math.floor(i / kernel), i % kernel]);
}

/** The part of x that met element (r, c) of the kernels: [N, I, h, w]. */
function shiftedTo(x: Tensor, r: number, c: number, dy: Tensor, g: Geometry, target: Target): Tensor {
  const [h, w] = [fixedDim(dy, 2), fixedDim(dy, 3)];
  return takeAxis(takeAxis(x, 2, r - g.padding, g.stride, h, target), 3, c - g.padding, g.stride, w, target);
}

/** One product of dy with all patches: [N, O, h w] x [N, h w, k k I]. */
function weightGradientByPatches(x: Tensor, dy: Tensor, shape: readonly number[], g: Geometry, target: Target): Tensor {
  const [out, channels] = [itemAt(shape, 0), itemAt(shape, 1)];
  const patches = concat(
    shifts(g.kernel).map(([r, c]) => shiftedTo(x, r, c, dy, g, target)),
    1,
  );
  const products = reshape(correlate(dy, patches), [out, g.kernel * g.kernel, channels]);
  return reshape(transpose(products, [0, 2, 1]), shape);
}

/** One kernel a channel. */
function depthwiseWeightGradient(x: Tensor, dy: Tensor, shape: readonly number[], g: Geometry, target: Target): Tensor {
  const [n, out, h, w] = mapDims(dy);
  if (shape[1] !== 1 || out !== g.groups) {
    throw new Error('ConvWeightGradient: grouped convolutions are differentiated only with one channel a group');
  }
  if (target.device !== 'webgpu') return depthwiseWeightGradientByPixels(x, dy, shape, g, target);
  // [N, C, k k, hw] x [N, C, hw, 1]
  const patches = shifts(g.kernel).map(([r, c]) => reshape(shiftedTo(x, r, c, dy, g, target), [n, out, 1, h * w]));
  const products = matmul(concat(patches, 2), reshape(dy, [n, out, h * w, 1]));
  return reshape(reduceSum(products, [0]), shape);
}

/**
 * By channel, the product of every pixel of x with every pixel of dy, summed over the batch; of these pairs a 0/1 matrix
 * sums those that met in the same element of the kernel. Few of them did, but nothing has to be shifted. In large maps,
 * pixels are multiplied with those of their rows only, for each row of the kernel.
 */
function depthwiseWeightGradientByPixels(
  x: Tensor,
  dy: Tensor,
  shape: readonly number[],
  g: Geometry,
  target: Target,
): Tensor {
  const [, , height, width] = mapDims(x);
  const [n, channels, h, w] = mapDims(dy);
  const { stride, padding, kernel } = g;
  const [turnedX, turnedDy] = [swapBatch(x), swapBatch(dy)];
  if (height * width <= 64) {
    const pixels = (t: Tensor, size: number): Tensor => reshape(t, [channels, n, size]);
    const pairs = matmul(transposeLast(pixels(turnedX, height * width)), pixels(turnedDy, h * w));
    const meeting: [number, number][] = [];
    for (const [r, c] of shifts(kernel)) {
      for (let i = 0; i < h * w; i++) {
        const [row, column] = [stride * Math.floor(i / w) + r - padding, stride * (i % w) + c - padding];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        meeting.push([(row * width + column) * h * w + i, r * kernel + c]);
      }
    }
    const flat = reshape(pairs, [channels, height * width * h * w]);
    return reshape(matmul(flat, placement(height * width * h * w, kernel * kernel, meeting)), shape);
  }
  const lines = (t: Tensor, size: number): Tensor => reshape(t, [channels, rowsOf(t, 1, 3), size]);
  const meeting: [number, number][] = [];
  for (let c = 0; c < kernel; c++) {
    for (let i = 0; i < w; i++) {
      const column = stride * i + c - padding;
      if (column >= 0 && column < width) meeting.push([column * w + i, c]);
    }
  }
  const sums = placement(width * w, kernel, meeting);
  const rows = Array.from({ length: kernel }, (_, r) => {
    const rowsOfX = takeAxis(turnedX, 2, r - padding, stride, h, target);
    const pairs = matmul(transposeLast(lines(rowsOfX, width)), lines(turnedDy, w));
    return reshape(matmul(reshape(pairs, [channels, width * w]), sums), [channels, 1, kernel]);
  });
  return reshape(concat(rows, 1), shape);
}
