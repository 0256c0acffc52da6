import type { InferenceSession } from 'onnxruntime-common';
import {
  apply,
  fixedShape,
  formatShape,
  type Graph,
  graph,
  input,
  type Node,
  nodesOf,
  type Value,
} from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';

/**
 * Which operations of a graph a strict session refuses, found by trying a node of each kind alone: ONNX Runtime says only
 * that there is one. Slow (a session for each kind), so only on the way to an error.
 */
export async function unsupportedOperations(
  program: Graph,
  create: (model: Uint8Array) => Promise<InferenceSession>,
): Promise<string> {
  const kinds = new Map<string, Node>();
  for (const node of nodesOf(program.outputs.values())) {
    const kind = JSON.stringify([node.op, node.attributes, node.inputs.map((x) => x && [x.dtype, x.shape.length])]);
    if (!kinds.has(kind)) kinds.set(kind, node);
  }
  const refused: string[] = [];
  for (const node of kinds.values()) {
    try {
      await (await create(writeOnnx(alone(node)))).release();
    } catch {
      const inputs = node.inputs.map((value) => (value ? `${value.dtype}${formatShape(value.shape)}` : '_'));
      refused.push(`${node.op}(${inputs.join(', ')})`);
    }
  }
  return refused.length > 0
    ? `ONNX Runtime has no kernel there for ${refused.join('; ')}`
    : 'each of its operations runs there alone, but not together';
}

/** A graph of one node, its inputs fed from outside where they are not constants. */
function alone(node: Node): Graph {
  const inputs = node.inputs.map((value, i): Value | undefined =>
    value === undefined || value.source.kind === 'constant' ? value : input(`x${i}`, value.dtype, value.shape),
  );
  const types = node.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  const { outputs } = apply(node.op, inputs, node.attributes, types);
  return graph(new Map(outputs.map((value, i) => [`y${i}`, value])));
}

/**
 * The first convolution of a graph that ONNX Runtime 1.30 computes wrongly on WebGPU in the layout NHWC, without an error:
 * kernels above 1x1 whose input channels are a multiple of 3 but not of 4, and not 3 itself, and whose output channels are
 * a multiple of 4 (it reads three channels at a time there; probably its issue 29651).
 */
export function wrongInNhwc(program: Graph): Node | undefined {
  return nodesOf(program.outputs.values()).find((node) => {
    const weight = node.inputs[1];
    if (node.op !== 'Conv' || weight === undefined) return false;
    const [out, channels, ...kernel] = fixedShape(weight);
    if (out === undefined || channels === undefined || kernel.every((size) => size === 1)) return false;
    return channels > 3 && channels % 3 === 0 && channels % 4 !== 0 && out % 4 === 0;
  });
}
