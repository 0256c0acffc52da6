import { elements } from '../graph/index.js';
import type { Initializer } from './initializer.js';

/** What initialization needs of a random generator. */
export interface RandomSource {
  /** Uniform in [0, 1). */
  next(): number;
  /** Standard normal. */
  normal(): number;
}

/** The first values of a parameter or running statistic, row-major. */
export function initialize(
  spec: { readonly shape: readonly number[]; readonly init: Initializer },
  random: RandomSource,
): Float32Array {
  const data = new Float32Array(elements(spec.shape));
  const { init, shape } = spec;
  const uniform = (bound: number): Float32Array => {
    for (let i = 0; i < data.length; i++) data[i] = (2 * random.next() - 1) * bound;
    return data;
  };
  switch (init.kind) {
    case 'constant':
      return data.fill(init.value);
    case 'uniform':
      return uniform(init.bound);
    case 'kaiming-uniform':
      return uniform(1 / Math.sqrt(fans(shape).fanIn));
    case 'xavier-uniform': {
      const { fanIn, fanOut } = fans(shape);
      return uniform(Math.sqrt(6 / (fanIn + fanOut)));
    }
    case 'truncated-normal':
      for (let i = 0; i < data.length; i++) {
        let z = random.normal();
        while (Math.abs(z) > 2) z = random.normal();
        data[i] = z * init.std;
      }
      return data;
  }
}

/** Inputs to each output and outputs of each input, of a weight [out, in, ...kernel]. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const [out = 1, input = 1, ...kernel] = shape;
  const receptive = elements(kernel);
  return { fanIn: input * receptive, fanOut: out * receptive };
}
