// Tasks with their weights in the kernels' memory, in the kernels' order.

import { itemAt } from '../common/item-at.js';
import { elements, type Graph, isStatic, type Value } from '../graph/index.js';
import type { Constants } from './constants.js';
import type { AffineAddresses, Convolution, ConvolutionWeights } from './emit-convolution.js';
import type { MeanNumbers } from './emit-elements.js';
import { eachTask } from './fusion.js';
import type { GraphKernels } from './graph-kernels.js';
import {
  floatBytes,
  type MatrixSize,
  type PackedWeights,
  packedFloats,
  packedWindows,
  packMatrix,
  roundedUp,
  vector,
} from './pack.js';
import { Addresses } from './plan.js';
import { requireKnownOperations } from './supported.js';
import type { Affine, ConvolutionTask, Task, Weights } from './tasks.js';
import { UnsupportedError } from './unsupported.js';
import { rowAlignedView, rowLength, type Storage, type View } from './views.js';
import { points, usesWinograd, type WinogradWeights } from './winograd.js';

/** The same tasks, with addresses in place of numbers. */
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
  | TaskOf<'matmul'>
  | (Omit<TaskOf<'affine'>, 'by'> & { readonly by: AffineAddresses })
  | (Omit<TaskOf<'layer-norm'>, 'by'> & { readonly by: AffineAddresses })
  | (Omit<TaskOf<'mean'>, 'count'> & { readonly numbers: MeanNumbers })
  | TaskOf<'node'>;

type TaskOf<Kind extends Task['kind']> = Extract<Task, { readonly kind: Kind }>;

/** Everything of a graph that does not depend on its inputs, in the kernels' memory. */
export interface CompiledGraph {
  readonly tasks: readonly CompiledTask[];
  readonly constants: ReadonlyMap<Value, View>;
  /** Where what is constant lies. */
  readonly storageAddresses: ReadonlyMap<Storage, number>;
  /** The first address behind it. */
  readonly end: number;
}

/** @throws UnsupportedError where the graph has what the kernels do not compute */
export function compileGraph(graph: Graph, constants: Constants, kernels: GraphKernels, begin: number): CompiledGraph {
  requireKnownOperations(graph);
  const weights = new WeightCompiler(constants, kernels, begin);
  const tasks: CompiledTask[] = [];
  eachTask(graph, constants, (task) => tasks.push(weights.taskOf(task)));
  return { tasks, constants: weights.views, storageAddresses: weights.storageAddresses, end: weights.end };
}

