import type { ConfiguredNetwork } from '../models/index.js';
import { type HostTensor, hostTensor } from '../runtime/index.js';
import type { MicroBatch } from './engine.js';
import { names, type TrainingProgram } from './program.js';

/** What a pass takes in beside weights and running statistics, by the training graph's input names. */
export function batchFeeds(
  network: ConfiguredNetwork,
  program: TrainingProgram,
  { size, images, targets, weight, masks }: MicroBatch,
): Map<string, HostTensor> {
  const feeds = new Map<string, HostTensor>([
    [names.images, imageFeed(network, images, size)],
    [names.targets, hostTensor('float32', targets, [size, network.config.numClasses])],
    [names.weights, hostTensor('float32', new Float32Array(size).fill(weight), [size])],
  ]);
  for (const [name, { value }] of program.masks) {
    const mask = masks.get(name);
    if (mask === undefined) throw new Error(`the mask ${name} was not given`);
    feeds.set(name, hostTensor('float32', mask, [size, ...value.shape.slice(1).map(Number)]));
  }
  return feeds;
}

/** @param images [n, C, S, S] */
export function imageFeed({ config }: ConfiguredNetwork, images: Float32Array, n: number): HostTensor {
  const { inputChannels, imageSize } = config;
  return hostTensor('float32', images, [n, inputChannels, imageSize, imageSize]);
}

export function valuesOf(name: string, parameters: ReadonlyMap<string, Float32Array>): Float32Array {
  const values = parameters.get(name);
  if (values === undefined) throw new Error(`no first values for ${name}`);
  return values;
}

/** Frozen weights and statistics: constants of the graph, which the runtime can pack as suits its kernels. */
export function constantsOf(
  program: TrainingProgram,
  parameters: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, Float32Array> {
  const still = [...program.parameters.keys()].filter(
    (name) => !program.trained.has(name) && !program.buffers.has(name),
  );
  return new Map(still.map((name) => [name, valuesOf(name, parameters)]));
}
