import { itemAt } from '../common/item-at.js';
import { constant, type Dim, dimOf, fixedDim, mapDims, product, type Tensor } from '../graph/index.js';
import { matmul } from './linear.js';
import { applyOne } from './operation.js';
import { reshape, rowsOf, transpose, transposeLast } from './shape.js';
import type { AttributeValues } from './signatures.js';

// Winograd's minimal filtering (Lavin and Gray, arXiv 1509.09308): of a 3x3 convolution, tiles of m x m outputs are computed
// together from the m + 2 by m + 2 inputs that they see. Tiles and kernels are read as polynomials and evaluated at m + 2
// points; there a convolution is a product of numbers, over channels a matrix product; then the outputs are interpolated.
// That takes (m + 2)^2 products for m^2 outputs where 9 m^2 are usual. Evaluation and interpolation are linear: here
// products with constant matrices along rows and columns, with the map's axes first, [H, W, N C].

/** Sides of tiles, and the points at which they are evaluated beside infinity: small, so that float32 keeps its digits. */
const pointsBySide: ReadonlyMap<number, readonly number[]> = new Map([
  [2, [0, 1, -1]],
  [3, [0, 1, -1, 2]],
  [4, [0, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2, -Math.SQRT2]],
]);

type Matrix = readonly (readonly number[])[];

/** The matrices of one axis (Toom and Cook's). */
interface Evaluation {
  /** Outputs of a tile. */
  readonly side: number;
  /** Points, and so inputs, of a tile. */
  readonly points: number;
  /** [points, points]: a tile of inputs at every point. */
  readonly input: Matrix;
  /** [points, 3]: a kernel at every point. */
  readonly kernel: Matrix;
  /** [side, points]: the outputs from the products at every point. */
  readonly output: Matrix;
}

/** The coefficients, lowest first, of the polynomial with these roots. */
function polynomial(roots: readonly number[]): number[] {
  let coefficients = [1];
  for (const root of roots) {
    const shifted = [0, ...coefficients];
    coefficients = shifted.map(
      (value, i) => value - root * (coefficients[i] === undefined ? 0 : itemAt(coefficients, i)),
    );
  }
  return coefficients;
}

function evaluationOf(side: number): Evaluation {
  const finite = pointsBySide.get(side);
  if (finite === undefined) throw new Error(`there are no points for tiles of ${side}`);
  const points = side + 2;
  const others = (point: number): number[] => finite.filter((other) => other !== point);
  const filled = (row: readonly number[]): number[] => [...row, ...Array<number>(points - row.length).fill(0)];
  const powers = (point: number, count: number): number[] => Array.from({ length: count }, (_, i) => point ** i);
  const kernel = finite.map((point) => {
    const scale = others(point).reduce((product, other) => product * (point - other), 1);
    return powers(point, 3).map((power) => power / scale);
  });
  const output = Array.from({ length: side }, (_, i) => [...finite.map((point) => point ** i), i === side - 1 ? 1 : 0]);
  return {
    side,
    points,
    input: [...finite.map((point) => filled(polynomial(others(point)))), polynomial(finite)],
    kernel: [...kernel, [0, 0, 1]],
    output,
  };
}

/** A constant [rows, columns] from its elements. */
function matrix(rows: number, columns: number, element: (row: number, column: number) => number): Tensor {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => element(Math.floor(i / columns), i % columns));
  return constant('float32', data, [rows, columns]);
}

/** An element, zero beyond the matrix. */
function entry(m: Matrix, row: number, column: number): number {
  const line = m[row];
  return line === undefined || column < 0 || column >= line.length ? 0 : itemAt(line, column);
}

/** An axis of `size` pixels in tiles: tile t sees the inputs from m t - 1 and gives the outputs from m t. */
interface Axis {
  readonly size: number;
  readonly tiles: number;
  /** Points of all tiles, in the order [point, tile]. */
  readonly all: number;
}

/** How a 3x3 convolution over maps of one size is computed. */
export interface WinogradPlan {
  readonly evaluation: Evaluation;
  readonly rows: Axis;
  readonly columns: Axis;
}

