/*
 * What checkpoints of the published code hold and the network never reads: modules that are declared and not called,
 * the landmark head (called, its result dropped), and PyTorch's integer buffers. They are ignored on loading, and can be
 * written for the published code, whose strict loading asks for them.
 */

import { elements, input } from '../../graph/index.js';
import {
  biasInit,
  createScope,
  type Initializer,
  kaimingUniform,
  ones,
  type ParameterSpec,
  zeros,
} from '../../nn/index.js';
import { relativePositionIndex } from '../../ops/index.js';
import { forwardOf } from '../forward.js';
import { classLimits, type IntegerBuffer, type PublishedCode } from '../network-definition.js';
import type { Forward } from '../network-graphs.js';
import { landmarkHead } from '../parts/mobile-face-net.js';
import { posterV2 } from './poster-v2.js';
import { mapSizes, type PosterV2Config, parsePosterV2Config, posterV2Config } from './poster-v2-config.js';
import { posterV2DatasetRecipes, publishedRecipe } from './recipes.js';

type Entry = readonly [name: string, shape: readonly number[], init: Initializer, role?: ParameterSpec['role']];

function layer(name: string, weight: readonly number[], bias = true): Entry[] {
  const fanIn = elements(weight.slice(1));
  const entries: Entry[] = [[`${name}.weight`, weight, kaimingUniform]];
  return bias ? [...entries, [`${name}.bias`, weight.slice(0, 1), biasInit(fanIn)]] : entries;
}

function batchNorm(name: string, channels: number): Entry[] {
  return [
    [`${name}.weight`, [channels], ones],
    [`${name}.bias`, [channels], zeros],
    [`${name}.running_mean`, [channels], zeros, 'buffer'],
    [`${name}.running_var`, [channels], ones, 'buffer'],
  ];
}

/**
 * Tensors of modules that the published network declares and never calls: 14,466,637 parameters, and running statistics.
 * Their shapes are those of the published sizes, whatever the number of classes.
 */
export const deadTensors: ReadonlyMap<string, ParameterSpec> = new Map(
  [
    ...batchNorm('ir_back.output_layer.0', 512),
    ...layer('ir_back.output_layer.3', [512, 512 * 7 * 7]),
    ...batchNorm('ir_back.output_layer.4', 512),
    ...layer('VIT.patch_embed.proj', [768, 256, 1, 1]),
    ...layer('VIT.eca_block.conv', [1, 1, 5], false),
    ...layer('VIT.CON1', [768, 256, 1, 1], false),
    ...layer('VIT.IRLinear1', [768, 1024]),
    ...layer('VIT.IRLinear2', [512, 768]),
    ...layer('VIT.blocks.0.conv', [148, 148, 1]),
    ...layer('VIT.blocks.1.conv', [148, 148, 1]),
  ].map(([name, shape, init, role = 'weight']) => [name, { name, shape, init, role, trained: role === 'weight' }]),
);

const headPrefix = 'face_landback.output_layer.';

/** Whether a checkpoint may hold a tensor of this name that the network does not read. */
export function isUnread(name: string): boolean {
  return deadTensors.has(name) || name.startsWith(headPrefix);
}

/** The landmark head's tensors; an `as-published` training graph declares them itself. */
export function landmarkHeadTensors(config: PosterV2Config): ReadonlyMap<string, ParameterSpec> {
  if (config.landmark === 'none') return new Map();
  const scope = createScope({ mode: 'inference' });
  const { head, landmarks, training } = config.landmark;
  const branch = scope.at('face_landback').at('output_layer');
  const side = mapSizes(config)[2];
  const map = input('map', 'float32', ['N', head, side, side]);
  landmarkHead(training === 'trained' ? branch : branch.frozen(training), map, { landmarks });
  return scope.parameters;
}

/** The integer buffer `relative_position_index` of every attention window. */
export function positionIndices(config: PosterV2Config, parameters: Iterable<string>): Map<string, IntegerBuffer> {
  const buffers = new Map<string, IntegerBuffer>();
  for (const parameter of parameters) {
    const table = /^attn([123])\.relative_position_bias_table$/.exec(parameter);
    if (table === null) continue;
    const window = config.attention[Number(table[1]) - 1]?.window ?? 1;
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
