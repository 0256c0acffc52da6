/*
 * What checkpoints of the published code hold and the network never reads: IR-50's head and a class token that are declared
 * and not used, the landmark head (called, its result dropped), and without mixing the face's last widest block.
 */
import { type ParameterSpec, zeros } from '../../nn/index.js';
import { forwardOf } from '../forward.js';
import type { PublishedCode } from '../network-definition.js';
import { landmarkHeadSpecs } from '../parts/landmark-branch.js';
import {
  type RegisteredTensor,
  registered,
  registeredIr50Head,
  registeredLayer,
  registeredNorm,
} from '../parts/registered-tensors.js';
import { posterV1 } from './poster-v1.js';
import { type PosterV1Config, posterV1Config, tokenSizes } from './poster-v1-config.js';
import { posterV1DatasetRecipes, publishedRecipe } from './recipes.js';

const [landmarkHeadPrefix, irHead, classToken] = [
  'face_landback.output_layer.',
  'ir_back.output_layer',
  'pyramid_fuse.cls_token',
] as const;

/** Names of what is never read, in some published network. */
const unread = [
  /^face_landback\.output_layer\./,
  /^ir_back\.output_layer\.[034]\.\w+$/,
  /^pyramid_fuse\.cls_token$/,
  /^pyramid_fuse\.blocks\.\d+\.block_l\.(?:attn_lm|mlp2|norm3|norm4)\./,
];

function unreadTensors(config: PosterV1Config): ReadonlyMap<string, ParameterSpec> {
  const { embedding } = config.fusion;
  return new Map([
    ...registered([
      ...registeredIr50Head(irHead),
      [classToken, [1, 1, embedding], zeros],
      ...(config.fusion.mixing ? [] : lastFaceBlock(config)),
    ]),
    ...landmarkHeadSpecs('face_landback', config.landmark, tokenSizes(config).side),
  ]);
}

/** In the last block, the face's tokens of the widest scale reach no logit where no convolution mixes them into the image's. */
function lastFaceBlock({ fusion: { embedding, blocks } }: PosterV1Config): RegisteredTensor[] {
  const block = `pyramid_fuse.blocks.${blocks - 1}.block_l`;
  return [
    ...registeredNorm(`${block}.norm3`, embedding),
    ...registeredNorm(`${block}.norm4`, embedding),
    ...registeredLayer(`${block}.attn_lm.kv`, [2 * embedding, embedding]),
    ...registeredLayer(`${block}.attn_lm.proj`, [embedding, embedding]),
    ...registeredLayer(`${block}.mlp2.fc1`, [2 * embedding, embedding]),
    ...registeredLayer(`${block}.mlp2.fc2`, [embedding, 2 * embedding]),
  ];
}

const publishedBlocks: readonly number[] = [4, 6, 8];

/** The sizes in one form, for any number of classes and blocks; rates, colours and what is frozen are not sizes. */
function sizesOf(config: PosterV1Config): string {
  const { landmark, fusion, image, imageSize, backboneSize, inputChannels } = config;
  const { embedding, heads, directions, multiScale } = fusion;
  const { stem, stages, head, landmarks } = landmark;
  return JSON.stringify([
    [imageSize, backboneSize, inputChannels, embedding, heads, directions, multiScale],
    [image.stem, image.stages.map(({ channels, units }) => [channels, units])],
    [
      stem,
      head,
      landmarks,
      stages.map(({ channels, blocks, entry, expansion }) => [channels, blocks, entry, expansion]),
    ],
  ]);
}

/** The published code, github.com/zczcwh/POSTER. */
export const posterV1Code: PublishedCode<PosterV1Config> = {
  has: (config) => publishedBlocks.includes(config.fusion.blocks) && sizesOf(config) === sizesOf(posterV1Config),
  unread: unreadTensors,
  isUnread: (name) => unread.some((pattern) => pattern.test(name)),
  missing: (names) =>
    names.some((name) => name.startsWith(landmarkHeadPrefix)) ? 'Its landmark head finds no landmarks.' : undefined,
  dropped: {
    title: 'landmark head',
    prefix: landmarkHeadPrefix,
    forward(config) {
      const moved = { ...config, landmark: { ...config.landmark, training: 'as-published' as const } };
      return forwardOf(moved, { mode: 'training' }, (scope, images) => posterV1(scope, images, moved));
    },
  },
  shortcut: "last block: without the face's tokens where they reach nothing",
  recipe: publishedRecipe,
  datasetRecipes: posterV1DatasetRecipes,
};
