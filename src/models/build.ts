import { UserError } from '../common/errors.js';
import type { Mode, ScopeOptions } from '../nn/index.js';
import { softmax } from '../ops/index.js';
import type { ConfiguredNetwork } from './configured-network.js';
import { forwardOf, inferenceOf, tapped } from './forward.js';
import type { BuildOptions } from './network-definition.js';
import type { EmbeddingGraph, ExplanationGraph, Forward, Inference } from './network-graphs.js';

/** How a forward pass is built. */
export type ForwardOptions = BuildOptions & Omit<ScopeOptions, 'mode'>;

/** A fresh graph of the forward pass. Training continues it with a loss and its gradients. */
export function buildForward(network: ConfiguredNetwork, mode: Mode, options: ForwardOptions = {}): Forward {
  const { frozen = [], ...own } = options;
  return forwardOf(network.config, { mode, frozen }, (scope, images) => network.build(scope, images, own));
}

export function buildInference(network: ConfiguredNetwork, options: BuildOptions = {}): Inference {
  const { logits, scope } = buildForward(network, 'inference', options);
  return inferenceOf({ logits, probabilities: softmax(logits) }, scope);
}

/** Outputs `features` [N, E], the input of the linear head, and `logits` [N, K]. */
export function buildEmbedding(network: ConfiguredNetwork): EmbeddingGraph {
  const { logits, scope } = buildForward(network, 'inference');
  const features = tapped(scope, network.family.features);
  return { ...inferenceOf({ features, logits }, scope), features: Number(features.shape[1]) };
}

/**
 * The forward pass with what its attention attends to.
 * @throws UserError for a network without attention.
 */
export function buildExplanation(network: ConfiguredNetwork): ExplanationGraph {
  const explanation = network.explanation?.(buildForward(network, 'inference'));
  if (explanation !== undefined) return explanation;
  throw new UserError(
    `${network.name} has no attention that could be shown: explain a network that has, such as poster-v2 or poster-v2-nano.`,
  );
}
