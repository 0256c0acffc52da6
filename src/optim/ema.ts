/**
 * Exponential moving average of weights. Buffers (running mean and variance of BatchNorm) are averaged with the same
 * decay, as timm does by default: the averaged weights give activations between those of the weights averaged, and so
 * should their statistics; a copy of the newest statistics fits the newest weights only.
 */
export interface Ema {
  /** Averages of the parameters, flat over their layout. */
  readonly parameters: Float32Array;
  /** Averages of the buffers, flat over theirs; of length 0 where there are none. */
  readonly buffers: Float32Array;
  /** Updates made so far. */
  updates: number;
}

/** An average that begins at the given values (copied). */
export function createEma(parameters: Float32Array, buffers: Float32Array = new Float32Array(0)): Ema {
  return { parameters: parameters.slice(), buffers: buffers.slice(), updates: 0 };
}

/**
 * The decay of update number n (from 0): min(decay, (1 + n) / (10 + n)), so that early averages forget the random
 * initial weights quickly.
 */
export function emaDecay(decay: number, updates: number): number {
  return Math.min(decay, (1 + updates) / (10 + updates));
}

/** average = d * average + (1 - d) * value, in place, d from `emaDecay`. `decay` is in [0, 1]. */
export function updateEma(
  ema: Ema,
  decay: number,
  parameters: Float32Array,
  buffers: Float32Array = new Float32Array(0),
): void {
  if (!(decay >= 0 && decay <= 1)) throw new RangeError(`the decay of an average is in [0, 1], not ${decay}`);
  if (parameters.length !== ema.parameters.length || buffers.length !== ema.buffers.length) {
    throw new Error(
      `the average is over ${ema.parameters.length} parameters and ${ema.buffers.length} buffers, ` +
        `not ${parameters.length} and ${buffers.length}`,
    );
  }
  const share = 1 - emaDecay(decay, ema.updates);
  moveTowards(ema.parameters, parameters, share);
  moveTowards(ema.buffers, buffers, share);
  ema.updates++;
}

/** Written as a step towards the value, so that an average that equals its value stays equal to the last bit. */
function moveTowards(average: Float32Array, values: Float32Array, share: number): void {
  const size = average.length;
  for (let i = 0; i < size; i++) {
    const a = average[i] as number;
    average[i] = a + share * ((values[i] as number) - a);
  }
}
