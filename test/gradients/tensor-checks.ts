import * as ops from '../../src/ops/index.js';
import { awayFromZero, type Check, check, clearOf, farApart, nearZero, normal, positive } from './check.js';
import { erf64, map64 } from './references.js';

const half = Math.SQRT1_2;

/** Elementwise operations, shapes and reductions. */
export const tensorChecks: readonly Check[] = [
  check('add, second broadcast', [normal('N', 3, 4), normal(4)], ops.add),
  check('add, first broadcast', [normal(4), normal('N', 3, 4)], ops.add),
  check('add, both broadcast', [normal(3, 1), normal(1, 4)], ops.add),
  check('add, over the batch', [normal('N', 2), normal(1, 2)], ops.add),
  check('add, a scalar', [normal('N', 2), normal()], ops.add),
  check('add, a number', [normal('N', 2)], (x) => ops.add(2, x)),
  check('sub', [normal('N', 3, 1), normal(3, 4)], ops.sub),
  check('mul', [normal('N', 3, 4), normal(3, 1)], ops.mul),
  check('mul, first broadcast', [normal(1, 4), normal('N', 1)], ops.mul),
  check('div', [normal(4), positive('N', 4)], ops.div),
  check('div, second broadcast', [normal('N', 4), positive(1)], ops.div),
  check('subsample, odd sizes', [normal('N', 2, 5, 7)], (x) => ops.subsample(x, 2, 3)),
  check('subsample, columns only', [normal('N', 2, 3, 4)], (x) => ops.subsample(x, 1, 2)),
  check('subsample, rows only', [normal('N', 2, 4, 3)], (x) => ops.subsample(x, 2, 1)),
  check('maxPool2d', [farApart('N', 2, 4, 6)], (x) => ops.maxPool2d(x, { kernel: 2 })),
  check('maxPool2d, windows that overlap', [farApart('N', 1, 4, 5)], (x) => ops.maxPool2d(x, { kernel: 3, stride: 1 })),
  check('maxPool2d, as ResNet begins', [farApart('N', 2, 6, 5)], (x) =>
    ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }),
  ),
  check('maxPool2d, uneven padding and stride 3', [farApart('N', 1, 7, 6)], (x) =>
    ops.maxPool2d(x, { kernel: 3, stride: 3, padding: { top: 2, left: 0, bottom: 1, right: 1 } }),
  ),
  check('minimum', [awayFromZero('N', 5), nearZero(5)], ops.minimum),
  check('minimum, first broadcast', [nearZero(1, 5), awayFromZero('N', 5)], ops.minimum),
  check(
    'neg',
    [normal('N', 2)],
    ops.neg,
    map64((x) => -x),
  ),
  check('exp', [normal('N', 2)], ops.exp, map64(Math.exp)),
  check('log', [positive('N', 2)], ops.log, map64(Math.log)),
  check('sqrt', [positive('N', 2)], ops.sqrt, map64(Math.sqrt)),
  check(
    'reciprocal',
    [positive('N', 2)],
    ops.reciprocal,
    map64((x) => 1 / x),
  ),
  check('erf', [normal('N', 2)], ops.erf, map64(erf64)),
  check(
    'sigmoid',
    [normal('N', 2)],
    ops.sigmoid,
    map64((x) => 1 / (1 + Math.exp(-x))),
  ),
  check(
    'relu',
    [awayFromZero('N', 4)],
    ops.relu,
    map64((x) => Math.max(0, x)),
  ),
  check(
    'gelu',
    [normal('N', 4)],
    ops.gelu,
    map64((x) => (x / 2) * (1 + erf64(x * half))),
  ),
  check('identity', [normal('N', 2)], ops.identity),
  check('clampMax', [awayFromZero('N', 5)], (x) => ops.clampMax(x, 0)),
  check(
    'clampMax, with a least value',
    [clearOf(-0.4, 0.6)('N', 5)],
    (x) => ops.clampMax(x, 0.6, -0.4),
    map64((x) => Math.min(0.6, Math.max(-0.4, x))),
  ),
  check('prelu of a fixed slope', [awayFromZero('N', 2, 3, 3), positive(2, 1, 1)], (x, slope) =>
    ops.prelu(x, slope, { fixed: true }),
  ),
  check('prelu of a fixed slope at most 1', [awayFromZero('N', 2, 3, 3), nearZero(2, 1, 1)], (x, slope) =>
    ops.prelu(x, slope, { fixed: true, atMostOne: true }),
  ),
  check('prelu', [awayFromZero('N', 2, 3, 3), positive(2, 1, 1)], ops.prelu),
  check('where, all broadcast', [awayFromZero(8), normal('N', 1), normal(1, 8), normal('N', 1)], (c, x, y, z) =>
    ops.where(ops.greater(c, 0), ops.mul(x, y), z),
  ),
  check('values used several times', [normal('N', 3), normal(3)], (x, w) => {
    const y = ops.mul(ops.mul(x, w), x);
    return ops.add(ops.mul(y, y), ops.add(x, ops.sub(y, ops.mul(x, w))));
  }),

  check('reshape', [normal('N', 2, 3)], (x) => ops.mul(ops.reshape(x, ['6N']), ops.reshape(x, ['6N']))),
  check('transpose', [normal('N', 2, 3)], (x) => ops.transpose(x, [2, 0, 1])),
  check('transpose, two axes swapped', [normal('N', 2, 3)], (x) => ops.transpose(x, [0, 2, 1])),
  check('concat', [normal('N', 1, 2), normal('N', 3, 2), normal('N', 2, 2)], (...x) => ops.concat(x, 1)),
  check('concat, first axis', [normal(2, 'N'), normal(1, 'N')], (x, y) => ops.concat([x, y], 0)),
  check('concat, last axis, one of them twice', [normal('N', 2), normal('N', 1)], (x, y) => ops.concat([x, y, x], -1)),
  check('slice, inside', [normal('N', 5, 2)], (x) => ops.slice(x, 1, 1, 4)),
  check('slice, from the start', [normal('N', 5)], (x) => ops.slice(x, 1, 0, 2)),
  check('slice, step 2, odd size', [normal('N', 7, 2)], (x) => ops.slice(x, 1, 0, 7, 2)),
  check('slice, step 2, even size, later start', [normal('N', 6, 2)], (x) => ops.slice(x, 1, 1, 6, 2)),
  check('slice, step 3, later start, earlier end', [normal('N', 2, 11)], (x) => ops.slice(x, -1, 2, 9, 3)),
  check('slice, a step beyond the end', [normal('N', 5)], (x) => ops.slice(x, 1, 3, 5, 4)),
  check('slice, a step before the batch axis', [normal(5, 'N', 2)], (x) => ops.slice(x, 0, 1, 5, 2)),
  check('pad, before only', [normal('N', 3)], (x) => ops.pad(x, [0, 2], [])),
  check('pad, behind only', [normal('N', 3)], (x) => ops.pad(x, [], [0, 2])),
  check('pad', [normal('N', 2, 3)], (x) => ops.pad(x, [0, 1, 2], [0, 0, 1])),
  check('expandAs, over the batch', [normal(1, 1, 3), normal('N', 2, 3)], ops.expandAs),
  check('expandAs, fixed, fewer axes', [normal(3), normal(2, 3)], ops.expandAs),

  check('reduceSum', [normal('N', 2, 3)], (x) => ops.reduceSum(x, [0, 2])),
  check('reduceSum, one axis', [normal('N', 2, 3)], (x) => ops.reduceSum(x, [1])),
  check('reduceSum, one axis kept', [normal('N', 2, 3)], (x) => ops.reduceSum(x, [0], true)),
  check('reduceSum, axes kept', [normal('N', 2, 3)], (x) => ops.reduceSum(x, [-1, 1], true)),
  check('reduceMean', [normal('N', 2, 3)], (x) => ops.reduceMean(x, [1])),
  check('reduceMean, batch axis', [normal('N', 2, 3)], (x) => ops.reduceMean(x, [0])),
  check('reduceMean, batch axis and others, kept', [normal('N', 2, 3, 2)], (x) => ops.reduceMean(x, [0, 2, 3], true)),
  check('reduceMean, a multiple of the batch', [normal('N', 2, 3)], (x) =>
    ops.reduceMean(ops.reshape(x, ['2N', 3]), [0]),
  ),
  check('reduceMean, everything', [normal('N', 2)], (x) => ops.reduceMean(x, [0, 1])),
  check('reduceMean, batch alone', [normal('N')], (x) => ops.reduceMean(x, [0])),
];
