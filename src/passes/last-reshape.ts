import type { Graph, Value } from '../graph/index.js';

/** The same program with some of its outputs as they were before a last reshape: the same elements in another shape. */
export function withoutLastReshape(program: Graph, isMeant: (output: string) => boolean): Graph {
  const outputs = [...program.outputs].map(([name, value]): [string, Value] => {
    const node = value.source.kind === 'node' ? value.source.node : undefined;
    const [before] = node?.op === 'Reshape' && isMeant(name) ? node.inputs : [];
    return [name, before ?? value];
  });
  return { outputs: new Map(outputs) };
}
