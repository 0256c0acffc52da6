import type { FloatArray } from '../../safetensors/index.js';
import type { Source } from './source.js';

/**
 * The same network with one head, and its temperature in its weights: the linear head's are divided by it, so that the softmax of the
 * logits is what this project shows, whatever program computes it.
 */
export function withFoldedTemperature(source: Source): Source {
  const { temperature, heads: _, ...description } = source.description;
  if (temperature === undefined) return { ...source, description, headTensors: new Map() };
  const { weight, bias } = source.network.family.head;
  const parameters = new Map(source.parameters);
  for (const name of [weight, bias]) {
    const array = parameters.get(name);
    if (array === undefined) throw new Error(`the network has no ${name}`);
    parameters.set(name, divided(array, temperature.value));
  }
  return { ...source, description, parameters, headTensors: new Map() };
}

const divided = ({ shape, data }: FloatArray, by: number): FloatArray => ({
  shape,
  data: data.map((value) => value / by),
});