class WeightCompiler {
  readonly #constants: Constants;
  readonly #kernels: GraphKernels;
  readonly #addresses: Addresses;
  readonly views = new Map<Value, View>();
  readonly storageAddresses = new Map<Storage, number>();

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
        this.#storeConstant(task.residual);
        return this.#convolution(task);
      case 'linear':
        this.#storeConstant(task.residual);
        return { ...task, weights: this.#packed(task.weights, matrixSize(task.weights)) };
      case 'matmul':
        for (const value of [task.a, task.b, task.residual]) this.#storeConstant(value);
        return task;
      case 'affine':
      case 'layer-norm':
        return { ...task, by: this.#affine(task.by) };
      case 'mean': {
        const { count, ...rest } = task;
        return { ...rest, numbers: { zero: this.#number(0), share: this.#number(1 / count) } };
      }
      case 'node':
        // Whole numbers say shapes and axes, which attributes say too.
        for (const value of task.node.inputs) if (value?.dtype === 'float32') this.#storeConstant(value);
        return task;
    }
  }

  #convolution({ x, before, weights, stride, pads, groups, residual, output }: ConvolutionTask): CompiledTask {
    const kernel = itemAt(weights.dims, 2);
    const size = matrixSize(weights);
    const isByTiles = usesWinograd({ kernel, stride, pads }, [size.inputs, size.outputs], output.shape.slice(2));
    const task = { kind: 'convolution', x, before: before && this.#affine(before), kernel, stride, pads } as const;
    const results = { residual, output };
    if (groups > 1) return { ...task, weights: this.#depthwise(weights, groups), ...results };
    if (isByTiles) return { ...task, weights: { kind: 'winograd', ...this.#winograd(weights, size) }, ...results };
    return { ...task, weights: { kind: 'product', ...this.#packed(weights, size) }, ...results };
  }

  #depthwise(weights: Weights, groups: number): ConvolutionWeights {
    const { outputs, inputs } = matrixSize(weights);
    if (groups !== outputs || inputs !== 1 || outputs % vector !== 0) {
      throw new UnsupportedError(`a convolution in ${groups} groups`);
    }
    return { kind: 'depthwise', at: this.#store(packedWindows(weights)) };
  }

  /** In the order of `product`; what lies at first in the order of ONNX is written over later. */
  #packed({ values, scale, bias, slopes }: Weights, size: MatrixSize): PackedWeights {
    const at = this.#addresses.take(packedFloats(size));
    const spare = this.#spare();
    const vectors = {
      ...(scale === undefined ? {} : { scale: spare.put(scale, 2 * vector) }),
      bias: spare.put(bias, 2 * vector),
      slopes: spare.put(slopes, 2 * vector),
    };
    const steps = { output: size.inputs * size.taps, tap: 1, input: size.taps };
    packMatrix(this.#kernels, { ...size, at: spare.put(values), steps }, vectors, at);
    return { at, outputs: roundedUp(size.outputs) };
  }

  /** The weights at each point of Winograd's tiles: a matrix for each. */
  #winograd({ values, scale, bias, slopes }: Weights, { outputs, inputs }: MatrixSize): WinogradWeights {
    const size = { outputs, taps: 1, inputs };
    const kept = { bias: this.#store(bias), slopes: this.#store(slopes) };
    const pointAddresses = Array.from({ length: points }, () => this.#addresses.take(packedFloats(size)));
    const spare = this.#spare();
    const vectors = scale === undefined ? {} : { scale: spare.put(scale, 2 * vector) };
    const matrix = spare.put(values);
    const plane = outputs * inputs;
    const all = spare.put(new Float32Array(points * plane));
    this.#kernels.winogradWeights(matrix, plane, all, plane * floatBytes);
    const steps = { output: inputs, tap: 0, input: 1 };
    pointAddresses.forEach((at, point) => {
      packMatrix(this.#kernels, { ...size, at: all + point * plane * floatBytes, steps }, vectors, at);
    });
    return { ...kept, points: pointAddresses };
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
        const target = memory.floats(at, values.length + zeros);
        target.set(values);
        target.fill(0, values.length);
        return at;
      },
    };
  }

  #affine({ scale, shift }: Affine): AffineAddresses {
    return { scale: this.#store(scale), shift: this.#store(shift) };
  }

  #storeConstant(value: Value | undefined): void {
    if (value === undefined || !this.#constants.has(value) || this.views.has(value)) return;
    const { dims, values } = this.#constants.of(value);
    if (!isStatic(dims)) throw new UnsupportedError('a constant that depends on the batch');
    this.views.set(value, this.#view(dims, values));
  }

  #number(value: number): View {
    return this.#view([], Float32Array.of(value));
  }

  #view(dims: readonly number[], values: Float32Array): View {
    const view = rowAlignedView(dims);
    const length = rowLength(dims);
    const rows = new Float32Array(view.storage.floats);
    for (let from = 0, to = 0; from < values.length; from += length, to += roundedUp(length)) {
      rows.set(values.subarray(from, from + length), to);
    }
    this.storageAddresses.set(view.storage, this.#store(rows));
    return view;
  }

  #store(values: Float32Array): number {
    const { memory } = this.#kernels;
    const at = this.#addresses.take(values.length);
    memory.reserve(this.#addresses.end);
    memory.floats(at, values.length).set(values);
    return at;
  }
}

/** Of weights [outputs, inputs] or [outputs, inputs, k, k]. */
function matrixSize({ dims }: Weights): MatrixSize {
  const [outputs, inputs] = [itemAt(dims, 0), itemAt(dims, 1)];
  return { outputs, inputs, taps: elements(dims.slice(2)) };
}
