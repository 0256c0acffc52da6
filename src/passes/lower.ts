import { formatShape, type Graph, GraphError, type Node, rewrite, sameShape, type Value } from '../graph/index.js';
import { type Device, operationOf, type Target } from '../ops/index.js';

/** A lowering must stand for every output of the node with the same dtype and shape. */
function checked(node: Node, results: readonly Value[]): readonly Value[] {
  const fits = node.outputs.every(({ dtype, shape }, i) => {
    const result = results[i];
    return result !== undefined && result.dtype === dtype && sameShape(result.shape, shape);
  });
  if (fits) return results;
  throw new GraphError(node.op, results, `its lowering does not make what it puts out, ${describe(node.outputs)}`);
}

const describe = (values: readonly Value[]): string =>
  values.map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`).join(', ');

/**
 * Replaces the operations that ONNX lacks by those it has, in the form that suits the target.
 * @param where a device, or a device and what is known of its processor
 */
export function lower(program: Graph, where: Device | Target): Graph {
  const target = typeof where === 'string' ? { device: where } : where;
  let current = program;
  // What a rule returns may need lowering again (a rule may use any operation), so repeat until nothing changes.
  for (let round = 0; round < 8; round++) {
    let changed = false;
    current = rewrite(current, (node, inputs) => {
      const rule = operationOf(node.op).lower;
      if (rule === undefined) return undefined;
      const same = inputs.every((value, i) => value === node.inputs[i]);
      const rewired: Node = same ? node : { ...node, inputs };
      const results = rule(rewired, target);
      if (results === undefined) return undefined;
      changed = true;
      return checked(node, results);
    });
    if (!changed) return current;
  }
  throw new Error('lowering does not end: an operation is lowered to itself');
}
