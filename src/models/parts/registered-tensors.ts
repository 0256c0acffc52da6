/*
 * What the published code of a network registers and never reads: modules that are declared and not called. Its strict
 * loading asks for them.
 */
import { elements } from '../../graph/index.js';
import { biasInit, type Initializer, kaimingUniform, ones, type ParameterSpec, zeros } from '../../nn/index.js';

export type RegisteredTensor = readonly [
  name: string,
  shape: readonly number[],
  init: Initializer,
  role?: ParameterSpec['role'],
];

/** A convolution or linear layer with this weight, as PyTorch begins it. */
export function registeredLayer(name: string, weight: readonly number[], bias = true): RegisteredTensor[] {
  const fanIn = elements(weight.slice(1));
  const tensors: RegisteredTensor[] = [[`${name}.weight`, weight, kaimingUniform]];
  return bias ? [...tensors, [`${name}.bias`, weight.slice(0, 1), biasInit(fanIn)]] : tensors;
}

function registeredBatchNorm(name: string, channels: number): RegisteredTensor[] {
  return [
    ...registeredNorm(name, channels),
    [`${name}.running_mean`, [channels], zeros, 'buffer'],
    [`${name}.running_var`, [channels], ones, 'buffer'],
  ];
}

/** A LayerNorm. */
export function registeredNorm(name: string, channels: number): RegisteredTensor[] {
  return [
    [`${name}.weight`, [channels], ones],
    [`${name}.bias`, [channels], zeros],
  ];
}

/** The head of IR-50 for face recognition, which neither POSTER calls. Its sizes are those of the published network. */
export function registeredIr50Head(name: string): RegisteredTensor[] {
  return [
    ...registeredBatchNorm(`${name}.0`, 512),
    ...registeredLayer(`${name}.3`, [512, 512 * 7 * 7]),
    ...registeredBatchNorm(`${name}.4`, 512),
  ];
}

export function registered(tensors: readonly RegisteredTensor[]): ReadonlyMap<string, ParameterSpec> {
  return new Map(
    tensors.map(([name, shape, init, role = 'weight']) => [
      name,
      { name, shape, init, role, trained: role === 'weight' },
    ]),
  );
}
