import * as ops from '../../src/ops/index.js';
import { batch, type Check, check, fixed, normal, positive } from './check.js';
import {
  batchNorm64,
  conv64,
  crossEntropy64,
  layerNorm64,
  linear64,
  relativePositionBias64,
  softmax64,
} from './references.js';

interface ConvCase {
  readonly what: string;
  readonly in: number;
  readonly out: number;
  readonly size: readonly [number, number];
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly depthwise?: true;
  /** Groups of more than one channel, whose weight is not differentiated. */
  readonly groups?: number;
  /** The weight stays as it is. */
  readonly fixed?: true;
}

const convCases: readonly ConvCase[] = [
  { what: '3x3', in: 2, out: 3, size: [5, 6], kernel: 3, padding: 1 },
  { what: '3x3, no padding', in: 2, out: 3, size: [5, 4], kernel: 3 },
  { what: '3x3, stride 2, odd size', in: 2, out: 2, size: [7, 5], kernel: 3, stride: 2, padding: 1 },
  { what: '3x3, stride 2, even size', in: 2, out: 2, size: [6, 8], kernel: 3, stride: 2, padding: 1 },
  { what: '3x3, stride 2, no padding, a row unread', in: 1, out: 2, size: [6, 7], kernel: 3, stride: 2 },
  { what: '3x3, stride 3', in: 2, out: 2, size: [8, 7], kernel: 3, stride: 3, padding: 1 },
  { what: '3x3, a map of one pixel', in: 2, out: 2, size: [1, 1], kernel: 3, padding: 1 },
  { what: '5x5', in: 2, out: 2, size: [5, 6], kernel: 5, padding: 2 },
  { what: '1x1', in: 3, out: 2, size: [3, 4], kernel: 1 },
  { what: '1x1, stride 2, odd size', in: 3, out: 2, size: [5, 3], kernel: 1, stride: 2 },
  { what: '1x1, stride 2, even size', in: 3, out: 2, size: [4, 6], kernel: 1, stride: 2 },
  { what: '1x1, padding', in: 2, out: 2, size: [3, 4], kernel: 1, padding: 1 },
  { what: '1x1, padding, stride 2', in: 2, out: 2, size: [3, 4], kernel: 1, padding: 1, stride: 2 },
  // Many channels on a small map, few on a large one, and a picture's: the weight gradient is computed differently.
  { what: '3x3, deep and small', in: 20, out: 18, size: [3, 4], kernel: 3, padding: 1 },
  { what: '3x3, deep and small, stride 2', in: 20, out: 18, size: [5, 4], kernel: 3, stride: 2, padding: 1 },
  { what: '3x3, deep, a map of one pixel', in: 16, out: 17, size: [1, 1], kernel: 3, padding: 1 },
  { what: '3x3, deep, stride 2, one pixel', in: 16, out: 17, size: [1, 2], kernel: 3, stride: 2, padding: 1 },
  { what: '1x1, deep and small', in: 24, out: 20, size: [3, 2], kernel: 1 },
  { what: '3x3, shallow and large', in: 16, out: 2, size: [13, 11], kernel: 3, padding: 1 },
  { what: '3x3, shallow and large, stride 2', in: 16, out: 2, size: [13, 12], kernel: 3, stride: 2, padding: 1 },
  // Whole blocks of channels: computed in the layout of the processor's own convolutions where it has some.
  { what: '3x3, in blocks', in: 32, out: 48, size: [3, 4], kernel: 3, padding: 1 },
  { what: '3x3, in blocks, no padding', in: 16, out: 32, size: [4, 5], kernel: 3 },
  { what: '3x3, in blocks, stride 2, even size', in: 16, out: 32, size: [6, 4], kernel: 3, stride: 2, padding: 1 },
  { what: '3x3, in blocks, stride 2, odd size', in: 16, out: 32, size: [5, 4], kernel: 3, stride: 2, padding: 1 },
  { what: '5x5, in blocks, stride 2', in: 16, out: 16, size: [6, 4], kernel: 5, stride: 2, padding: 2 },
  { what: '2x2, in blocks, stride 2', in: 16, out: 16, size: [4, 4], kernel: 2, stride: 2 },
  { what: '3x3, in blocks, stride 3', in: 16, out: 16, size: [6, 3], kernel: 3, stride: 3, padding: 1 },
  // Many channels: tiles of outputs at once, of two, three and four pixels a side.
  { what: '3x3, in tiles of two', in: 64, out: 64, size: [2, 2], kernel: 3, padding: 1 },
  { what: '3x3, in tiles of three', in: 64, out: 72, size: [3, 5], kernel: 3, padding: 1 },
  { what: '3x3, in tiles of four', in: 72, out: 64, size: [8, 4], kernel: 3, padding: 1 },
  { what: '1x1, in blocks', in: 32, out: 16, size: [2, 3], kernel: 1 },
  { what: '1x1, in blocks, stride 2', in: 32, out: 16, size: [4, 3], kernel: 1, stride: 2 },
  { what: '3x3, a large picture', in: 1, out: 2, size: [33, 31], kernel: 3, padding: 1 },
  { what: 'depthwise', in: 3, out: 3, size: [4, 5], kernel: 3, padding: 1, depthwise: true },
  { what: 'depthwise, stride 2', in: 3, out: 3, size: [5, 6], kernel: 3, stride: 2, padding: 1, depthwise: true },
  { what: 'depthwise, large', in: 2, out: 2, size: [9, 8], kernel: 3, padding: 1, depthwise: true },
  {
    what: 'depthwise, large, stride 2',
    in: 2,
    out: 2,
    size: [9, 10],
    kernel: 3,
    stride: 2,
    padding: 1,
    depthwise: true,
  },
  { what: 'depthwise, in blocks', in: 16, out: 16, size: [4, 5], kernel: 3, padding: 1, depthwise: true },
  {
    what: 'depthwise, in blocks, stride 2',
    in: 16,
    out: 16,
    size: [6, 4],
    kernel: 3,
    stride: 2,
    padding: 1,
    depthwise: true,
  },
  { what: 'in groups', in: 4, out: 6, size: [4, 5], kernel: 3, padding: 1, groups: 2 },
  { what: 'in groups, stride 2', in: 4, out: 2, size: [5, 6], kernel: 3, stride: 2, padding: 1, groups: 2 },
  { what: 'in groups of a channel, two outputs each', in: 2, out: 4, size: [4, 3], kernel: 3, padding: 1, groups: 2 },
  { what: 'a fixed weight', in: 2, out: 3, size: [5, 6], kernel: 3, padding: 1, fixed: true },
  { what: 'a fixed weight, in blocks', in: 16, out: 16, size: [4, 4], kernel: 3, stride: 2, padding: 1, fixed: true },
  { what: 'depthwise, no padding, whole map', in: 3, out: 3, size: [3, 3], kernel: 3, depthwise: true },
];

