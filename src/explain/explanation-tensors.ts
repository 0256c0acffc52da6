import { bytesOf, type Tensor } from '../safetensors/index.js';
import type { Explanation } from './explain.js';

/** The numbers of an explanation in full, with each head, as tensors to be stored. */
export function explanationTensors({ scales, classToken }: Explanation): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const put = (name: string, data: Float32Array, shape: readonly number[]): void => {
    tensors.set(name, { dtype: 'F32', shape, data: bytesOf(data) });
  };
  for (const { scale, attention, heads, relevance } of scales) {
    const { side, values } = attention;
    put(`scale/${scale}/attention`, values, [side, side]);
    put(`scale/${scale}/heads`, heads, [heads.length / (side * side), side, side]);
    put(`scale/${scale}/relevance`, relevance.values, [side, side]);
  }
  if (classToken === undefined) return tensors;
  const { heads, ...maps } = classToken;
  for (const [name, { itself, scales: parts }] of Object.entries(maps)) {
    const row = Float32Array.from([itself, ...parts.flatMap(({ values }) => [...values])]);
    put(`class_token/${name}`, row, [row.length]);
    if (name === 'attention') put('class_token/heads', heads, [heads.length / row.length, row.length]);
  }
  return tensors;
}
