// A graph as tasks: normalisations with given statistics become part of the weights around them, scales, sums and activations part of
// the product that they follow.

import { itemAt } from '../common/item-at.js';
import { valueAt } from '../common/typed-item.js';
import { type Graph, type Node, nodesOf, sameShape, type Value } from '../graph/index.js';
import { attributesOf } from '../ops/index.js';
import { type Constants, inputOf } from './constants.js';
import { UnsupportedError } from './unsupported.js';

/** What a product with weights puts out: max(0, y) + slope min(0, y), y being the sum with its bias and the residual. */
export interface Weights {
  /** [outputs, inputs of a window]; of convolutions [O, I / groups, k, k] */
  readonly values: Float32Array;
  readonly dims: readonly number[];
  /** Factors of the outputs' weights; undefined: none. */
  readonly scale: Float32Array | undefined;
  readonly bias: Float32Array;
  readonly slopes: Float32Array;
}

/** scale x + shift, channel by channel. */
export interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

export interface ConvolutionTask {
  readonly kind: 'convolution';
  readonly x: Value;
  /** What is done with the input before zeros are laid around it. */
  readonly before: Affine | undefined;
  readonly weights: Weights;
  readonly stride: number;
  /** Zeros above and left of the map; below and right there may be more. */
  readonly pads: readonly number[];
  readonly groups: number;
  readonly residual: Value | undefined;
  readonly output: Value;
}

export type Task =
  | ConvolutionTask
  | {
      readonly kind: 'linear';
      readonly x: Value;
      readonly weights: Weights;
      readonly residual: Value | undefined;
      readonly output: Value;
    }
  | {
      readonly kind: 'matmul';
      readonly a: Value;
      readonly b: Value;
      readonly residual: Value | undefined;
      readonly output: Value;
    }
  | { readonly kind: 'affine'; readonly x: Value; readonly by: Affine; readonly output: Value }
  | { readonly kind: 'node'; readonly node: Node; readonly output: Value };

/**
 * The tasks of a graph, each after those whose results it reads.
 * @param take gets each task as soon as it is known, so that weights need not be kept
 * @throws UnsupportedError where a task is none that can be fused or taken
 */
export function eachTask(graph: Graph, constants: Constants, take: (task: Task) => void): void {
  new Fusion(graph, constants).each(take);
}

/** Operations that are tasks of their own or become part of one. */
export const fusedOperations = ['Conv', 'Linear', 'MatMul', 'BatchNormalization', 'PRelu'] as const;

class Fusion {
  readonly #constants: Constants;
  readonly #nodes: readonly Node[];
  readonly #readers = new Map<Value, Node[]>();
  readonly #outputs: ReadonlySet<Value>;
  /** Nodes that are part of a task that another node begins. */
  readonly #taken = new Set<Node>();
  /** Tasks that are known, by the node that ends them. */
  readonly #pending = new Map<Node, () => Task>();
  /** Normalisations that become part of the convolution behind them, by their outputs. */
  readonly #affines = new Map<Value, { readonly x: Value; readonly by: Affine }>();

  constructor({ outputs }: Graph, constants: Constants) {
    this.#constants = constants;
    this.#outputs = new Set(outputs.values());
    this.#nodes = nodesOf(outputs.values()).filter((node) => !constants.has(outputOf(node)));
    for (const node of this.#nodes) {
      for (const value of new Set(node.inputs)) {
        if (value === undefined) continue;
        const readers = this.#readers.get(value) ?? [];
        readers.push(node);
        this.#readers.set(value, readers);
      }
    }
  }

