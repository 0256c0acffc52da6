import { UserError } from '../common/errors.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { imagenetMean, imagenetStd } from '../common/preprocessing.js';
import { type Graph, graph, input, parametersOf, type Tensor } from '../graph/index.js';
import { createScope, type Mode, type ParameterSpec, type Scope } from '../nn/index.js';
import { softmax } from '../ops/index.js';
import { type PosterV2Options, posterV2 } from './poster-v2/poster-v2.js';
import { type PosterV2Config, posterV2Config, posterV2NanoConfig } from './poster-v2/poster-v2-config.js';

export interface ModelDefinition {
  readonly name: ModelName;
  /** One line for listings. */
  readonly summary: string;
  readonly config: PosterV2Config;
  readonly preprocessing: Preprocessing;
}

export const modelNames = ['poster-v2', 'poster-v2-nano'] as const;
export type ModelName = (typeof modelNames)[number];

export const models: Readonly<Record<ModelName, ModelDefinition>> = {
  'poster-v2': {
    name: 'poster-v2',
    summary: 'POSTER V2 as published: 224x224 RGB, 43.8M parameters',
    config: posterV2Config,
    preprocessing: { imageSize: 224, channels: 3, mean: imagenetMean, std: imagenetStd },
  },
  'poster-v2-nano': {
    name: 'poster-v2-nano',
    summary: 'the same network with small numbers, trained from nothing: 48x48 gray, 4.6M parameters',
    config: posterV2NanoConfig,
    preprocessing: { imageSize: 48, channels: 1, mean: [0.5], std: [0.25] },
  },
};

/** @throws UserError when there is no such network. */
export function modelNamed(name: string): ModelDefinition {
  const found = modelNames.find((known) => known === name);
  if (found === undefined) {
    throw new UserError(`There is no model called '${name}': choose one of ${modelNames.join(', ')}.`);
  }
  return models[found];
}

/** The forward pass: images [N, C, S, S] -> logits [N, classes]. */
export function build(config: PosterV2Config, scope: Scope, images: Tensor, options: PosterV2Options = {}): Tensor {
  return posterV2(scope, images, config, options);
}

export interface Forward {
  /** The input `pixel_values`, float32 [N, C, S, S]. */
  readonly images: Tensor;
  /** [N, classes] */
  readonly logits: Tensor;
  /** Parameters, running statistics and their updates, masks to feed, taps. */
  readonly scope: Scope;
}

/** A fresh graph of the forward pass. Training continues it with a loss and its gradients. */
export function buildForward(config: PosterV2Config, mode: Mode, options: PosterV2Options = {}): Forward {
  const scope = createScope({ mode });
  const images = input('pixel_values', 'float32', ['N', config.inputChannels, config.imageSize, config.imageSize]);
  return { images, logits: build(config, scope, images, options), scope };
}

export interface Inference {
  /** Input `pixel_values` [N, C, S, S], outputs `logits` and `probabilities` [N, classes]; not lowered yet. */
  readonly graph: Graph;
  /** Exactly those that the outputs depend on. */
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  readonly taps: ReadonlyMap<string, Tensor>;
}

export function buildInference(config: PosterV2Config): Inference {
  const { logits, scope } = buildForward(config, 'inference');
  const program = graph({ logits, probabilities: softmax(logits) });
  const used = parametersOf(program.outputs.values());
  const parameters = new Map([...scope.parameters].filter(([name]) => used.has(name)));
  return { graph: program, parameters, taps: scope.taps };
}
