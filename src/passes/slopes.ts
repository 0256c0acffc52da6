import { type Graph, type Node, nodesOf, rewrite } from '../graph/index.js';
import { attributesOf, operand, operationOf, prelu } from '../ops/index.js';

/** The parameter that a PReLU's slope is, by name; undefined for other operations and slopes of other origin. */
function slopeOf(node: Node): string | undefined {
  if (node.op !== 'PRelu') return undefined;
  const slope = node.inputs[1]?.source;
  // [C] is reshaped to [C, 1, 1].
  const source = slope?.kind === 'node' && slope.node.op === 'Reshape' ? slope.node.inputs[0]?.source : slope;
  return source?.kind === 'parameter' ? source.name : undefined;
}

/** Names of the parameters that are slopes of PReLUs. */
export function slopesOf(program: Graph): string[] {
  return nodesOf(program.outputs.values()).flatMap((node) => slopeOf(node) ?? []);
}

/** The same program, told that these slopes are nowhere above 1: their PReLUs take a pass less on the CPU. */
export function withSlopesAtMostOne(program: Graph, names: ReadonlySet<string>): Graph {
  return rewrite(program, (node, inputs) => {
    const name = slopeOf(node);
    if (name === undefined || !names.has(name)) return undefined;
    const rewired = { ...node, inputs };
    const { fixed } = attributesOf('PRelu', node);
    return [prelu(operand(rewired, 0), operand(rewired, 1), { fixed: fixed === 1, atMostOne: true })];
  });
}

/**
 * The same program without the PReLUs of these slopes, which are nowhere above 1: in operations that other runtimes' CPU
 * kernels, too, spread over all cores.
 */
export function withoutPRelus(program: Graph, names: ReadonlySet<string>): Graph {
  return rewrite(withSlopesAtMostOne(program, names), (node, inputs) => {
    if (node.op !== 'PRelu' || attributesOf('PRelu', node).atMostOne !== 1) return undefined;
    return operationOf('PRelu').lower?.({ ...node, inputs }, { device: 'cpu' });
  });
}
