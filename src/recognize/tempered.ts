import { logSoftmax } from '../metrics/index.js';
import type { Classified } from './classified.js';

/**
 * What logits say at a temperature. The order of the classes is the same at any.
 * @param rawLogits [n, K]
 * @param temperature above 0; 1 changes nothing
 */
export function tempered(rawLogits: Float32Array, classes: number, temperature: number): Required<Classified> {
  const logits = rawLogits.map((value) => value / temperature);
  const probabilities = new Float32Array(logits.length);
  for (let i = 0; i < logits.length; i += classes) {
    probabilities.set(logSoftmax(logits.subarray(i, i + classes)).map(Math.exp), i);
  }
  return { logits, probabilities, rawLogits };
}
