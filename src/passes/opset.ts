import { type Graph, rewrite } from '../graph/index.js';
import { add, erf, mul, operand } from '../ops/index.js';
import { rebuild } from './lower.js';

/** The opset that brought Gelu. */
const geluOpset = 20;

/** The same program in operations that an opset has: before 20, Gelu(x) = x (1 + erf(x / sqrt(2))) / 2. */
export function forOpset(program: Graph, opset: number): Graph {
  if (opset >= geluOpset) return program;
  return rewrite(
    program,
    (node, inputs) => {
      if (node.op !== 'Gelu') return undefined;
      const x = operand({ ...node, inputs }, 0);
      return [mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1))];
    },
    rebuild,
  );
}