function planOf(height: number, width: number, side: number): WinogradPlan {
  const evaluation = evaluationOf(side);
  const axis = (size: number): Axis => {
    const tiles = Math.ceil(size / side);
    return { size, tiles, all: tiles * evaluation.points };
  };
  return { evaluation, rows: axis(height), columns: axis(width) };
}

/** Multiplications for a picture. */
function costOf({ rows, columns }: WinogradPlan, inputs: number, outputs: number): number {
  const transforms = rows.all * columns.size * (rows.size + columns.all) * (inputs + outputs);
  return rows.all * columns.all * inputs * outputs + transforms;
}

/**
 * The plan for a convolution, where one takes less than half of the multiplications: what else is saved goes into more
 * passes over the map.
 * @param x its input, or the gradient of that
 * @param weight [O, I, 3, 3]
 */
export function winogradPlan(x: Tensor, weight: Tensor, attributes: AttributeValues<'Conv'>): WinogradPlan | undefined {
  const { strides, pads, kernel_shape, group, fixed } = attributes;
  const [, inputs, height, width] = mapDims(x);
  const outputs = fixedDim(weight, 0);
  const plain = strides.every((n) => n === 1) && pads.every((n) => n === 1) && kernel_shape.every((n) => n === 3);
  if (!plain || group !== 1 || fixed !== undefined || Math.min(inputs, outputs) < 64) return undefined;
  const cost = (plan: WinogradPlan): number => costOf(plan, inputs, outputs);
  const plans = [...pointsBySide.keys()].map((side) => planOf(height, width, side));
  const best = plans.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  return 2 * cost(best) < 9 * height * width * inputs * outputs ? best : undefined;
}

/** An element of the matrix [size, points tiles] that makes lines of outputs from the products. */
function outputEntry({ tiles }: Axis, { side, output }: Evaluation, line: number, at: number): number {
  return entry(output, line - side * (at % tiles), Math.floor(at / tiles));
}

/**
 * [N, C, H, W] -> [H W, N C]. `anew` does it in another form: what the runtime knows to be the same as in the forward pass
 * it would take from there, and keep with all that follows from it until the backward pass.
 */
function mapFirst(x: Tensor, anew: boolean): Tensor {
  const [n, channels, height, width] = mapDims(x);
  const pictures = rowsOf(x, 0, 2);
  if (!anew) return transpose(reshape(x, [pictures, height * width]), [1, 0]);
  const pixels = transpose(reshape(x, [n, channels, height * width]), [2, 0, 1]);
  return reshape(pixels, [height * width, pictures]);
}

/** x [N, C, H, W] through a matrix for each axis: [point, tile, point, tile N, C]. */
function toPoints(x: Tensor, matrixOf: (axis: Axis) => Tensor, plan: WinogradPlan, anew = false): Tensor {
  const { rows, columns, evaluation } = plan;
  const [n, channels] = mapDims(x);
  const pictures = rowsOf(x, 0, 2);
  const lines = reshape(mapFirst(x, anew), [rows.size, times(columns.size, pictures)]);
  const inRows = matmul(matrixOf(rows), lines);
  const inBoth = matmul(matrixOf(columns), reshape(inRows, [rows.all, columns.size, pictures]));
  return reshape(inBoth, [evaluation.points, rows.tiles, evaluation.points, times(columns.tiles, n), channels]);
}

function times(count: number, dim: Dim): Dim {
  const result = product([count, dim]);
  if (result === undefined) throw new Error('a number times a dimension is a dimension');
  return result;
}

/** Makes of lines of inputs, zero beyond the border, what they are at the points: [points tiles, size]. */
const inputMatrix =
  ({ side, input }: Evaluation) =>
  ({ size, tiles, all }: Axis): Tensor =>
    matrix(all, size, (at, line) => entry(input, Math.floor(at / tiles), line - side * (at % tiles) + 1));

/** Makes of gradients of outputs those of the products at the points: [points tiles, size]. */
const gradientMatrix =
  (evaluation: Evaluation) =>
  (axis: Axis): Tensor =>
    matrix(axis.all, axis.size, (at, line) => outputEntry(axis, evaluation, line, at));

