import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphError, input, parameter, type Shape, type Tensor, type Value } from '../graph/index.js';
import * as ops from './index.js';

const t = (...shape: Shape): Tensor => input('t', 'float32', shape);
const channels = t('N', 2, 4, 4);

/** What must not fit, and the operation and shapes that the message must name. */
const mistakes: readonly (readonly [make: () => Value | ops.BatchNormTraining, message: RegExp])[] = [
  [() => ops.add(t(2, 3), t(2)), /^Add\(float32\[2, 3\], float32\[2\]\): the shapes do not broadcast/],
  [() => ops.mul(t('N'), t(3)), /^Mul\(float32\[N\], float32\[3\]\)/],
  [() => ops.minimum(t('2N'), t('N')), /^Min\(float32\[2N\], float32\[N\]\)/],
  [() => ops.prelu(t(1, 3), t(4, 3)), /^PRelu\(float32\[1, 3\], float32\[4, 3\]\)/],
  [() => ops.prelu(t(3), t(1, 3)), /^PRelu\(float32\[3\], float32\[1, 3\]\)/],
  [() => ops.greater(t(2), t(3)), /^Greater\(float32\[2\], float32\[3\]\)/],
  [() => ops.where(ops.greater(t(2), 0), t(3), 0), /^Where\(bool\[2\], float32\[3\], float32\[\]\)/],
  [() => ops.reshape(t('N', 6), ['N', 4]), /^Reshape\(float32\[N, 6\]\): the elements do not fill \[N, 4\]/],
  [() => ops.reshape(t('N', 6), [6]), /^Reshape/],
  [() => ops.transpose(t(2, 3), [0, 0]), /^Transpose\(float32\[2, 3\]\): \[0, 0\] is not a permutation/],
  [() => ops.transpose(t(2, 3), [0]), /^Transpose/],
  [() => ops.concat([], 0), /^Concat: nothing to join/],
  [() => ops.concat([t(2, 3), t(2, 4)], 0), /^Concat\(float32\[2, 3\], float32\[2, 4\]\): .* axis 0/],
  [() => ops.concat([t(2, 3), t(2)], 1), /^Concat/],
  [() => ops.concat([t('N', 3), t('N', 3)], 0), /^Concat/],
  [() => ops.concat([t(2)], 1), /^Concat\(float32\[2\]\): axis 1 does not exist in a tensor of rank 1/],
  [() => ops.slice(t(2, 5), 1, 0, 6), /^Slice\(float32\[2, 5\]\): \[0, 6\) in steps of 1 does not fit axis 1/],
  [() => ops.slice(t(5), 0, 3, 3), /^Slice/],
  [() => ops.slice(t(5), 0, -1, 3), /^Slice/],
  [() => ops.slice(t(5), 0, 0, 3, 0), /^Slice/],
  [() => ops.slice(t(5), 0, 0.5, 3), /^Slice/],
  [() => ops.slice(t('N'), 0, 0, 1), /^Slice\(float32\[N\]\)/],
  [() => ops.slice(t(5), 2, 0, 1), /^Slice\(float32\[5\]\): axis 2 does not exist/],
  [() => ops.pad(t('N', 3), [1, 0], []), /^Pad\(float32\[N, 3\]\): the batch axis cannot be padded/],
  [() => ops.pad(t(3), [-1], [1]), /^Pad\(float32\[3\]\): \[-1\] and \[1\] are not counts of zeros/],
  [() => ops.pad(t(3), [0, 1], []), /^Pad/],
  [() => ops.expandAs(t(2), t(3)), /^ExpandAs\(float32\[2\], float32\[3\]\)/],
  [() => ops.expandAs(t(2, 3), t(3)), /^ExpandAs/],
  [() => ops.gather(t(3, 2), Int32Array.of(3), [1], 0), /^Gather\(float32\[3, 2\]\): an index is outside axis 0/],
  [() => ops.gather(t('N'), Int32Array.of(0), [1], 0), /^Gather/],
  [() => ops.reduceSum(t(3), [1]), /^ReduceSum\(float32\[3\]\): axis 1 does not exist/],
  [() => ops.reduceMean(t(3), [-2]), /^ReduceMean/],
  [() => ops.matmul(t(2, 3), t(2, 3)), /^MatMul\(float32\[2, 3\], float32\[2, 3\]\): the inner/],
  [() => ops.matmul(t(3), t(3, 2)), /^MatMul/],
  [() => ops.matmul(t(2, 3, 4), t(5, 4, 3)), /^MatMul/],
  [() => ops.linear(t('N', 3), t(4, 2)), /^Linear\(float32\[N, 3\], float32\[4, 2\], none\): the weight must be/],
  [() => ops.linear(t('N', 3), t(4, 3), t(4, 1)), /^Linear/],
  [() => ops.conv2d(channels, t(4, 3, 3, 3)), /^Conv\(float32\[N, 2, 4, 4\], float32\[4, 3, 3, 3\], none\): x must be/],
  [() => ops.conv2d(channels, t(4, 2, 3, 1)), /^Conv/],
  [() => ops.conv2d(channels, t(4, 2, 3, 3), t(3)), /^Conv/],
  [() => ops.conv2d(channels, t(4, 2, 5, 5)), /^Conv.*: the kernel is larger than the padded map/],
  [() => ops.conv2d(channels, t(3, 1, 3, 3), undefined, { groups: 2 }), /^Conv/],
  [() => ops.conv2d(channels, t(4, 2, 3, 3), undefined, { stride: 0 }), /^Conv.*: stride 0, padding 0, groups 1/],
  [
    () => ops.conv2d(channels, t(4, 2, 3, 3), undefined, { padding: { top: 0, left: 0, bottom: 1, right: -1 } }),
    /^Conv.*: stride 1, padding 0, 0, 1, -1, groups 1/,
  ],
  [() => ops.maxPool2d(t(2, 4, 4), { kernel: 2 }), /^MaxPool\(float32\[2, 4, 4\]\): x must be \[N, C, H, W\]/],
  [() => ops.maxPool2d(channels, { kernel: 5 }), /^MaxPool.*: the window is larger than the padded map/],
  [() => ops.maxPool2d(channels, { kernel: 2, padding: 2 }), /^MaxPool.*: kernel 2, stride 2, padding 2, 2, 2, 2/],
  [() => ops.upsampleBilinear(t(2, 4), 2), /^Resize\(float32\[2, 4\]\): x must be/],
  [() => ops.upsampleBilinear(channels, 1.5), /^Resize.*: cannot enlarge 1.5 times/],
  [
    () => ops.batchNorm(channels, t(2), t(2), t(2), t(3)),
    /^BatchNormalization\(float32\[N, 2, 4, 4\], .*float32\[3\]\)/,
  ],
  [() => ops.batchNormTraining(t('N', 2), t(2), t(2)), /^BatchNormTraining/],
  [() => ops.layerNorm(t('N', 4), t(3), t(3)), /^LayerNormalization\(float32\[N, 4\], float32\[3\], float32\[3\]\)/],
  [() => ops.layerNorm(t('N', 4), t(4, 1), t(4)), /^LayerNormalization/],
  [() => ops.softmax(t()), /^Softmax\(float32\[\]\): axis -1 does not exist/],
  [() => ops.softmaxCrossEntropy(t('N', 3), t('N', 4)), /^SoftmaxCrossEntropy\(float32\[N, 3\], float32\[N, 4\]\)/],
  [() => ops.softmaxCrossEntropy(t(3), t(3)), /^SoftmaxCrossEntropy/],
  [
    () => ops.relativePositionBias(t(24, 2), 3),
    /^RelativePositionBias\(float32\[24, 2\]\): a window of 3 needs .* 25 rows/,
  ],
];

