import { type FloatDType, GraphError, mapDims, type Node, sameShape, type Tensor, type Value } from '../graph/index.js';
import { channelMean, channelSum, flatMap, perChannel } from './channels.js';
import { add, affineByChannel, mul, neg, reciprocal, sqrt, sub } from './elementwise.js';
import { apply, applyOne, attributesOf, type OperationTable, operand, output, type Target } from './operation.js';
import { reduceMean, reduceSum } from './reduce.js';
import { slice } from './shape.js';

function checkChannels(op: string, x: Value, vectors: readonly Value[]): void {
  const channels = x.shape[1];
  if (x.shape.length !== 4 || vectors.some((t) => t.shape.length !== 1 || t.shape[0] !== channels)) {
    throw new GraphError(op, [x, ...vectors], 'x must be [N, C, H, W] and the others [C]');
  }
}

/** Batch normalisation with given statistics: (x - mean) / sqrt(variance + epsilon) * scale + bias by channel. */
export function batchNorm<D extends FloatDType>(
  x: Value<D>,
  scale: Value<D>,
  bias: Value<D>,
  mean: Value<D>,
  variance: Value<D>,
  epsilon = 1e-5,
): Value<D> {
  checkChannels('BatchNormalization', x, [scale, bias, mean, variance]);
  return applyOne('BatchNormalization', [x, scale, bias, mean, variance], x.shape, { epsilon });
}

export interface BatchNormTraining {
  readonly y: Tensor;
  /** Of this batch, [C]. */
  readonly mean: Tensor;
  /** Of this batch, [C], divided by the count (not the count less one). */
  readonly variance: Tensor;
}

/** Batch normalisation with the statistics of the batch itself, which come out too. */
export function batchNormTraining(x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): BatchNormTraining {
  checkChannels('BatchNormTraining', x, [scale, bias]);
  const float32 = (shape: Tensor['shape']) => ({ dtype: 'float32', shape }) as const;
  const node = apply('BatchNormTraining', [x, scale, bias], { epsilon }, [
    float32(x.shape),
    float32(scale.shape),
    float32(scale.shape),
  ]);
  return { y: output(node, 0), mean: output(node, 1), variance: output(node, 2) };
}

/** (x - mean) / sqrt(variance + epsilon) * scale + bias over the last axis. */
export function layerNorm<D extends FloatDType>(
  x: Value<D>,
  scale: Value<D>,
  bias: Value<D>,
  epsilon = 1e-5,
): Value<D> {
  const last = x.shape.slice(-1);
  if (x.shape.length === 0 || !sameShape(scale.shape, last) || !sameShape(bias.shape, last)) {
    throw new GraphError('LayerNormalization', [x, scale, bias], 'scale and bias must have the size of the last axis');
  }
  return applyOne('LayerNormalization', [x, scale, bias], x.shape, { epsilon, axis: -1 });
}

function lowerBatchNormTraining(node: Node, { device }: Target): Tensor[] {
  const [x, scale, bias] = [operand(node, 0), operand(node, 1), operand(node, 2)];
  const { epsilon } = attributesOf('BatchNormTraining', node);
  if (device !== 'webgpu') {
    // With momentum 0 the kernel's "running" statistics are the batch's own. It writes them over its last two inputs
    // (even where these are a caller's arrays), so those must be tensors that nothing else reads, other than another
    // kernel with the same x.
    const pixel = slice(slice(x, 2, 0, 1), 3, 0, 1);
    const spare = reduceMean(pixel, [0, 2, 3]);
    const attributes = { epsilon, momentum: 0, training_mode: 1 };
    const types = node.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
    const kernel = apply('BatchNormalization', [x, scale, bias, spare, neg(spare)], attributes, types);
    return [output(kernel, 0), output(kernel, 1), output(kernel, 2)];
  }
  const mean = channelMean(x);
  const centered = sub(x, perChannel(mean));
  const variance = channelMean(mul(centered, centered));
  return [batchNorm(x, scale, bias, mean, variance, epsilon), mean, variance];
}

/**
 * With x^ = (x - mean) / sigma: dbias = sum dy, dscale = sum dy x^, and
 * dx = scale / sigma (dy - mean(dy) - x^ mean(dy x^)), which is a dy + b x + c with numbers a, b, c by channel.
 */
