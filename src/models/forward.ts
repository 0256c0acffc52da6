import { type Graph, graph, input, parametersOf, type Tensor } from '../graph/index.js';
import { createScope, type ParameterSpec, type Scope, type ScopeOptions } from '../nn/index.js';
import type { NetworkConfig } from './network-definition.js';
import type { Forward, Inference } from './network-graphs.js';

/** A fresh graph of what makes logits of pictures. */
export function forwardOf(
  { inputChannels, imageSize }: Pick<NetworkConfig, 'inputChannels' | 'imageSize'>,
  options: ScopeOptions,
  build: (scope: Scope, images: Tensor) => Tensor,
): Forward {
  const scope = createScope(options);
  const images = input('pixel_values', 'float32', ['N', inputChannels, imageSize, imageSize]);
  return { images, logits: build(scope, images), scope };
}

/** A graph of these outputs, with the parameters that they depend on. */
export function inferenceOf(
  outputs: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  scope: Scope,
): Inference {
  const program = graph(outputs);
  return { graph: program, parameters: usedParameters(program, scope), taps: scope.taps };
}

function usedParameters({ outputs }: Graph, scope: Scope): ReadonlyMap<string, ParameterSpec> {
  const used = parametersOf(outputs.values());
  return new Map([...scope.parameters].filter(([name]) => used.has(name)));
}

/** An activation that the network gave a name. */
export function tapped(scope: Scope, name: string): Tensor {
  const value = scope.taps.get(name);
  if (value === undefined) throw new Error(`the network has no activation called ${name}`);
  return value;
}
