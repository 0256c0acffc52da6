import { itemAt } from '../../src/common/item-at.js';
import {
  constant,
  type Dim,
  elements,
  type Graph,
  GraphError,
  graph,
  input,
  type Tensor,
} from '../../src/graph/index.js';
import {
  add,
  concat,
  conv2d,
  maxPool2d,
  type Padding,
  pad,
  relu,
  reshape,
  transpose,
  upsampleBilinear,
} from '../../src/ops/index.js';
import { FormatError } from './flatbuffer.js';
import {
  type Activation,
  type Border,
  floatsOf,
  integersOf,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
  type Window,
} from './tflite.js';

export interface GraphOptions {
  /** Height and width of the picture; default: as in the file. Networks without a dense layer take others too. */
  readonly size?: readonly [height: number, width: number];
  /** Names of the tensors to put out; default: the model's outputs. Only what they need is built. */
  readonly outputs?: readonly string[];
}

/**
 * A model over one picture as a graph of ours: input `pixel_values` [N, C, H, W], outputs by the names of the tensors,
 * maps as [N, C, H, W], what was reshaped in the file's own layout. Weights are constants.
 * @throws FormatError or GraphError where operators and tensors do not fit together.
 */
export function tfliteGraph(model: TfliteModel, options: GraphOptions = {}): Graph {
  const builder = new Builder(model, options.size);
  const names = options.outputs ?? model.outputs.map((index) => tensorAt(model, index).name);
  return graph(Object.fromEntries(names.map((name) => [name, builder.named(name)])));
}

function tensorAt(model: TfliteModel, index: number | undefined): TfliteTensor {
  const tensor = index === undefined ? undefined : model.tensors[index];
  if (tensor === undefined) throw new FormatError(`an operator has no such tensor: ${index}`);
  return tensor;
}

/** Deepest chain of operators: each is a call of a function here. */
const maxDepth = 1000;

class Builder {
  readonly #model: TfliteModel;
  readonly #producers: ReadonlyMap<number, TfliteOperator>;
  readonly #built = new Map<number, Tensor>();
  #depth = 0;

  constructor(model: TfliteModel, size: GraphOptions['size']) {
    this.#model = model;
    this.#producers = new Map(model.operators.map((operator) => [operator.output, operator]));
    const [first, ...others] = model.inputs;
    const [, height, width, channels, ...more] = tensorAt(model, first).shape;
    if (first === undefined || others.length > 0 || height === undefined || width === undefined || more.length > 0) {
      throw new FormatError('its input is not one picture [1, H, W, C]');
    }
    const [h, w] = size ?? [height, width];
    this.#built.set(first, input('pixel_values', 'float32', ['N', channels ?? 1, h, w]));
  }

  named(name: string): Tensor {
    const index = this.#model.tensors.findIndex((tensor) => tensor.name === name);
    if (index === -1) throw new FormatError(`it has no tensor ${name}`);
    return this.#value(index);
  }

  /** A tensor that is computed, built at first need. */
  #value(index: number | undefined): Tensor {
    const found = this.#built.get(index ?? -1);
    if (found !== undefined) return found;
    const operator = this.#producers.get(index ?? -1);
    if (index === undefined || operator === undefined) throw new FormatError(`tensor ${index} is not computed`);
    if (++this.#depth > maxDepth) throw new FormatError(`more than ${maxDepth} operators follow each other`);
    const value = this.#apply(operator);
    this.#depth--;
    this.#built.set(index, value);
    return value;
  }

