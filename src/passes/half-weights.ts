import { fixedShape, type Graph, parameter, parametersOf, replaceLeaves, type Tensor } from '../graph/index.js';
import { cast } from '../ops/index.js';

/**
 * The same program with some of its float32 parameters stored as float16: each is converted back before it is used, which
 * runtimes do once, on loading. Half the bytes, and what is computed stays float32.
 */
export function withHalfWeights(program: Graph, isHalf: (name: string) => boolean): Graph {
  const replaced = new Map<Tensor, Tensor>();
  for (const [name, leaf] of parametersOf(program.outputs.values())) {
    if (leaf.dtype !== 'float32' || !isHalf(name)) continue;
    const half = parameter(name, fixedShape(leaf), 'float16');
    replaced.set(leaf as Tensor, cast(half, 'float32'));
  }
  return replaceLeaves(program, replaced);
}
