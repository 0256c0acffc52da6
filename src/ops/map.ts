import { constant, type FloatDType, GraphError, mapDims, type Value } from '../graph/index.js';
import { type Padding, padsOf } from './convolution.js';
import { applyOne, type OperationTable } from './operation.js';

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

const inferenceOnly = 'only networks that come trained use it';

export const maps = {
  // Subsample also becomes one, after differentiation.
  MaxPool: { gradient: { none: inferenceOnly }, onnx: {} },
  Resize: { gradient: { none: inferenceOnly }, onnx: {} },
} satisfies OperationTable;