/** Products [point, tile, point, tile N, O] -> outputs [N, O, H, W]. */
function outputFromPoints(products: Tensor, n: Dim, plan: WinogradPlan): Tensor {
  const { rows, columns, evaluation } = plan;
  const out = fixedDim(products, -1);
  const pictures = times(out, n);
  const of = (axis: Axis): Tensor => matrix(axis.size, axis.all, (line, at) => outputEntry(axis, evaluation, line, at));
  const inColumns = matmul(of(columns), reshape(products, [rows.all, columns.all, pictures]));
  const whole = matmul(of(rows), reshape(inColumns, [rows.all, times(columns.size, pictures)]));
  const map = transpose(reshape(whole, [rows.size * columns.size, pictures]), [1, 0]);
  return reshape(map, [n, out, rows.size, columns.size]);
}

/** [O, I, 3, 3] -> [9, O I] */
const elementsFirst = (weight: Tensor): Tensor =>
  transpose(reshape(weight, [fixedDim(weight, 0) * fixedDim(weight, 1), 9]), [1, 0]);

/** An element of the matrix [points points, 9] that evaluates kernels. */
function kernelEntry({ points, kernel }: Evaluation, point: number, element: number): number {
  const [row, column] = [Math.floor(element / 3), element % 3];
  return entry(kernel, Math.floor(point / points), row) * entry(kernel, point % points, column);
}

/** The weight [O, I, 3, 3] at the points, [point, 1, point, O, I]; turned by 180 degrees or as it is. */
function kernelAtPoints(weight: Tensor, evaluation: Evaluation, turned: boolean): Tensor {
  const { points } = evaluation;
  const evaluated = matmul(
    matrix(points * points, 9, (point, element) => kernelEntry(evaluation, point, turned ? 8 - element : element)),
    elementsFirst(weight),
  );
  return reshape(evaluated, [points, 1, points, fixedDim(weight, 0), fixedDim(weight, 1)]);
}

/** x [N, I, H, W], weight [O, I, 3, 3] -> [N, O, H, W]. */
export function winogradConvolution(x: Tensor, weight: Tensor, plan: WinogradPlan): Tensor {
  const inputs = toPoints(x, inputMatrix(plan.evaluation), plan);
  const kernels = kernelAtPoints(weight, plan.evaluation, false);
  return outputFromPoints(matmul(inputs, transposeLast(kernels)), dimOf(x, 0), plan);
}

/** dL/dx from dL/dy [N, O, H, W]: the convolution of that with the turned kernels. */
export function winogradInputGradient(dy: Tensor, weight: Tensor, plan: WinogradPlan): Tensor {
  const inputs = toPoints(dy, inputMatrix(plan.evaluation), plan);
  return outputFromPoints(matmul(inputs, kernelAtPoints(weight, plan.evaluation, true)), dimOf(dy, 0), plan);
}

/** dL/dw: products of both at the points, summed over tiles and pictures, and from the points back to kernels. */
export function winogradWeightGradient(x: Tensor, dy: Tensor, plan: WinogradPlan): Tensor {
  const { rows, columns, evaluation } = plan;
  const all = evaluation.points ** 2;
  const tiles = times(rows.tiles * columns.tiles, dimOf(x, 0));
  // [point, tile, point, tile N, C] -> [points, tiles N, C]
  const byPoint = (t: Tensor): Tensor => reshape(transpose(t, [0, 2, 1, 3, 4]), [all, tiles, dimOf(t, -1)]);
  const inputs = byPoint(toPoints(x, inputMatrix(evaluation), plan, true));
  const gradients = byPoint(toPoints(dy, gradientMatrix(evaluation), plan));
  const products = matmul(transposeLast(gradients), inputs);
  const [out, channels] = [fixedDim(dy, 1), fixedDim(x, 1)];
  const back = matrix(all, 9, (point, element) => kernelEntry(evaluation, point, element));
  // As Gemm: a product that the runtime joins with a transpose changes its place among the outputs, whose order is meant.
  const flat = reshape(products, [all, out * channels]);
  const kernels = applyOne('Gemm', [flat, back], [out * channels, 9], { transA: 1, transB: 0 });
  return reshape(kernels, [out, channels, 3, 3]);
}
