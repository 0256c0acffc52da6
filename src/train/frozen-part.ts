import { type Graph, graph, input, nodesOf, rewrite, type Tensor, type Value } from '../graph/index.js';

/** A program in two: what frozen weights make of pictures, and all else. */
export interface Divided {
  /** Input `pixel_values`; outputs `feature/0` and so on, float32 [N, ...]. */
  readonly frozen: Graph;
  /** The program, with those outputs as its inputs in place of `pixel_values`. */
  readonly rest: Graph;
}

/**
 * Takes what frozen weights compute out of a program.
 * @param forward what is computed of the pictures, without gradients
 * @param prefixes what the names of frozen parameters begin with
 * @returns undefined where nothing is gained: nothing is frozen, or what is trained sees the pictures themselves
 */
export function divided(
  program: Graph,
  forward: Iterable<Tensor>,
  images: Tensor,
  prefixes: readonly string[],
): Divided | undefined {
  const isFixed = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const features = frontier(forward, images, isFixed);
  // A row of each feature for each picture: only such ones can be kept and put together anew.
  const hasRows = features.every(({ dtype, shape }) => dtype === 'float32' && shape[0] === 'N');
  if (features.length === 0 || features.includes(images) || !hasRows) return undefined;
  const named = features.map((value, i) => [`feature/${i}`, value] as const);
  const inputs = new Map(named.map(([name, value]) => [value, input(name, value.dtype, value.shape)] as const));
  const rest = rewrite(program, ({ outputs }) =>
    outputs.some((value) => inputs.has(value)) ? outputs.map((value) => inputs.get(value) ?? value) : undefined,
  );
  return { frozen: graph(new Map(named)), rest };
}

/**
 * Where a program stops being fixed: the values that depend on `from`, otherwise on nothing but fixed leaves, and that are read by
 * nodes that depend on more. In the order in which those read them.
 * @param from an input
 * @param isFixed whether a parameter keeps its values
 */
function frontier(outputs: Iterable<Value>, from: Value, isFixed: (parameter: string) => boolean): Value[] {
  const fixed = new Set<Value>([from]);
  const follows = new Set<Value>([from]);
  const stays = (value: Value): boolean => {
    const { source } = value;
    if (source.kind === 'parameter') return isFixed(source.name);
    return source.kind === 'constant' || fixed.has(value);
  };
  const found = new Set<Value>();
  for (const { inputs, outputs: results } of nodesOf(outputs)) {
    const read = inputs.filter((value) => value !== undefined);
    const isStill = read.every(stays);
    const isBehind = read.some((value) => follows.has(value));
    for (const result of results) {
      if (isStill) fixed.add(result);
      if (isBehind) follows.add(result);
    }
    if (!isStill) for (const value of read) if (fixed.has(value) && follows.has(value)) found.add(value);
  }
  return [...found];
}
