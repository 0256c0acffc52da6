import { type Graph, nodesOf } from '../graph/index.js';
import { Constants, constantOperations } from './constants.js';
import { nodeEmitters } from './emit-node.js';
import { fusedOperations, outputOf } from './fusion.js';
import { UnsupportedError } from './unsupported.js';

/**
 * Refuses graphs with operations that the kernels do not know, of which no weight need be read. Shapes and attributes are checked as the
 * graph is compiled.
 * @throws UnsupportedError
 */
export function requireKnownOperations({ outputs }: Graph): void {
  const constants = new Constants((name) => {
    throw new Error(`${name} is not read here`);
  });
  for (const node of nodesOf(outputs.values())) {
    if (constants.has(outputOf(node))) {
      if (!constantOperations.has(node.op)) throw new UnsupportedError(`${node.op} of constants`);
    } else if (!fusedOperations.has(node.op) && !nodeEmitters.has(node.op)) throw new UnsupportedError(node.op);
  }
}
