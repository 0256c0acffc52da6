import { UserError } from '../common/errors.js';
import { random } from '../common/random.js';
import { elements } from '../graph/index.js';
import { initialize, type ParameterSpec } from '../nn/index.js';

/**
 * Values to begin training with: those given, by name; the others follow at random from the seed and their names.
 * @throws UserError where given values are more or fewer than the parameter of their name has: they are another network's.
 */
export function firstValues(
  specs: ReadonlyMap<string, ParameterSpec>,
  seed: number,
  given: ReadonlyMap<string, Float32Array> = new Map(),
): Map<string, Float32Array> {
  for (const { name, shape } of specs.values()) {
    const count = given.get(name)?.length ?? elements(shape);
    if (count === elements(shape)) continue;
    throw new UserError(
      `The first values of ${name} are ${count}, and this network has ${elements(shape)}; give those of this network, or leave them out.`,
    );
  }
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
