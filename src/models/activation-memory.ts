import { elements, type Graph, nodesOf, type Value } from '../graph/index.js';

/** Bytes of one picture's intermediate results, float32. */
export interface ActivationMemory {
  /** At once at the most, where each result is freed after its last use: what recognising needs. */
  readonly peak: number;
  /** All together, none freed: a bound for what training keeps for its backward pass. */
  readonly all: number;
}

/**
 * Counts the results that depend on a picture, in the order in which the graph is written. Another shape of the same numbers
 * takes no memory of its own. A runtime may fuse operations, and then needs less.
 */
export function activationMemory(program: Graph): ActivationMemory {
  const nodes = nodesOf(program.outputs.values());
  const ofPictures = new Set<Value>();
  /** What holds a value's numbers: a reshaped tensor is the tensor that it was. */
  const holders = new Map<Value, Value>();
  const lastUse = new Map<Value, number>();
  const holderOf = (value: Value): Value => holders.get(value) ?? value;
  for (const [at, { op, inputs, outputs }] of nodes.entries()) {
    const depends = inputs.some((value) => value && (ofPictures.has(value) || value.source.kind === 'input'));
    for (const value of inputs) if (value) lastUse.set(holderOf(value), at);
    if (!depends) continue;
    const [first] = inputs;
    for (const value of outputs) {
      ofPictures.add(value);
      if (op === 'Reshape' && first) holders.set(value, holderOf(first));
    }
  }
  for (const value of program.outputs.values()) lastUse.set(holderOf(value), nodes.length);

  const bytes = (value: Value): number => 4 * elements(value.shape, 1);
  let [live, peak, all] = [0, 0, 0];
  const freedAfter = new Map<number, number>();
  for (const [at, { outputs }] of nodes.entries()) {
    for (const value of outputs) {
      if (!ofPictures.has(value) || holders.has(value)) continue;
      const size = bytes(value);
      const end = lastUse.get(value) ?? at;
      live += size;
      all += size;
      freedAfter.set(end, (freedAfter.get(end) ?? 0) + size);
    }
    peak = Math.max(peak, live);
    live -= freedAfter.get(at) ?? 0;
  }
  return { peak, all };
}
