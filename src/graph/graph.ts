import { halfValues } from '../common/half.js';
import { formatShape } from './dim.js';
import { type Attribute, apply, type DType, type DTypeArrays, holds, type Node, type Value } from './value.js';

/** What a program computes: named outputs. Inputs, parameters and nodes follow from them. */
export interface Graph {
  readonly outputs: ReadonlyMap<string, Value>;
}

export function graph(outputs: Readonly<Record<string, Value>> | ReadonlyMap<string, Value>): Graph {
  return { outputs: outputs instanceof Map ? outputs : new Map(Object.entries(outputs)) };
}

/** The nodes that the values need, each after those it reads from (iterative: graphs are thousands of nodes deep). */
export function nodesOf(values: Iterable<Value>): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const stack: Node[] = [];
  for (const value of values) {
    if (value.source.kind === 'node') stack.push(value.source.node);
    while (stack.length > 0) {
      const node = stack.at(-1) as Node;
      const visit = state.get(node);
      if (visit !== undefined) {
        stack.pop();
        if (visit === 'open') {
          state.set(node, 'done');
          order.push(node);
        }
        continue;
      }
      state.set(node, 'open');
      for (let i = node.inputs.length - 1; i >= 0; i--) {
        const source = node.inputs[i]?.source;
        if (source?.kind === 'node' && !state.has(source.node)) stack.push(source.node);
      }
    }
  }
  return order;
}

/** Values without a producer, in the order in which the nodes first read them. */
export function leavesOf(values: Iterable<Value>): Value[] {
  const all = [...values];
  const leaves = new Set<Value>();
  for (const node of nodesOf(all)) {
    for (const value of node.inputs) if (value && value.source.kind !== 'node') leaves.add(value);
  }
  for (const value of all) if (value.source.kind !== 'node') leaves.add(value);
  return [...leaves];
}

/** Parameters that the values depend on, by name. Two different parameters of one name are an error. */
export function parametersOf(values: Iterable<Value>): Map<string, Value> {
  return named(values, 'parameter');
}

export function inputsOf(values: Iterable<Value>): Map<string, Value> {
  return named(values, 'input');
}

function named(values: Iterable<Value>, kind: 'parameter' | 'input'): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const leaf of leavesOf(values)) {
    if (leaf.source.kind !== kind) continue;
    const { name } = leaf.source;
    const other = found.get(name);
    if (other !== undefined && other !== leaf) throw new Error(`two different ${kind}s are called '${name}'`);
    found.set(name, leaf);
  }
  return found;
}

/** One line a node, for people and for snapshot tests: `%3 = Conv(%2, weight) {strides=[2, 2]} : float32[N, 64, 28, 28]`. */
export function print(program: Graph): string {
  const ids = new Map<Value, string>();
  const name = (value: Value | undefined): string => {
    if (value === undefined) return '_';
    const { source } = value;
    switch (source.kind) {
      case 'input':
      case 'parameter':
        return source.name;
      case 'constant':
        return source.data.length === 1 ? printNumber(value.dtype, source.data) : `const${formatShape(value.shape)}`;
      case 'node':
        return ids.get(value) ?? '?';
    }
  };
  const lines: string[] = [];
  for (const leaf of leavesOf(program.outputs.values())) {
    if (leaf.source.kind === 'constant') continue;
    lines.push(`${leaf.source.kind} ${name(leaf)} : ${leaf.dtype}${formatShape(leaf.shape)}`);
  }
  for (const node of nodesOf(program.outputs.values())) {
    const results = node.outputs.map((value) => {
      const id = `%${ids.size}`;
      ids.set(value, id);
      return id;
    });
    const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}=${printAttribute(value)}`);
    const types = node.outputs.map((value) => `${value.dtype}${formatShape(value.shape)}`).join(', ');
    const braces = attributes.length > 0 ? ` {${attributes.join(', ')}}` : '';
    lines.push(`${results.join(', ')} = ${node.op}(${node.inputs.map(name).join(', ')})${braces} : ${types}`);
  }
  for (const [key, value] of program.outputs) lines.push(`output ${key} = ${name(value)}`);
  return lines.join('\n');
}

function printNumber(dtype: DType, data: DTypeArrays[DType]): string {
  return String(dtype === 'float16' && holds(dtype, data) ? halfValues(data)[0] : data[0]);
}

function printAttribute(attribute: Attribute): string {
  return attribute.kind === 'ints' ? `[${attribute.value.join(', ')}]` : String(attribute.value);
}

/** The operation of a node applied to other inputs of the same types. */
function rebuild(node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
  const types = node.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  return apply(node.op, inputs, node.attributes, types).outputs;
}

/**
 * Rebuilds a program bottom-up. `rewrite` sees every node with its inputs already rebuilt and returns the values to
 * stand for its outputs, or undefined to keep the node.
 */
export function rewrite(
  program: Graph,
  rule: (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined,
): Graph {
  return rebuilt(program, new Map(), rule);
}

/** The same program over other leaves: each in the map is replaced by its value there. */
export function replaceLeaves(program: Graph, leaves: ReadonlyMap<Value, Value>): Graph {
  return rebuilt(program, new Map(leaves), () => undefined);
}

function rebuilt(
  program: Graph,
  replaced: Map<Value, Value>,
  rule: (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined,
): Graph {
  const current = (value: Value): Value => replaced.get(value) ?? value;
  for (const node of nodesOf(program.outputs.values())) {
    const inputs = node.inputs.map((value) => value && current(value));
    const changed = inputs.some((value, i) => value !== node.inputs[i]);
    const results = rule(node, inputs) ?? (changed ? rebuild(node, inputs) : node.outputs);
    node.outputs.forEach((value, i) => {
      const result = results[i];
      if (result !== undefined && result !== value) replaced.set(value, result);
    });
  }
  return { outputs: new Map([...program.outputs].map(([key, value]) => [key, current(value)])) };
}
