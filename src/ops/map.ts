import { itemAt } from '../common/item-at.js';
import { constant, type FloatDType, GraphError, mapDims, type Node, type Tensor, type Value } from '../graph/index.js';
import { type Padding, padsOf } from './convolution.js';
import { add, greater, where } from './elementwise.js';
import { applyOne, attributesOf, type OperationTable, operand, output } from './operation.js';
import { pad, slice, spread } from './shape.js';

export interface PoolOptions {
  /** Side of the window. */
  readonly kernel: number;
  /** Default: the kernel. */
  readonly stride?: number;
  /** Positions around the map that never win; fewer than the kernel on each side. Default 0. */
  readonly padding?: number | Padding;
}

/**
 * The largest value of each window: x [N, C, H, W] -> [N, C, (H + top + bottom - kernel) / stride + 1 rounded down,
 * likewise for W].
 */
export function maxPool2d<D extends FloatDType>(x: Value<D>, options: PoolOptions): Value<D> {
  const { kernel, stride = kernel, padding = 0 } = options;
  const [n, channels, height, width] = mapDims(x, 'MaxPool');
  const pads = padsOf(padding);
  const [top, left, bottom, right] = pads;
  const whole = [kernel, stride, ...pads].every(Number.isInteger);
  if (!whole || kernel < 1 || stride < 1 || Math.min(...pads) < 0 || Math.max(...pads) >= kernel) {
    throw new GraphError('MaxPool', [x], `kernel ${kernel}, stride ${stride}, padding ${pads.join(', ')} do not fit`);
  }
  const size = (dim: number): number => Math.floor((dim - kernel) / stride) + 1;
  const [rows, columns] = [size(height + top + bottom), size(width + left + right)];
  if (rows < 1 || columns < 1) {
    throw new GraphError('MaxPool', [x], 'the window is larger than the padded map');
  }
  return applyOne('MaxPool', [x], [n, channels, rows, columns], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads,
  });
}

/**
 * Bilinear enlargement by a whole factor with half-pixel centres (torch.nn.functional.interpolate with `bilinear` and
 * without `align_corners`): x [N, C, H, W] -> [N, C, factor H, factor W]. Beyond the border the border's value counts.
 */
export function upsampleBilinear<D extends FloatDType>(x: Value<D>, factor: number): Value<D> {
  const [n, channels, height, width] = mapDims(x, 'Resize');
  if (!Number.isInteger(factor) || factor < 1) throw new GraphError('Resize', [x], `cannot enlarge ${factor} times`);
  if (factor === 1) return x;
  const scales = constant('float32', Float32Array.of(1, 1, factor, factor), [4]);
  return applyOne('Resize', [x, undefined, scales], [n, channels, height * factor, width * factor], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
}

/** Below every number that a map holds, and finite. */
const lowest = -3e38;

/**
 * Each window gives its gradient to its largest value, the first of several: for each place in the window, the part of dy that
 * goes there is spread over the map.
 */
function maxPoolGradient(node: Node, dy: Tensor): Tensor {
  const [x, y] = [operand(node, 0), output(node, 0)];
  const { kernel_shape, strides, pads: given } = attributesOf('MaxPool', node);
  const [kernel, stride] = [itemAt(kernel_shape, 0), itemAt(strides, 0)];
  const pads = given ?? [0, 0, 0, 0];
  const [top, left, bottom, right] = [itemAt(pads, 0), itemAt(pads, 1), itemAt(pads, 2), itemAt(pads, 3)];
  const [, , height, width] = mapDims(x);
  const [, , rows, columns] = mapDims(dy);
  const padded = pad(x, [0, 0, top, left], [0, 0, bottom, right]);
  const size = [height + top + bottom, width + left + right] as const;
  const reach = (count: number): number => (count - 1) * stride + 1;
  let rest = dy;
  let sum: Tensor | undefined;
  for (let r = 0; r < kernel; r++) {
    let inRow: Tensor | undefined;
    for (let c = 0; c < kernel; c++) {
      const shifted = slice(slice(padded, 2, r, r + reach(rows), stride), 3, c, c + reach(columns), stride);
      // What is around the map never wins.
      const outside = new Float32Array(rows * columns).map((_, i) => {
        const [row, column] = [Math.floor(i / columns) * stride + r - top, (i % columns) * stride + c - left];
        return row >= 0 && row < height && column >= 0 && column < width ? 0 : lowest;
      });
      const smaller = greater(y, add(shifted, constant('float32', outside, [rows, columns])));
      const part = where(smaller, 0, rest);
      rest = where(smaller, rest, 0);
      const wide = spread(part, 3, stride, size[1], c);
      inRow = inRow === undefined ? wide : add(inRow, wide);
    }
    if (inRow === undefined) continue;
    const whole = spread(inRow, 2, stride, size[0], r);
    sum = sum === undefined ? whole : add(sum, whole);
  }
  if (sum === undefined) throw new Error('a window has at least one place');
  return slice(slice(sum, 2, top, top + height), 3, left, left + width);
}

export const maps = {
  // Subsample also becomes one, after differentiation.
  MaxPool: { gradient: ({ node, gradients: [dy] }) => [dy && maxPoolGradient(node, dy)], onnx: {} },
  Resize: { gradient: { none: 'only networks that come trained use it' }, onnx: {} },
} satisfies OperationTable;
