import { type Graph, rewrite } from '../graph/index.js';
import { operationOf } from '../ops/index.js';

/** The same program in operations that an opset has, as far as the table says how they were done before. */
export function forOpset(program: Graph, opset: number): Graph {
  return rewrite(program, (node, inputs) => {
    const { onnx } = operationOf(node.op);
    if (onnx === 'ours' || onnx.since === undefined || onnx.since <= opset) return undefined;
    return onnx.before?.({ ...node, inputs });
  });
}
