import { entryOf, itemAt } from '../common/item-at.js';
import { concrete, elements, type Graph, type Node, type Value } from '../graph/index.js';
import { attributesOf } from '../ops/index.js';
import type { CompiledGraph, CompiledTask } from './compiled-graph.js';
import { inputOf } from './constants.js';
import { batchNorm, convolution } from './emit-convolution.js';
import { mean, reshape } from './emit-elements.js';
import { nodeEmitters } from './emit-node.js';
import { layerNorm, linear, matrixProduct } from './emit-rows.js';
import type { GraphKernels } from './graph-kernels.js';
import { MemoryPlanner } from './memory-planner.js';
import { vector } from './pack.js';
import { UnsupportedError } from './unsupported.js';
import { channelsLastView, contiguousView, rowAlignedView, transposed, type View } from './views.js';

/** A graph as it runs over so many pictures. */
export interface GraphPlan {
  /** The first address behind what it needs. */
  readonly end: number;
  readonly inputs: ReadonlyMap<string, { readonly at: number; readonly floats: number }>;
  readonly outputs: ReadonlyMap<string, { readonly at: number; readonly view: View }>;
  run(): void;
}

/**
 * @param begin the first address that is free
 * @throws UnsupportedError where the graph has what the kernels do not compute
 */
export function graphPlan(
  program: Graph,
  inputs: ReadonlyMap<string, Value>,
  compiled: CompiledGraph,
  n: number,
  begin: number,
  kernels: GraphKernels,
): GraphPlan {
  const { planner, given, results, kept } = plannedViews(program, inputs, compiled, n);
  const { end, run, address } = planner.allocate(compiled.storageAddresses, kept, begin, kernels);
  return {
    end,
    run,
    inputs: new Map(given.map(([name, view]) => [name, { at: address(view), floats: elements(view.dims) }])),
    outputs: new Map(results.map(([name, view]) => [name, { at: address(view), view }])),
  };
}

/**
 * Bytes that the tensors of a run take, which nothing is reserved for yet.
 * @throws UnsupportedError where the graph has what the kernels do not compute
 */
export function planBytes(
  program: Graph,
  inputs: ReadonlyMap<string, Value>,
  compiled: CompiledGraph,
  n: number,
): number {
  const { planner, kept } = plannedViews(program, inputs, compiled, n);
  return planner.bytes(compiled.storageAddresses, kept);
}

/** The actions of a run, the views of what it takes and gives, and both of these together. */
function plannedViews(
  { outputs }: Graph,
  inputs: ReadonlyMap<string, Value>,
  compiled: CompiledGraph,
  n: number,
): {
  readonly planner: MemoryPlanner;
  readonly given: readonly (readonly [name: string, view: View])[];
  readonly results: readonly (readonly [name: string, view: View])[];
  readonly kept: readonly View[];
} {
  const builder = new PlanBuilder(compiled, n);
  const given = [...inputs].map(([name, value]) => [name, builder.input(value)] as const);
  for (const task of compiled.tasks) builder.add(task);
  const results = [...outputs].map(([name, value]) => [name, builder.view(value)] as const);
  return { planner: builder.planner, given, results, kept: [...given, ...results].map(([, view]) => view) };
}

/** The padding that convolutions want of each of the maps that they read as they are. */
function paddings(tasks: readonly CompiledTask[]): Map<Value, number> {
  const wanted = new Map<Value, number>();
  for (const task of tasks) {
    if (task.kind !== 'convolution' || task.before !== undefined) continue;
    const padding = Math.max(...task.pads);
    if (padding > (wanted.get(task.x) ?? 0) && Number(task.x.shape[1]) % vector === 0) wanted.set(task.x, padding);
  }
  return wanted;
}

class PlanBuilder {
  readonly planner = new MemoryPlanner();
  readonly #views: Map<Value, View>;
  readonly #n: number;
  readonly #paddings: ReadonlyMap<Value, number>;
  readonly #readers = new Map<Value, CompiledTask[]>();

  constructor(compiled: CompiledGraph, n: number) {
    this.#n = n;
    this.#views = new Map(compiled.constants);
    this.#paddings = paddings(compiled.tasks);
    for (const task of compiled.tasks) {
      if (task.kind !== 'node') continue;
      const x = inputOf(task.node, 0);
      this.#readers.set(x, [...(this.#readers.get(x) ?? []), task]);
    }
  }

  input(value: Value): View {
    const view = contiguousView(this.#dims(value));
    this.#views.set(value, view);
    return view;
  }

  view(value: Value): View {
    return entryOf(this.#views, value);
  }

  add(task: CompiledTask): void {
    this.#views.set(task.output, this.#result(task));
  }

  #dims({ dtype, shape }: Value): number[] {
    if (dtype !== 'float32') throw new UnsupportedError(dtype);
    return concrete(shape, this.#n);
  }

  #result(task: CompiledTask): View {
    const { planner } = this;
    const dims = this.#dims(task.output);
    switch (task.kind) {
      case 'convolution': {
        const out = channelsLastView(dims, this.#paddings.get(task.output) ?? 0);
        convolution(planner, task, this.view(task.x), task.residual && this.view(task.residual), out);
        return out;
      }
      case 'linear':
        return linear(
          planner,
          task.weights,
          this.view(task.x),
          task.residual && this.view(task.residual),
          itemAt(dims, dims.length - 1),
        );
      case 'matmul': {
        const out = this.#productView(task.output, dims);
        matrixProduct(planner, this.view(task.a), this.view(task.b), task.residual && this.view(task.residual), out);
        return out;
      }
      case 'affine':
        return batchNorm(planner, task.by, this.view(task.x));
      case 'layer-norm':
        return layerNorm(planner, task.by, task.epsilon, this.view(task.x));
      case 'mean':
        return reshape(planner, mean(planner, task.numbers, task.axes, this.view(task.x)), dims);
      case 'node':
        return this.#node(task.node, dims);
    }
  }

  /** Laid out as its only reader has it, where that transposes it and leaves the last axis: heads beside each other. */
  #productView(value: Value, dims: readonly number[]): View {
    const [reader, ...others] = this.#readers.get(value) ?? [];
    if (
      reader?.kind === 'node' &&
      reader.node.op === 'Transpose' &&
      others.length === 0 &&
      itemAt(dims, dims.length - 1) % vector === 0
    ) {
      const { perm } = attributesOf('Transpose', reader.node);
      if (itemAt(perm, perm.length - 1) === perm.length - 1) {
        const target = contiguousView(perm.map((axis) => itemAt(dims, axis)));
        return transposed(
          target,
          perm.map((_, axis) => perm.indexOf(axis)),
        );
      }
    }
    return rowAlignedView(dims);
  }

  #node(node: Node, dims: readonly number[]): View {
    const emit = nodeEmitters.get(node.op);
    if (emit === undefined) throw new UnsupportedError(node.op);
    return emit({
      planner: this.planner,
      node,
      dims,
      x: this.view(inputOf(node, 0)),
      view: (value) => this.view(value),
    });
  }
}