  #apply({ operation, inputs, output }: TfliteOperator): Tensor {
    const [first, second, third] = inputs;
    switch (operation.kind) {
      case 'convolution':
        return this.#convolution(inputs, operation);
      case 'depthwise convolution': {
        const x = this.#value(first);
        const [weight, shape] = this.#weight(second);
        const [one, kh = 1, kw = 1, out = 1] = shape;
        if (one !== 1) throw new FormatError(`the weight of a depthwise convolution has shape [${shape}]`);
        const w = constant('float32', permuted(weight, [1, kh, kw, out], [3, 0, 1, 2]), [out, 1, kh, kw]);
        return this.#convolve(x, w, this.#bias(third), operation, kh, channelsOf(x));
      }
      case 'max pool': {
        const x = this.#value(first);
        const [kernel, across] = operation.kernel;
        const [stride, sideways] = operation.stride;
        if (kernel !== across || stride !== sideways) throw new FormatError('a pooling window is not square');
        const padding = paddingOf(x, operation.border, kernel, stride);
        return activated(maxPool2d(x, { kernel, stride, padding }), operation.activation);
      }
      case 'add':
        return this.#sum(first, second, operation.activation);
      case 'concatenation':
        return activated(this.#concatenate(inputs, operation.axis), operation.activation);
      case 'relu': {
        const before = this.#producers.get(first ?? -1);
        if (before?.operation.kind !== 'add' || before.operation.activation !== 'none') return relu(this.#value(first));
        return this.#sum(before.inputs[0], before.inputs[1], 'relu');
      }
      case 'pad':
        return this.#pad(first, second);
      case 'bilinear resize':
        return this.#resize(first, output);
      case 'reshape':
        return flattened(this.#value(first), tensorAt(this.#model, output));
      case 'dequantize':
        throw new FormatError('it dequantises what is computed, which is not supported');
    }
  }

  /** @param filters which of its output channels; default: all */
  #convolution(
    [first, second, third]: readonly number[],
    window: Window,
    filters: readonly [from: number, to: number] = [0, Number.POSITIVE_INFINITY],
  ): Tensor {
    const x = this.#value(first);
    const [weight, [out = 1, kh = 1, kw = 1, per = 1]] = this.#weight(second);
    const [from, to] = [Math.min(filters[0], out), Math.min(filters[1], out)];
    const size = kh * kw * per;
    const values = permuted(weight.subarray(from * size, to * size), [to - from, kh, kw, per], [0, 3, 1, 2]);
    const w = constant('float32', values, [to - from, per, kh, kw]);
    return this.#convolve(x, w, this.#bias(third)?.subarray(from, to), window, kh, 1);
  }

  /**
   * Where a map with more channels is added to one that was padded with channels of zeros, only the channels that both have are
   * added. The runtime then does it within the convolution, in its own layout, and neither pads nor reorders maps.
   */
  #sum(first: number | undefined, second: number | undefined, activation: Activation): Tensor {
    for (const [wide, narrow] of [
      [first, second],
      [second, first],
    ] as const) {
      const convolution = this.#producers.get(wide ?? -1);
      const x = this.#beforeChannelPadding(narrow);
      if (convolution?.operation.kind !== 'convolution' || convolution.operation.activation !== 'none') continue;
      if (x === undefined) continue;
      const { inputs, operation } = convolution;
      const common = channelsOf(x);
      const both = add(this.#convolution(inputs, operation, [0, common]), x);
      const rest = this.#convolution(inputs, operation, [common, Number.POSITIVE_INFINITY]);
      return concat([activated(both, activation), activated(rest, activation)], 1);
    }
    return activated(add(this.#value(first), this.#value(second)), activation);
  }

  /** The map that a tensor is, less channels of zeros at its end; undefined where it is not padded so. */
  #beforeChannelPadding(index: number | undefined): Tensor | undefined {
    const operator = this.#producers.get(index ?? -1);
    if (operator?.operation.kind !== 'pad') return undefined;
    const [first, second] = operator.inputs;
    const integers = integersOf(tensorAt(this.#model, second));
    const alone = integers?.length === 8 && integers.subarray(0, 7).every((size) => size === 0);
    return alone && (integers[7] ?? 0) > 0 ? this.#value(first) : undefined;
  }

  /** A constant of floating point, directly or through a DEQUANTIZE. */
  #floats(index: number | undefined): readonly [Float32Array, readonly number[]] {
    const operator = this.#producers.get(index ?? -1);
    const tensor = tensorAt(this.#model, operator?.operation.kind === 'dequantize' ? operator.inputs[0] : index);
    const floats = floatsOf(tensor);
    if (floats === undefined) throw new FormatError(`tensor ${tensor.name} is not a constant of floating point`);
    return [floats, tensor.shape];
  }

  #weight(index: number | undefined): readonly [Float32Array, readonly number[]] {
    const [floats, shape] = this.#floats(index);
    if (shape.length !== 4) throw new FormatError(`the weight of a convolution has shape [${shape}]`);
    return [floats, shape];
  }

  #bias(index: number | undefined): Float32Array | undefined {
    // -1: left out.
    return index === undefined || index < 0 ? undefined : this.#floats(index)[0];
  }

  #convolve(
    x: Tensor,
    weight: Tensor,
    bias: Float32Array | undefined,
    window: Window,
    kernel: number,
    groups: number,
  ): Tensor {
    const [stride, sideways] = window.stride;
    if (stride !== sideways) throw new FormatError('the strides of a convolution differ');
    const b = bias && constant('float32', bias, [bias.length]);
    const padding = paddingOf(x, window.border, kernel, stride);
    return activated(conv2d(x, weight, b, { stride, padding, groups, fixed: true }), window.activation);
  }

  #concatenate(inputs: readonly number[], axis: number): Tensor {
    const parts = inputs.map((index) => this.#value(index));
    const at = axis < 0 ? axis + 4 : axis;
    if (at !== 3) throw new FormatError(`it joins along axis ${axis}, not along channels`);
    return concat(parts, 1);
  }

  /** Rows of [before, after] for N, H, W and C. */
  #pad(first: number | undefined, second: number | undefined): Tensor {
    const integers = integersOf(tensorAt(this.#model, second));
    if (integers?.length !== 8) throw new FormatError('a padding does not have two numbers for each axis');
    const [n0, n1, top = 0, bottom = 0, left = 0, right = 0, before = 0, after = 0] = integers;
    if (n0 !== 0 || n1 !== 0) throw new FormatError('it pads the batch');
    if (Math.max(top, bottom, left, right, before, after) > 4096) throw new FormatError('it pads by more than 4096');
    return pad(this.#value(first), [0, before, top, left], [0, after, bottom, right]);
  }

  /** The file says what size came out of what size; another size grows by the same factor. */
  #resize(first: number | undefined, output: number): Tensor {
    const [, h = 1, w = 1] = tensorAt(this.#model, first).shape;
    const [, outH = 1, outW = 1] = tensorAt(this.#model, output).shape;
    const factor = outH / h;
    if (!Number.isInteger(factor) || factor > 16 || outW !== w * factor) {
      throw new FormatError(`it resizes from ${w}x${h} to ${outW}x${outH}, which is not a whole factor`);
    }
    return upsampleBilinear(this.#value(first), factor);
  }
}

function channelsOf(x: Tensor): number {
  const [, channels] = x.shape;
  if (typeof channels !== 'number') throw new FormatError('a tensor is not a map');
  return channels;
}

function activated(x: Tensor, activation: Activation): Tensor {
  return activation === 'relu' ? relu(x) : x;
}

/** `same`: as much in all as ceil(size / stride) positions need, the odd one at the end. */
function paddingOf(x: Tensor, border: Border, kernel: number, stride: number): Padding {
  const [, , height, width] = x.shape;
  if (typeof height !== 'number' || typeof width !== 'number') throw new GraphError('Conv', [x], 'x must be a map');
  if (border === 'valid') return { top: 0, left: 0, bottom: 0, right: 0 };
  const needed = (size: number): number => Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  const [down, across] = [needed(height), needed(width)];
  const [top, left] = [Math.floor(down / 2), Math.floor(across / 2)];
  return { top, left, bottom: down - top, right: across - left };
}

/** A map [N, C, H, W] as the file's [1, H, W, C] in another shape, of which the middle grows with the picture. */
function flattened(x: Tensor, { name, shape }: TfliteTensor): Tensor {
  const [n, c, h, w] = x.shape;
  const last = shape[2];
  if (shape.length !== 3 || shape[0] !== 1 || last === undefined || [c, h, w].some((dim) => typeof dim !== 'number')) {
    throw new FormatError(`it reshapes ${name} to [${shape}], which is not supported`);
  }
  return reshape(transpose(x, [0, 2, 3, 1]), [n as Dim, elements(x.shape.slice(1)) / last, last]);
}

/** Axis i of the result is axis `perm[i]` of the four of `data`. */
function permuted(data: Float32Array, shape: readonly number[], perm: readonly number[]): Float32Array {
  const strides = shape.map((_, i) => elements(shape.slice(i + 1)));
  const [a = 1, b = 1, c = 1, d = 1] = perm.map((axis) => shape[axis] ?? 1);
  const [sa = 0, sb = 0, sc = 0, sd = 0] = perm.map((axis) => strides[axis] ?? 0);
  const out = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        for (let l = 0; l < d; l++) out[at++] = itemAt(data, i * sa + j * sb + k * sc + l * sd);
      }
    }
  }
  return out;
}