function lowerBatchNormGradient(node: Node, { device }: Target): Tensor[] {
  const [dy, x, scale] = [operand(node, 0), operand(node, 1), operand(node, 2)];
  const [mean, variance] = [operand(node, 3), operand(node, 4)];
  const { epsilon } = attributesOf('BatchNormGradient', node);
  const inverse = reciprocal(sqrt(add(variance, epsilon)));
  // Sums by picture and channel first: their sums over the batch are wanted, and their means (without counting the batch).
  const [, , height, width] = mapDims(x);
  const sums = reduceSum(flatMap(dy), [2]);
  const products = reduceSum(flatMap(mul(dy, x)), [2]);
  const meanOf = (t: Tensor): Tensor => mul(reduceMean(t, [0]), 1 / (height * width));
  const dbias = reduceSum(sums, [0]);
  const dscale = mul(inverse, sub(reduceSum(products, [0]), mul(mean, dbias)));
  const meanBias = meanOf(sums);
  const meanScale = mul(inverse, sub(meanOf(products), mul(mean, meanBias)));
  const a = mul(scale, inverse);
  const b = neg(mul(mul(a, inverse), meanScale));
  const c = neg(add(mul(a, meanBias), mul(b, mean)));
  const dx =
    device === 'webgpu'
      ? add(mul(dy, perChannel(a)), add(mul(x, perChannel(b)), perChannel(c)))
      : add(affineByChannel(dy, a), affineByChannel(x, b, c));
  return [dx, dscale, dbias];
}

export const normalizations = {
  // y is affine in x, scale and bias when the statistics are given.
  BatchNormalization: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      if (wants[3] || wants[4]) {
        throw new GraphError('BatchNormalization', node.inputs, 'the given statistics are not differentiated');
      }
      const [x, scale] = [operand(node, 0), operand(node, 1)];
      const [mean, variance] = [operand(node, 3), operand(node, 4)];
      const inverse = reciprocal(sqrt(add(variance, attributesOf('BatchNormalization', node).epsilon)));
      return [
        wants[0] ? mul(dy, perChannel(mul(scale, inverse))) : undefined,
        wants[1] ? mul(channelSum(mul(dy, sub(x, perChannel(mean)))), inverse) : undefined,
        wants[2] ? channelSum(dy) : undefined,
      ];
    },
    onnx: {},
  },
  BatchNormTraining: {
    gradient: ({ node, gradients: [dy, dmean, dvariance] }) => {
      if (dmean || dvariance) throw new GraphError('BatchNormTraining', [], 'its statistics are not differentiated');
      if (!dy) return [];
      const inputs = [dy, operand(node, 0), operand(node, 1), output(node, 1), output(node, 2)];
      const types = [0, 1, 2].map((i) => ({ dtype: 'float32', shape: operand(node, i).shape }) as const);
      const { epsilon } = attributesOf('BatchNormTraining', node);
      const gradient = apply('BatchNormGradient', inputs, { epsilon }, types);
      return [output(gradient, 0), output(gradient, 1), output(gradient, 2)];
    },
    onnx: 'ours',
    lower: lowerBatchNormTraining,
  },
  BatchNormGradient: {
    gradient: { none: 'second derivatives are not needed here' },
    onnx: 'ours',
    lower: lowerBatchNormGradient,
  },
  // With x^ normalised and d = dy scale: dx = (d - mean(d) - x^ mean(d x^)) / sigma, dscale = sum dy x^, dbias = sum dy.
  LayerNormalization: {
    gradient: ({ node, gradients: [dy], wants }) => {
      if (!dy) return [];
      const [x, scale] = [operand(node, 0), operand(node, 1)];
      const centered = sub(x, reduceMean(x, [-1], true));
      const variance = reduceMean(mul(centered, centered), [-1], true);
      const inverse = reciprocal(sqrt(add(variance, attributesOf('LayerNormalization', node).epsilon)));
      const normal = mul(centered, inverse);
      const d = mul(dy, scale);
      const projected = mul(normal, reduceMean(mul(d, normal), [-1], true));
      return [
        wants[0] ? mul(sub(sub(d, reduceMean(d, [-1], true)), projected), inverse) : undefined,
        wants[1] ? mul(dy, normal) : undefined,
        wants[2] ? dy : undefined,
      ];
    },
    onnx: {},
  },
} satisfies OperationTable;
