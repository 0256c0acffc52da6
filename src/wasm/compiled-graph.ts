// Tasks with their weights in the kernels' memory, in the kernels' order.

import { itemAt } from '../common/item-at.js';
import { type Graph, isStatic, type Node, type Value } from '../graph/index.js';
import { attributesOf } from '../ops/index.js';
import { type Constants, inputOf } from './constants.js';
import type { AffineAddresses, Convolution, PackedWeights } from './emit-convolution.js';
import { type Affine, type ConvolutionTask, eachTask, type Task, type Weights } from './fusion.js';
import type { GraphKernels } from './graph-kernels.js';
import { packedWindows, vector } from './pack.js';
import { Addresses } from './plan.js';
import { requireKnownOperations } from './supported.js';
import { UnsupportedError } from './unsupported.js';
import { roundedUp, rowAlignedView, type Storage, type View } from './views.js';
import { points, usesWinograd, type WinogradWeights } from './winograd.js';

const floatBytes = 4;

export type CompiledTask =
  | (Convolution & {
      readonly kind: 'convolution';
      readonly x: Value;
      readonly residual: Value | undefined;
      readonly output: Value;
    })
  | {
      readonly kind: 'linear';
      readonly x: Value;
      readonly weights: PackedWeights;
      readonly residual: Value | undefined;
      readonly output: Value;
    }
  | Extract<Task, { readonly kind: 'matmul' }>
  | { readonly kind: 'affine'; readonly x: Value; readonly by: AffineAddresses; readonly output: Value }
  | {
      readonly kind: 'layer-norm';
      readonly x: Value;
      readonly by: AffineAddresses;
      readonly epsilon: number;
      readonly output: Value;
    }
  | { readonly kind: 'node'; readonly node: Node; readonly output: Value };

/** Everything of a graph that does not depend on its inputs, in the kernels' memory. */
export interface CompiledGraph {
  readonly tasks: readonly CompiledTask[];
  readonly constants: ReadonlyMap<Value, View>;
  /** Numbers, as tensors without axes. */
  readonly numbers: ReadonlyMap<number, View>;
  /** Where what is constant lies. */
  readonly places: ReadonlyMap<Storage, number>;
  /** The first address behind it. */
  readonly end: number;
}

/** @throws UnsupportedError where the graph has what the kernels do not compute */
export function compileGraph(graph: Graph, constants: Constants, kernels: GraphKernels, begin: number): CompiledGraph {
  requireKnownOperations(graph);
  const weights = new WeightCompiler(constants, kernels, begin);
  const tasks: CompiledTask[] = [];
  eachTask(graph, constants, (task) => tasks.push(weights.taskOf(task)));
  // What means over axes are made with.
  for (const task of tasks) if (task.kind === 'node' && task.node.op === 'ReduceMean') weights.numbersFor(task.node);
  return {
    tasks,
    constants: weights.views,
    numbers: weights.numbers,
    places: weights.places,
    end: weights.end,
  };
}

class WeightCompiler {
  readonly #constants: Constants;
  readonly #kernels: GraphKernels;
  readonly #addresses: Addresses;
  readonly views = new Map<Value, View>();
  readonly numbers = new Map<number, View>();
  readonly places = new Map<Storage, number>();

  constructor(constants: Constants, kernels: GraphKernels, begin: number) {
    this.#constants = constants;
    this.#kernels = kernels;
    this.#addresses = new Addresses(begin);
  }

  get end(): number {
    return this.#addresses.end;
  }

