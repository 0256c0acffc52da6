import { elements } from '../../src/graph/index.js';
/*
 * The rule by which the golden files' weights and images are rebuilt: value i of the tensor called NAME comes from
 * output i of mulberry32 seeded with FNV-1a-32 of the name.
 */

/** u_0, u_1, ... in [0, 1) of a name, each passed through `value` and rounded to float32. */
export function uniform(name: string, count: number, value: (u: number) => number = (u) => u): Float32Array {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) state = Math.imul(state ^ byte, 0x01000193);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    out[i] = value(((t ^ (t >>> 14)) >>> 0) / 2 ** 32);
  }
  return out;
}

/** The values of a weight or running statistic. */
export function fill(name: string, shape: readonly number[]): Float32Array {
  const count = elements(shape);
  return uniform(name, count, rule(name, shape));
}

function rule(name: string, shape: readonly number[]): (u: number) => number {
  switch (name.slice(name.lastIndexOf('.') + 1)) {
    case 'running_mean':
    case 'bias':
      return (u) => 0.2 * (u - 0.5);
    case 'running_var':
      return (u) => 0.5 + u;
    case 'gamma1':
    case 'gamma2':
      return (u) => u;
    case 'cls_token':
    case 'pos_embed':
    case 'relative_position_bias_table':
      return (u) => 2 * u - 1;
  }
  if (shape.length === 1 && name.endsWith('.weight')) {
    const slope = /(prelu|input_layer\.2|res_layer\.2)\.weight$/.test(name);
    return slope ? (u) => 0.5 * u : (u) => 0.5 + u;
  }
  const bound = Math.sqrt(3 / elements(shape.slice(1)));
  return (u) => (2 * u - 1) * bound;
}

/** The golden files' input `images/B`, [B, 3, size, size]. */
export function images(batch: number, size = 224, channels = 3): Float32Array {
  return uniform(`images/${batch}`, batch * channels * size * size, (u) => 4 * u - 2);
}
