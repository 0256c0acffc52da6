import { loadParameters, matchParameters, shapesOf } from '../checkpoints/index.js';
import { UserError } from '../common/errors.js';
import type { ParameterSpec } from '../nn/index.js';

export interface InitReport {
  readonly taken: number;
  readonly sentence: string;
}

/**
 * Replaces first values by those of a checkpoint where name and shape are the same; a head for other classes stays new.
 * @throws UserError when nothing fits.
 */
export async function initialParameters(
  path: string,
  specs: ReadonlyMap<string, ParameterSpec>,
  values: Map<string, Float32Array>,
): Promise<InitReport> {
  const { parameters: found } = await loadParameters(path);
  const expected = new Map([...specs.values()].map(({ name, shape }) => [name, shape]));
  const match = matchParameters(expected, shapesOf(found));
  const unfit = new Set([...match.missing, ...match.mismatched].map(({ name }) => name));
  let taken = 0;
  for (const name of specs.keys()) {
    const source = found.get(name);
    if (unfit.has(name) || source === undefined) continue;
    values.set(name, source.data);
    taken++;
  }
  if (taken === 0) {
    throw new UserError(
      `${path} has no tensor with a name and shape of this network; choose another --init or --model.`,
    );
  }
  const rest = match.missing.length + match.mismatched.length;
  const names = [...unfit].slice(0, 3).join(', ');
  const kept = rest === 0 ? '' : `; ${rest} began anew (${names}${rest > 3 ? ', ...' : ''})`;
  return { taken, sentence: `Took ${taken} of ${specs.size} tensors from ${path}${kept}.` };
}