test('tensors that do not fit are refused, and the message names the operation and what it saw', () => {
  for (const [make, message] of mistakes) {
    assert.throws(make, (error: Error) => {
      assert.ok(error instanceof GraphError, `${make}: ${error.stack}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('what changes nothing adds no node', () => {
  const x = t('N', 4);
  for (const same of [
    ops.reshape(x, ['N', 4]),
    ops.transpose(x, [0, 1]),
    ops.slice(x, 1, 0, 4),
    ops.pad(x, [0, 0], [0, 0]),
    ops.expandAs(x, t('N', 4)),
    ops.reduceSum(x, []),
  ]) {
    assert.equal(same, x);
  }
});

test('an axis given twice counts once', () => {
  assert.deepEqual(ops.reduceSum(t('N', 4, 5), [1, -2]).shape, ['N', 5]);
});

test('the families of operations make up the whole table', () => {
  assert.deepEqual(Object.keys(ops.operations).sort(), [...ops.operationNames].sort());
  assert.equal(new Set(ops.operationNames).size, ops.operationNames.length);
  const families = [ops.elementwise, ops.shaping, ops.reductions, ops.linearAlgebra, ops.convolutions];
  const rest = [ops.conversions, ops.maps, ops.normalizations, ops.softmaxes];
  const names = [...families, ...rest].flatMap((family) => Object.keys(family));
  assert.equal(new Set(names).size, names.length, 'an operation is in two families');
  assert.throws(() => ops.operationOf('Convolve'), /no operation called 'Convolve'/);
  assert.throws(() => ops.operationOf('toString'), /no operation called 'toString'/);
});

test('names of operations are checked by the compiler', () => {
  // @ts-expect-error: not the name of an operation
  const name: ops.OperationName = 'Convolution';
  assert.ok(!ops.operationNames.includes(name));
  assert.equal(parameter('w', [2]).dtype, 'float32');
});
