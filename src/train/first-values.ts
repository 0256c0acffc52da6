import { random } from '../common/random.js';
import { elements } from '../graph/index.js';
import { initialize, type ParameterSpec } from '../nn/index.js';

/** Values to begin training with: those given, by name; the others follow at random from the seed and their names. */
export function firstValues(
  specs: ReadonlyMap<string, ParameterSpec>,
  seed: number,
  given: ReadonlyMap<string, Float32Array> = new Map(),
): Map<string, Float32Array> {
  return new Map(
    [...specs].map(([name, spec]) => [name, given.get(name) ?? initialize(spec, random(seed, 'init', name))]),
  );
}

/** The name of the first parameter that is not among these values, or has another size there. */
export function firstMisfit(
  specs: ReadonlyMap<string, ParameterSpec>,
  values: ReadonlyMap<string, Float32Array>,
): string | undefined {
  return [...specs.values()].find(({ name, shape }) => values.get(name)?.length !== elements(shape))?.name;
}