  taskOf(task: Task): CompiledTask {
    switch (task.kind) {
      case 'convolution':
        this.#placeConstant(task.residual);
        return this.#convolution(task);
      case 'linear': {
        this.#placeConstant(task.residual);
        const [outputs = 1, inputs = 1] = task.weights.dims;
        return { ...task, weights: this.#packed(task.weights, outputs, inputs, 1) };
      }
      case 'matmul':
        for (const value of [task.a, task.b, task.residual]) this.#placeConstant(value);
        return task;
      case 'affine':
        return { ...task, by: this.#affine(task.by) };
      case 'node':
        return task.node.op === 'LayerNormalization' ? this.#layerNorm(task.node, task.output) : this.#node(task);
    }
  }

  /** The count of a mean's elements may depend on what is run: it does not here. */
  numbersFor(node: Node): void {
    const { shape } = inputOf(node, 0);
    const count = attributesOf('ReduceMean', node).axes.reduce((size, axis) => {
      const dim = itemAt(shape, axis);
      if (typeof dim !== 'number') throw new UnsupportedError('a mean over the batch');
      return size * dim;
    }, 1);
    for (const value of [0, 1 / count]) {
      if (!this.numbers.has(value)) this.numbers.set(value, this.#view([], Float32Array.of(value)));
    }
  }

  #node(task: Extract<Task, { readonly kind: 'node' }>): CompiledTask {
    const [, ...others] = task.node.inputs;
    const read = ['Reshape', 'Slice', 'ReduceMean'].includes(task.node.op) ? [] : others;
    for (const value of [task.node.inputs[0], ...read]) this.#placeConstant(value);
    return task;
  }

  #layerNorm(node: Node, output: Value): CompiledTask {
    const [scale, shift] = [1, 2].map((index) => this.#place(this.#constants.of(inputOf(node, index)).values));
    const { epsilon } = attributesOf('LayerNormalization', node);
    return { kind: 'layer-norm', x: inputOf(node, 0), by: { scale: scale ?? 0, shift: shift ?? 0 }, epsilon, output };
  }

  #convolution({ x, before, weights, stride, pads, groups, residual, output }: ConvolutionTask): CompiledTask {
    const [outputs = 1, inputs = 1, kernel = 1] = weights.dims;
    const depthwise = groups > 1;
    const common = { x, before: before && this.#affine(before), kernel, stride, pads, depthwise, residual, output };
    if (usesWinograd({ kernel, stride, pads, groups }, [inputs, outputs], output.shape.slice(2))) {
      return {
        kind: 'convolution',
        ...common,
        weights: { at: 0, outputs },
        winograd: this.#winograd(weights, outputs, inputs),
      };
    }
    if (depthwise && (groups !== outputs || inputs !== 1 || outputs % vector !== 0)) {
      throw new UnsupportedError(`a convolution in ${groups} groups`);
    }
    const packed = depthwise
      ? { at: this.#place(packedWindows(weights)), outputs }
      : this.#packed(weights, outputs, inputs, kernel * kernel);
    return { kind: 'convolution', ...common, weights: packed, winograd: undefined };
  }

  /**
   * In the order of the kernels: output by output eight together, of each the inputs of one pixel of the window after the other.
   * @param weights values [outputs, inputs, pixels]
   */
  #packed({ values, scale, bias, slopes }: Weights, outputs: number, inputs: number, pixels: number): PackedWeights {
    const { pack } = this.#kernels;
    const at = this.#addresses.take(roundedUp(outputs) * (inputs * pixels + 2));
    const spare = this.#spare();
    const vectors = [scale, bias, slopes].map((list) => (list === undefined ? 0 : spare.put(list, 2 * vector)));
    const matrix = spare.put(values);
    const steps = [inputs * pixels, pixels, 1, inputs, pixels].map((step, i) =>
      i === 1 || i === 3 ? step : step * floatBytes,
    );
    const [across = 0, turns = 0, turn = 0, each = 0, along = 0] = steps;
    const [factors = 0, sums = 0, below = 0] = vectors;
    pack(matrix, across, turns, turn, each, along, outputs, factors, sums, below, at);
    return { at, outputs: roundedUp(outputs) };
  }

  /** The weights at each point of Winograd's tiles. */
  #winograd({ values, scale, bias, slopes }: Weights, outputs: number, inputs: number): WinogradWeights {
    const { pack, winogradWeights } = this.#kernels;
    const kept = { bias: this.#place(bias), slopes: this.#place(slopes) };
    const places = Array.from({ length: points }, () => this.#addresses.take(outputs * (inputs + 2)));
    const spare = this.#spare();
    const factors = scale === undefined ? 0 : spare.put(scale, 2 * vector);
    const matrix = spare.put(values);
    const plane = outputs * inputs * floatBytes;
    const all = spare.put(new Float32Array(points * outputs * inputs));
    winogradWeights(matrix, outputs * inputs, all, plane);
    places.forEach((at, point) => {
      const order = [inputs * floatBytes, 1, 0, inputs, floatBytes] as const;
      pack(all + point * plane, ...order, outputs, factors, 0, 0, at);
    });
    return { ...kept, points: places };
  }

  /** Memory behind what is kept, which is written over later. */
  #spare(): { put(values: Float32Array, zeros?: number): number } {
    const { memory } = this.#kernels;
    const addresses = new Addresses(this.#addresses.end);
    memory.reserve(addresses.end);
    return {
      put(values, zeros = 0) {
        const at = addresses.take(values.length + zeros);
        memory.reserve(addresses.end);
        const place = memory.floats(at, values.length + zeros);
        place.set(values);
        place.fill(0, values.length);
        return at;
      },
    };
  }

  #affine({ scale, shift }: Affine): AffineAddresses {
    return { scale: this.#place(scale), shift: this.#place(shift) };
  }

  #placeConstant(value: Value | undefined): void {
    if (value === undefined || !this.#constants.has(value) || this.views.has(value)) return;
    const { dims, values } = this.#constants.of(value);
    if (!isStatic(dims)) throw new UnsupportedError('a constant that depends on the batch');
    this.views.set(value, this.#view(dims, values));
  }

  #view(dims: readonly number[], values: Float32Array): View {
    const view = dims.length === 0 ? { ...rowAlignedView([1]), dims, strides: [] } : rowAlignedView(dims);
    const width = dims.at(-1) ?? 1;
    const rows = new Float32Array(view.storage.floats);
    for (let from = 0, to = 0; from < values.length; from += width, to += roundedUp(width)) {
      rows.set(values.subarray(from, from + width), to);
    }
    this.places.set(view.storage, this.#place(rows));
    return view;
  }

  #place(values: Float32Array): number {
    const { memory } = this.#kernels;
    const at = this.#addresses.take(values.length);
    memory.reserve(this.#addresses.end);
    memory.floats(at, values.length).set(values);
    return at;
  }
}
