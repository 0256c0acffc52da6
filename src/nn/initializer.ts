/** How a parameter starts, as data: it is turned into numbers by `initialize`, with a generator from outside. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  /** Uniform in [-bound, bound). */
  | { readonly kind: 'uniform'; readonly bound: number }
  /**
   * PyTorch's default for convolutions and linear layers, kaiming_uniform_(a = sqrt(5)): uniform within
   * 1 / sqrt(fan_in), fan_in being the product of all dimensions but the first.
   */
  | { readonly kind: 'kaiming-uniform' }
  /** Glorot's: uniform within sqrt(6 / (fan_in + fan_out)). */
  | { readonly kind: 'xavier-uniform' }
  /** Normal with mean 0, cut off at two standard deviations (drawn again beyond). */
  | { readonly kind: 'truncated-normal'; readonly std: number };

export const constantInit = (value: number): Initializer => ({ kind: 'constant', value });
export const zeros: Initializer = constantInit(0);
export const ones: Initializer = constantInit(1);
export const kaimingUniform: Initializer = { kind: 'kaiming-uniform' };
export const xavierUniform: Initializer = { kind: 'xavier-uniform' };
export const truncatedNormal = (std: number): Initializer => ({ kind: 'truncated-normal', std });
/** PyTorch's default for the bias of a layer with `fanIn` inputs to each output. */
export const biasInit = (fanIn: number): Initializer => ({ kind: 'uniform', bound: 1 / Math.sqrt(fanIn) });
