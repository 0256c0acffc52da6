import {
  broadcast,
  constant,
  formatShape,
  GraphError,
  type Node,
  nodesOf,
  sameShape,
  type Tensor,
  type Value,
} from '../graph/index.js';
import { add, operationOf, sumTo } from '../ops/index.js';

/**
 * Reverse mode from graph to graph: d(loss)/d(value) for each of `wanted`, as values of the same graph and of the
 * wanted values' shapes; undefined where the loss does not depend on one. Nothing is built for values outside of
 * `wanted`: a frozen parameter costs nothing, and neither does the part of the network before it.
 *
 * @param loss a scalar.
 * @throws Error when a wanted value is reached only through an operation that has no gradient, or in half precision; the
 * message names it.
 */
export function gradients(loss: Tensor, wanted: readonly Tensor[]): (Tensor | undefined)[] {
  if (loss.shape.length !== 0) throw new Error('only a scalar can be differentiated: sum the loss first');
  const order = nodesOf([loss]);
  const active = activeValues(order, wanted);
  const collected = new Map<Value, Tensor>();
  collected.set(loss, constant('float32', Float32Array.of(1), []));
  for (const node of order.reverse()) {
    const dOutputs = node.outputs.map((value) => collected.get(value));
    const wants = node.inputs.map((value) => value !== undefined && active.has(value));
    if (!wants.includes(true) || dOutputs.every((value) => value === undefined)) continue;
    const half = node.inputs.find((value, i) => wants[i] && value?.dtype === 'float16');
    if (half) throw new GraphError(node.op, [half], 'gradients are float32: cast to it before what is differentiated');
    const { gradient } = operationOf(node.op);
    if (typeof gradient !== 'function') throw new Error(`${node.op} cannot be differentiated: ${gradient.none}`);
    const results = gradient({ node, gradients: dOutputs, wants });
    node.inputs.forEach((value, i) => {
      const result = results[i];
      if (value === undefined || !wants[i] || result === undefined) return;
      const part = fit(node.op, i, result, value);
      const before = collected.get(value);
      collected.set(value, before === undefined ? part : add(before, part));
    });
  }
  return wanted.map((value) => collected.get(value));
}

/** Values that lie on a path from a wanted one. */
function activeValues(order: readonly Node[], wanted: readonly Value[]): Set<Value> {
  const active = new Set<Value>(wanted);
  for (const node of order) {
    if (node.inputs.some((value) => value !== undefined && active.has(value))) {
      for (const value of node.outputs) active.add(value);
    }
  }
  return active;
}

/** A rule's result in the shape of the input: summed where the input was broadcast. */
function fit(op: string, index: number, gradient: Tensor, value: Value): Tensor {
  if (sameShape(gradient.shape, value.shape)) return gradient;
  const reached = broadcast(gradient.shape, value.shape);
  if (reached === undefined || !sameShape(reached, gradient.shape)) {
    throw new GraphError(op, [value], `the rule's gradient for input ${index} is ${formatShape(gradient.shape)}`);
  }
  return sumTo(gradient, value.shape);
}