function convCheck(c: ConvCase, withBias: boolean): Check {
  const { stride = 1, padding = 0, kernel } = c;
  const groups = c.depthwise ? c.in : (c.groups ?? 1);
  const [height, width] = c.size;
  const sizes = { n: batch, in: c.in, out: c.out, height, width, kernel, stride, padding, groups };
  const x = normal('N', c.in, height, width);
  const drawn = normal(c.out, c.in / groups, kernel, kernel);
  const weight = c.groups === undefined && !c.fixed ? drawn : fixed(drawn);
  const options = { stride, padding, groups, fixed: c.fixed ?? false };
  return withBias
    ? check(
        `conv2d with bias, ${c.what}`,
        [x, weight, normal(c.out)],
        (...t) => ops.conv2d(...t, options),
        (...t) => conv64(sizes, ...t),
      )
    : check(
        `conv2d, ${c.what}`,
        [x, weight],
        (a, w) => ops.conv2d(a, w, undefined, options),
        (...t) => conv64(sizes, ...t),
      );
}

/** Layers of networks. */
export const networkChecks: readonly Check[] = [
  check('matmul', [normal('N', 3), normal(3, 2)], ops.matmul),
  check('matmul, batch of both', [normal('N', 2, 3, 4), normal('N', 2, 4, 2)], ops.matmul),
  check('matmul, second broadcast', [normal('N', 2, 3), normal(3, 2)], ops.matmul),
  check('matmul, first broadcast', [normal(2, 3), normal('N', 3, 2)], ops.matmul),
  check('matmul, both broadcast', [normal('N', 1, 2, 3), normal(2, 3, 2)], ops.matmul),
  check('linear, rank 2', [normal('N', 4), normal(3, 4), normal(3)], ops.linear, (...t) => linear64(4, ...t)),
  check('linear, rank 3', [normal('N', 2, 4), normal(3, 4), normal(3)], ops.linear, (...t) => linear64(4, ...t)),
  check('linear, rank 4', [normal('N', 2, 2, 4), normal(3, 4), normal(3)], ops.linear, (...t) => linear64(4, ...t)),
  check('linear, no bias', [normal('2N', 2, 4), normal(3, 4)], ops.linear),
  check('linear, one row', [normal(4), normal(3, 4), normal(3)], ops.linear, (...t) => linear64(4, ...t)),

  ...convCases.map((c) => convCheck(c, false)),
  ...convCases.slice(0, 3).map((c) => convCheck(c, true)),

  check(
    'batchNorm',
    [normal('N', 2, 3, 3), normal(2), normal(2), fixed(normal(2)), fixed(positive(2))],
    ops.batchNorm,
    (x, scale, bias, mean, variance) => batchNorm64([batch, 2, 9], x, scale, bias, { mean, variance }),
  ),
  check(
    'batchNorm, a large epsilon',
    [normal('N', 2, 3, 3), normal(2), normal(2), fixed(normal(2)), fixed(positive(2))],
    (x, scale, bias, mean, variance) => ops.batchNorm(x, scale, bias, mean, variance, 0.5),
    (x, scale, bias, mean, variance) => batchNorm64([batch, 2, 9], x, scale, bias, { mean, variance }, 0.5),
  ),
  check(
    'batchNormTraining, a large epsilon',
    [normal('N', 2, 3, 2), normal(2), normal(2)],
    (...t) => ops.batchNormTraining(...t, 0.5).y,
    (...t) => batchNorm64([batch, 2, 6], ...t, undefined, 0.5),
  ),
  check(
    'batchNormTraining',
    [normal('N', 2, 3, 2), normal(2), normal(2)],
    (...t) => ops.batchNormTraining(...t).y,
    (...t) => batchNorm64([batch, 2, 6], ...t),
  ),
  // The CPU's kernel writes statistics over two of its inputs: kernels must not spoil each other's.
  check(
    'batchNormTraining, of one map twice and with one scale twice',
    [normal('N', 2, 2, 2), normal(2), normal(2), normal(2)],
    (x, scale, bias, other) => {
      const first = ops.batchNormTraining(x, scale, bias).y;
      const second = ops.batchNormTraining(x, other, bias).y;
      return ops.mul(first, ops.batchNormTraining(ops.mul(second, x), scale, bias).y);
    },
    (x, scale, bias, other) => {
      const normalized = (map: Float64Array, by: Float64Array) => batchNorm64([batch, 2, 4], map, by, bias);
      const times = (a: Float64Array, b: Float64Array) => a.map((value, i) => value * (b[i] ?? Number.NaN));
      return times(normalized(x, scale), normalized(times(normalized(x, other), x), scale));
    },
  ),
  check('layerNorm', [normal('N', 6), normal(6), normal(6)], ops.layerNorm, (...t) => layerNorm64(6, ...t)),
  check(
    'layerNorm, a large epsilon',
    [normal('N', 6), normal(6), normal(6)],
    (...t) => ops.layerNorm(...t, 0.5),
    (...t) => layerNorm64(6, ...t, 0.5),
  ),
  check('layerNorm, rank 3', [normal('N', 2, 5), normal(5), normal(5)], ops.layerNorm, (...t) => layerNorm64(5, ...t)),

  check('softmax', [normal('N', 4)], ops.softmax, (x) => softmax64(4, x)),
  check('softmax, rank 4', [normal('N', 2, 2, 3)], ops.softmax, (x) => softmax64(3, x)),
  check('softmaxCrossEntropy', [normal('N', 5), positive('N', 5)], ops.softmaxCrossEntropy, (...t) =>
    crossEntropy64(5, ...t),
  ),
  check(
    'relativePositionBias',
    [normal(25, 2)],
    (t) => ops.relativePositionBias(t, 3),
    (t) => relativePositionBias64(3, 2, t),
  ),
  check(
    'relativePositionBias, window of 2',
    [normal(9, 3)],
    (t) => ops.relativePositionBias(t, 2),
    (t) => relativePositionBias64(2, 3, t),
  ),

  check(
    'relativePositionBias, window of 1',
    [normal(1, 2)],
    (t) => ops.relativePositionBias(t, 1),
    (t) => relativePositionBias64(1, 2, t),
  ),

  check('attention', [normal('N', 4, 6), normal(18, 6), normal(18), normal(9, 2)], (x, weight, bias, table) => {
    const qkv = ops.transpose(ops.reshape(ops.linear(x, weight, bias), ['N', 4, 3, 2, 3]), [2, 0, 3, 1, 4]);
    const part = (i: number) => ops.reshape(ops.slice(qkv, 0, i, i + 1), ['N', 2, 4, 3]);
    const scores = ops.mul(ops.matmul(part(0), ops.transposeLast(part(1))), 3 ** -0.5);
    return ops.matmul(ops.softmax(ops.add(scores, ops.relativePositionBias(table, 2))), part(2));
  }),
];
