// A graph as tasks: normalisations with given statistics become part of the weights around them, scales, sums and activations part of
// the product that they follow.

import { itemAt } from '../common/item-at.js';
import { valueAt } from '../common/typed-item.js';
import { elements, type Graph, isStatic, type Node, nodesOf, sameShape, type Value } from '../graph/index.js';
import { attributesOf } from '../ops/index.js';
import { type Constants, inputOf } from './constants.js';
import type { Affine, ConvolutionTask, Task, Weights } from './tasks.js';
import { UnsupportedError } from './unsupported.js';

/**
 * The tasks of a graph, each after those whose results it reads.
 * @param take gets each task as soon as it is known, so that weights need not be kept
 * @throws UnsupportedError where a task is none that can be fused or taken
 */
export function eachTask(graph: Graph, constants: Constants, take: (task: Task) => void): void {
  new Fusion(graph, constants).each(take);
}

/** Operations that are tasks of their own or become part of one. */
export const fusedOperations: ReadonlySet<string> = new Set([
  ...['Conv', 'Linear', 'MatMul', 'PRelu'],
  ...['BatchNormalization', 'LayerNormalization', 'ReduceMean'],
]);

type ProductOperation = 'Conv' | 'Linear' | 'MatMul';

/** A node that becomes part of the product before it. */
interface Scaling {
  readonly node: Node;
  readonly by: Affine;
}
interface Sum {
  readonly node: Node;
  readonly residual: Value;
}
interface Activation {
  readonly node: Node;
  /** Negative slopes of so many channels. */
  slopes(channels: number): Float32Array;
}

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
      case 'LayerNormalization':
        this.#pending.set(node, () => this.#layerNorm(node, output));
        return;
      case 'ReduceMean':
        this.#pending.set(node, () => meanOf(node, output));
        return;
      default:
        this.#pending.set(node, () => ({ kind: 'node', node, output }));
    }
  }

  /** A product with what follows it and can be done as its result is stored. */
  #product(node: Node, op: ProductOperation): void {
    let last = node;
    /** Makes what follows, if it was found, part of the product. */
    const take = <Found extends { readonly node: Node }>(found: Found | undefined): Found | undefined => {
      if (found === undefined) return undefined;
      this.#taken.add(found.node);
      last = found.node;
      return found;
    };
    const scaling = take(this.#scaling(outputOf(node), op));
    const isDepthwise = op === 'Conv' && attributesOf('Conv', node).group > 1;
    const sum = isDepthwise ? undefined : take(this.#sum(outputOf(last)));
    const activation = op === 'MatMul' ? undefined : take(this.#activation(outputOf(last)));
    const output = outputOf(last);
    this.#pending.set(last, () => {
      const [x, residual] = [inputOf(node, 0), sum?.residual];
      if (op === 'MatMul') return { kind: 'matmul', a: x, b: inputOf(node, 1), residual, output };
      const weights = this.#weights(node, scaling, activation);
      if (op === 'Linear') return { kind: 'linear', x, weights, residual, output };
      return this.#convolution(node, { weights, residual, output });
    });
  }

  #convolution(node: Node, rest: Pick<ConvolutionTask, 'weights' | 'residual' | 'output'>): ConvolutionTask {
    const { strides, pads, group: groups } = attributesOf('Conv', node);
    const stride = itemAt(strides, 0);
    if (itemAt(strides, 1) !== stride) throw new UnsupportedError('two strides');
    const input = inputOf(node, 0);
    const before = this.#affines.get(input);
    const x = before === undefined ? input : before.x;
    return { kind: 'convolution', x, before: before?.by, stride, pads, groups, ...rest };
  }

  /** Factors of the outputs: a normalisation of a convolution, a product of a linear map. */
  #scaling(value: Value, op: ProductOperation): Scaling | undefined {
    if (op === 'Conv') {
      const node = this.#reader(value, 'BatchNormalization');
      return node && { node, by: this.#affine(node) };
    }
    const node = op === 'Linear' ? this.#reader(value, 'Mul') : undefined;
    const scale = node && this.#vector(node, value);
    return node && scale && { node, by: { scale, shift: new Float32Array(scale.length) } };
  }

  /** A sum with a value of the same shape, or a constant. */
  #sum(value: Value): Sum | undefined {
    const node = this.#reader(value, 'Add');
    if (node === undefined || !sameShape(outputOf(node).shape, value.shape)) return undefined;
    const residual = otherInput(node, value);
    // What is read twice, once as itself, is no residual.
    if (residual === value) return undefined;
    const fits = sameShape(residual.shape, value.shape) || this.#constants.has(residual);
    return fits ? { node, residual } : undefined;
  }

  #activation(value: Value): Activation | undefined {
    const relu = this.#reader(value, 'Relu');
    if (relu !== undefined) return { node: relu, slopes: (channels) => new Float32Array(channels) };
    const prelu = this.#reader(value, 'PRelu');
    if (prelu === undefined || value.shape.length !== 4) return undefined;
    const slope = inputOf(prelu, 1);
    if (!this.#constants.has(slope)) return undefined;
    const slopes = (channels: number): Float32Array => {
      const { values } = this.#constants.of(slope);
      return values.length === 1 ? new Float32Array(channels).fill(valueAt(values, 0)) : values;
    };
    return { node: prelu, slopes };
  }

  #weights(node: Node, scaling: Scaling | undefined, activation: Activation | undefined): Weights {
    const weight = inputOf(node, 1);
    const addend = node.inputs[2];
    if (!this.#constants.has(weight) || (addend !== undefined && !this.#constants.has(addend))) {
      throw new UnsupportedError(`${node.op} with weights that are no constants`);
    }
    const { dims, values } = this.#constants.of(weight);
    const channels = itemAt(dims, 0);
    const bias = addend === undefined ? new Float32Array(channels) : this.#constants.of(addend).values;
    const slopes = activation === undefined ? new Float32Array(channels).fill(1) : activation.slopes(channels);
    if (scaling === undefined) return { values, dims, scale: undefined, bias, slopes };
    const { scale, shift } = scaling.by;
    const scaled = bias.map((value, i) => value * valueAt(scale, i) + valueAt(shift, i));
    return { values, dims, scale, bias: scaled, slopes };
  }

  #layerNorm(node: Node, output: Value): Task {
    const by = {
      scale: this.#constants.of(inputOf(node, 1)).values,
      shift: this.#constants.of(inputOf(node, 2)).values,
    };
    const { epsilon } = attributesOf('LayerNormalization', node);
    return { kind: 'layer-norm', x: inputOf(node, 0), by, epsilon, output };
  }

  #affine(node: Node): Affine {
    const { epsilon, training_mode: training = 0 } = attributesOf('BatchNormalization', node);
    const vector = (index: number): Float32Array => {
      const value = inputOf(node, index);
      if (!this.#constants.has(value)) throw new UnsupportedError('a normalisation by what is no constant');
      return this.#constants.of(value).values;
    };
    const [weight, bias, mean, variance] = [vector(1), vector(2), vector(3), vector(4)];
    if (training !== 0) throw new UnsupportedError('a normalisation of training');
    const scale = weight.map((value, i) => value / Math.sqrt(valueAt(variance, i) + epsilon));
    return { scale, shift: bias.map((value, i) => value - valueAt(mean, i) * valueAt(scale, i)) };
  }

  /** The other factor of a product, where it is a constant along the last axis alone. */
  #vector(node: Node, value: Value): Float32Array | undefined {
    const other = otherInput(node, value);
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

/** The input of a node of two that is not this value; the value itself where both are. */
function otherInput(node: Node, value: Value): Value {
  const [a, b] = [inputOf(node, 0), inputOf(node, 1)];
  return a === value ? b : a;
}

/** The count of a mean's elements may depend on what is run: it does not here. */
function meanOf(node: Node, output: Value): Task {
  const x = inputOf(node, 0);
  const { axes } = attributesOf('ReduceMean', node);
  const dims = axes.map((axis) => itemAt(x.shape, axis));
  if (!isStatic(dims)) throw new UnsupportedError('a mean over the batch');
  return { kind: 'mean', x, axes, count: elements(dims), output };
}

/** The output of a node that has one. */
export function outputOf(node: Node): Value {
  const [output, ...others] = node.outputs;
  if (output === undefined || others.length > 0) throw new UnsupportedError(`${node.op} with several outputs`);
  return output;
}
