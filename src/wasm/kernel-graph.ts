import { entryOf, itemAt } from '../common/item-at.js';
import { type Graph, inputsOf, type Value } from '../graph/index.js';
import { type CompiledGraph, compileGraph } from './compiled-graph.js';
import { Constants, gathered } from './constants.js';
import type { GraphKernels } from './graph-kernels.js';
import { type GraphPlan, graphPlan, planBytes } from './graph-plan.js';

/** Nothing lies at address 0, which stands for what is not there. */
const firstAddress = 64;

/** With more pictures a run is no faster for each. */
const maxBatch = 4;
/** What the tensors of a run take of memory besides the weights, at most, unless one picture takes more. */
const maxBytes = 2 ** 24;

/** A graph of inference, run by kernels of our own (graph-kernels.as), on one thread. */
export class KernelGraph {
  readonly #graph: Graph;
  readonly #inputs: ReadonlyMap<string, Value>;
  readonly #kernels: GraphKernels;
  readonly #compiled: CompiledGraph;
  readonly #plans = new Map<number, GraphPlan>();
  /** Pictures that should be run at once, where there are so many. */
  readonly preferredBatch: number;
  /** The first address that no plan has. */
  #end: number;

  /**
   * @param graph not lowered
   * @param parameter the numbers of a weight, by its name
   * @throws UnsupportedError where the graph has what the kernels do not compute
   */
  constructor(graph: Graph, parameter: (name: string) => Float32Array, kernels: GraphKernels) {
    this.#graph = graph;
    this.#inputs = inputsOf(graph.outputs.values());
    this.#kernels = kernels;
    this.#compiled = compileGraph(graph, new Constants(parameter), kernels, firstAddress);
    this.#end = this.#compiled.end;
    // What cannot be run is told now.
    this.#plan(1);
    this.preferredBatch = this.#largestBatch();
  }

  /** Tensors share places, so that many pictures take less than so many times the memory of one. */
  #largestBatch(): number {
    for (let n = maxBatch; n > 1; n--) {
      if (planBytes(this.#graph, this.#inputs, this.#compiled, n) <= maxBytes) return n;
    }
    return 1;
  }

  /**
   * The outputs for a batch, by name. Each number of pictures keeps memory of its own.
   * @param inputs row-major
   */
  run(inputs: ReadonlyMap<string, Float32Array>, n: number): Map<string, Float32Array> {
    const plan = this.#plan(n);
    const { memory } = this.#kernels;
    for (const [name, { at, floats }] of plan.inputs) memory.floats(at, floats).set(entryOf(inputs, name));
    plan.run();
    return new Map(
      [...plan.outputs].map(([name, { at, view }]) => {
        const { dims, strides } = view;
        const length = 1 + dims.reduce((sum, dim, axis) => sum + (dim - 1) * itemAt(strides, axis), 0);
        return [name, gathered(memory.floats(at, length), dims, strides, 0)];
      }),
    );
  }

  #plan(n: number): GraphPlan {
    let plan = this.#plans.get(n);
    if (plan === undefined) {
      plan = graphPlan(this.#graph, this.#inputs, this.#compiled, n, this.#end, this.#kernels);
      this.#end = plan.end;
      this.#plans.set(n, plan);
    }
    return plan;
  }
}