  each(take: (task: Task) => void): void {
    for (const node of this.#nodes) {
      if (!this.#taken.has(node)) this.#begin(node);
      const task = this.#pending.get(node);
      if (task === undefined) continue;
      this.#pending.delete(node);
      take(task());
    }
  }

  #begin(node: Node): void {
    const output = outputOf(node);
    switch (node.op) {
      case 'Conv':
      case 'Linear':
      case 'MatMul':
        this.#product(node, node.op);
        return;
      case 'BatchNormalization': {
        const x = inputOf(node, 0);
        const by = this.#affine(node);
        if (this.#reader(output, 'Conv') !== undefined) this.#affines.set(output, { x, by });
        else this.#pending.set(node, () => ({ kind: 'affine', x, by, output }));
        return;
      }
      default:
        this.#pending.set(node, () => ({ kind: 'node', node, output }));
    }
  }

  /** A product with what follows it and can be done as its result is stored. */
  #product(node: Node, op: 'Conv' | 'Linear' | 'MatMul'): void {
    let last = node;
    const follow = (next: Node): void => {
      this.#taken.add(next);
      last = next;
    };
    const scales: Affine[] = [];
    const norm = op === 'Conv' ? this.#reader(outputOf(last), 'BatchNormalization') : undefined;
    if (norm !== undefined) {
      scales.push(this.#affine(norm));
      follow(norm);
    }
    const scale = op === 'Linear' ? this.#reader(outputOf(last), 'Mul') : undefined;
    const factors = scale && this.#vector(scale, outputOf(last));
    if (scale !== undefined && factors !== undefined) {
      scales.push({ scale: factors, shift: new Float32Array(factors.length) });
      follow(scale);
    }
    const isDepthwise = op === 'Conv' && attributesOf('Conv', node).group > 1;
    const residual = isDepthwise ? undefined : this.#residual(outputOf(last), follow);
    const slope = op === 'MatMul' ? undefined : this.#slope(outputOf(last), follow);
    const end = last;
    const output = outputOf(end);
    this.#pending.set(end, () => {
      if (op === 'MatMul') return { kind: 'matmul', a: inputOf(node, 0), b: inputOf(node, 1), residual, output };
      const weights = this.#weights(node, scales, slope);
      const x = inputOf(node, 0);
      if (op === 'Linear') return { kind: 'linear', x, weights, residual, output };
      const { strides, pads, group } = attributesOf('Conv', node);
      const stride = itemAt(strides, 0);
      if (itemAt(strides, 1) !== stride) throw new UnsupportedError('two strides');
      const before = this.#affines.get(x);
      return {
        ...{ kind: 'convolution', x: before?.x ?? x, before: before?.by },
        ...{ weights, stride, pads, groups: group, residual, output },
      };
    });
  }

  /** Something of the same shape that is added. */
  #residual(value: Value, follow: (node: Node) => void): Value | undefined {
    const sum = this.#reader(value, 'Add');
    if (sum === undefined) return undefined;
    const [a, b] = [inputOf(sum, 0), inputOf(sum, 1)];
    const other = a === value ? b : a;
    const isSum = sameShape(outputOf(sum).shape, value.shape);
    const fits = sameShape(other.shape, value.shape) || this.#constants.has(other);
    // What is read twice, once as itself, is no residual.
    if (!isSum || !fits || other === value) return undefined;
    follow(sum);
    return other;
  }

  /** Slopes below zero of the activation that follows; a function of the channels' number. */
  #slope(value: Value, follow: (node: Node) => void): ((channels: number) => Float32Array) | undefined {
    const relu = this.#reader(value, 'Relu');
    if (relu !== undefined) {
      follow(relu);
      return (channels) => new Float32Array(channels);
    }
    const prelu = this.#reader(value, 'PRelu');
    const slope = prelu?.inputs[1];
    if (prelu === undefined || slope === undefined || value.shape.length !== 4 || !this.#constants.has(slope))
      return undefined;
    follow(prelu);
    return (channels) => {
      const { values } = this.#constants.of(slope);
      return values.length === 1 ? new Float32Array(channels).fill(valueAt(values, 0)) : values;
    };
  }

  #weights(node: Node, scales: readonly Affine[], slope: ((channels: number) => Float32Array) | undefined): Weights {
    const [, weight, addend] = node.inputs;
    if (
      weight === undefined ||
      !this.#constants.has(weight) ||
      (addend !== undefined && !this.#constants.has(addend))
    ) {
      throw new UnsupportedError(`${node.op} with weights that are no constants`);
    }
    const { dims, values } = this.#constants.of(weight);
    const channels = itemAt(dims, 0);
    let bias = addend === undefined ? new Float32Array(channels) : this.#constants.of(addend).values;
    let scale: Float32Array | undefined;
    for (const one of scales) {
      const before = scale;
      scale = before === undefined ? one.scale : before.map((value, i) => value * valueAt(one.scale, i));
      bias = bias.map((value, i) => value * valueAt(one.scale, i) + valueAt(one.shift, i));
    }
    return { values, dims, scale, bias, slopes: slope?.(channels) ?? new Float32Array(channels).fill(1) };
  }

  #affine(node: Node): Affine {
    const { epsilon, training_mode: training = 0 } = attributesOf('BatchNormalization', node);
    const vectors = [1, 2, 3, 4].map((index) => {
      const value = inputOf(node, index);
      if (!this.#constants.has(value)) throw new UnsupportedError('a normalisation by what is no constant');
      return this.#constants.of(value).values;
    });
    if (training !== 0) throw new UnsupportedError('a normalisation of training');
    const [weight, bias, mean, variance] = [0, 1, 2, 3].map((i) => itemAt(vectors, i)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const scale = weight.map((value, i) => value / Math.sqrt(valueAt(variance, i) + epsilon));
    return { scale, shift: bias.map((value, i) => value - valueAt(mean, i) * valueAt(scale, i)) };
  }

  /** The other factor of a product, where it is a constant along the last axis alone. */
  #vector(node: Node, value: Value): Float32Array | undefined {
    const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
    const other = a === value ? b : a;
    const size = value.shape.at(-1);
    const isVector =
      this.#constants.has(other) && other.shape.at(-1) === size && other.shape.slice(0, -1).every((dim) => dim === 1);
    return isVector && other.shape.length <= value.shape.length ? this.#constants.of(other).values : undefined;
  }

  /** The only reader of a value, if it is of an operation and no other task has it. */
  #reader(value: Value, op: string): Node | undefined {
    const [reader, ...others] = this.#readers.get(value) ?? [];
    if (reader === undefined || others.length > 0 || this.#outputs.has(value)) return undefined;
    if (reader.op !== op || this.#taken.has(reader)) return undefined;
    return reader.inputs[0] === value || op === 'Add' || op === 'Mul' ? reader : undefined;
  }
}

/** The output of a node that has one. */
export function outputOf(node: Node): Value {
  const [output, ...others] = node.outputs;
  if (output === undefined || others.length > 0) throw new UnsupportedError(`${node.op} with several outputs`);
  return output;
}
