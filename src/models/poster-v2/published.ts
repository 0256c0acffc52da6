/*
 * What checkpoints of the published code hold and the network never reads: modules that are declared and not called,
 * the landmark head (called, its result dropped), and PyTorch's integer buffers. They are ignored on loading, and can be
 * written for the published code, whose strict loading asks for them.
 */

import { itemAt } from '../../common/item-at.js';
import type { ParameterSpec } from '../../nn/index.js';
import { relativePositionIndex } from '../../ops/index.js';
import { forwardOf } from '../forward.js';
import { classLimits, type IntegerBuffer, type PublishedCode } from '../network-definition.js';
import type { Forward } from '../network-graphs.js';
import { landmarkHeadSpecs } from '../parts/landmark-branch.js';
import { registered, registeredIr50Head, registeredLayer } from '../parts/registered-tensors.js';
import { posterV2 } from './poster-v2.js';
import { mapSizes, type PosterV2Config, parsePosterV2Config, posterV2Config } from './poster-v2-config.js';
import { posterV2DatasetRecipes, publishedRecipe } from './recipes.js';

/**
 * Tensors of modules that the published network declares and never calls: 14,466,637 parameters, and running statistics.
 * Their shapes are those of the published sizes, whatever the number of classes.
 */
export const deadTensors: ReadonlyMap<string, ParameterSpec> = registered([
  ...registeredIr50Head('ir_back.output_layer'),
  ...registeredLayer('VIT.patch_embed.proj', [768, 256, 1, 1]),
  ...registeredLayer('VIT.eca_block.conv', [1, 1, 5], false),
  ...registeredLayer('VIT.CON1', [768, 256, 1, 1], false),
  ...registeredLayer('VIT.IRLinear1', [768, 1024]),
  ...registeredLayer('VIT.IRLinear2', [512, 768]),
  ...registeredLayer('VIT.blocks.0.conv', [148, 148, 1]),
  ...registeredLayer('VIT.blocks.1.conv', [148, 148, 1]),
]);

const headPrefix = 'face_landback.output_layer.';

/** Whether a checkpoint may hold a tensor of this name that the network does not read. */
export function isUnread(name: string): boolean {
  return deadTensors.has(name) || name.startsWith(headPrefix);
}

/** The landmark head's tensors; an `as-published` training graph declares them itself. */
export function landmarkHeadTensors(config: PosterV2Config): ReadonlyMap<string, ParameterSpec> {
  if (config.landmark === 'none') return new Map();
  return landmarkHeadSpecs('face_landback', config.landmark, mapSizes(config)[2]);
}

/** The integer buffer `relative_position_index` of every attention window. */
export function positionIndices(config: PosterV2Config, parameters: Iterable<string>): Map<string, IntegerBuffer> {
  const buffers = new Map<string, IntegerBuffer>();
  for (const parameter of parameters) {
    const table = /^attn([123])\.relative_position_bias_table$/.exec(parameter);
    if (table === null) continue;
    const { window } = itemAt(config.attention, Number(table[1]) - 1);
    const index = BigInt64Array.from(relativePositionIndex(window), BigInt);
    const name = `attn${table[1]}.relative_position_index`;
    buffers.set(name, { name, shape: [window ** 2, window ** 2], data: index });
  }
  return buffers;
}

/** The published network's sizes in one form, for any number of classes; rates and what is frozen are not sizes. */
function sizesOf(config: PosterV2Config): string {
  const { landmark, attention, ...rest } = config;
  return JSON.stringify(
    parsePosterV2Config({
      ...rest,
      numClasses: classLimits.least,
      landmark: landmark === 'none' ? landmark : { ...landmark, training: 'frozen' },
      attention: attention.map((scale) => ({ ...scale, dropPath: 0 })),
    }),
  );
}

/** Only an as-published training pass has the head in its graph: it is reached through the statistics that it moves. */
function forwardWithHead(config: PosterV2Config): Forward | undefined {
  if (config.landmark === 'none' || !config.scales.includes(3)) return undefined;
  const moved = { ...config, landmark: { ...config.landmark, training: 'as-published' as const } };
  return forwardOf(moved, { mode: 'training' }, (scope, images) => posterV2(scope, images, moved));
}

/** The published code, github.com/Talented-Q/POSTER_V2. */
export const posterV2Code: PublishedCode<PosterV2Config> = {
  has: (config) => sizesOf(config) === sizesOf(posterV2Config),
  unread: (config) => new Map([...deadTensors, ...landmarkHeadTensors(config)]),
  isUnread,
  missing: (names) =>
    names.some((name) => name.startsWith(headPrefix)) ? 'Its landmark head finds no landmarks.' : undefined,
  integerBuffers: positionIndices,
  dropped: { title: 'landmark head', prefix: headPrefix, forward: forwardWithHead },
  shortcut: 'last block: class token only',
  recipe: publishedRecipe,
  datasetRecipes: posterV2DatasetRecipes,
};
