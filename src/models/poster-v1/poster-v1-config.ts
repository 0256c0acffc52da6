import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { classLimits, type NetworkConfig } from '../network-definition.js';
import { depth, ir50Schema, sideLimit, widthLimit } from '../parts/backbone-limits.js';
import { type Ir50Config, nanoIr50, publishedIr50 } from '../parts/ir50.js';
import {
  type LandmarkConfig,
  landmarkSchema,
  nanoLandmarkBranch,
  publishedLandmarkBranch,
} from '../parts/landmark-branch.js';
import type { FusionConfig } from './pyramid-fusion.js';

/** Sizes of a POSTER V1. It travels in checkpoints. */
export interface PosterV1Config extends NetworkConfig {
  /** A multiple of `backboneSize`. */
  readonly imageSize: number;
  /** Side that both backbones see, sampled from the input pixel by pixel (nearest). */
  readonly backboneSize: number;
  /**
   * In which order the backbones see the colours of an RGB picture. The published code for RAF-DB reads pictures with
   * OpenCV and leaves them as blue, green, red, in training and in testing.
   */
  readonly channelOrder: 'rgb' | 'bgr';
  readonly image: Ir50Config;
  readonly landmark: LandmarkConfig;
  readonly fusion: FusionConfig;
}

/** As published for RAF-DB in the largest size (arXiv 2204.04083). */
export const posterV1Config: PosterV1Config = {
  numClasses: 7,
  imageSize: 224,
  backboneSize: 112,
  inputChannels: 3,
  channelOrder: 'bgr',
  image: publishedIr50,
  landmark: publishedLandmarkBranch,
  fusion: { embedding: 512, blocks: 8, heads: 8, dropPath: 0.1, mixing: true },
};

/** The same network for gray crops of 48 pixels (FER+), its landmark branch trained along. */
export const posterV1NanoConfig: PosterV1Config = {
  numClasses: 8,
  imageSize: 48,
  backboneSize: 48,
  inputChannels: 1,
  channelOrder: 'rgb',
  image: nanoIr50,
  landmark: { ...nanoLandmarkBranch, head: 256 },
  fusion: { embedding: 256, blocks: 2, heads: 8, dropPath: 0.1, mixing: true },
};

export const posterV1Schema: z.ZodType<PosterV1Config> = z.strictObject({
  numClasses: z.int().min(classLimits.least).max(classLimits.most),
  imageSize: sideLimit,
  backboneSize: sideLimit,
  inputChannels: z.literal([1, 3]),
  channelOrder: z.enum(['rgb', 'bgr']),
  image: ir50Schema,
  landmark: landmarkSchema,
  fusion: z.strictObject({
    embedding: widthLimit,
    blocks: depth,
    heads: depth,
    dropPath: z.number().min(0).lt(1),
    mixing: z.boolean(),
    directions: z.literal('landmark-to-image').exactOptional(),
    multiScale: z.literal('none').exactOptional(),
  }),
});

/** The tokens of each stream without their mean, and how many numbers of the image's map each of its tokens takes. */
export function tokenSizes(config: PosterV1Config): { readonly side: number; readonly numbers: number } {
  const half = (size: number): number => Math.ceil(size / 2);
  const imageSide = half(half(half(config.backboneSize)));
  const side = half(imageSide); // the landmark branch halves once more
  return { side, numbers: (itemAt(config.image.stages, 2).channels * imageSide ** 2) / side ** 2 };
}

/** @throws UserError when the sizes do not fit together: the first rule that is broken, and what would keep it. */
export function checkPosterV1Config(config: PosterV1Config, source = 'The network configuration'): void {
  const { imageSize, backboneSize, inputChannels, channelOrder, landmark, fusion } = config;
  const check = (holds: boolean, problem: string): void => {
    if (!holds) throw new UserError(`${source} does not fit together: ${problem}.`);
  };
  check(
    imageSize % backboneSize === 0,
    `images of ${imageSize} pixels cannot be sampled to ${backboneSize}: choose an imageSize that is a multiple`,
  );
  check(inputChannels === 3 || channelOrder === 'rgb', 'gray pictures have no order of colours: choose rgb');
  const { side, numbers } = tokenSizes(config);
  check(
    Number.isInteger(numbers),
    `the last map of the image branch does not divide into ${side ** 2} tokens: choose another backboneSize`,
  );
  const { embedding, heads } = fusion;
  check(
    landmark.head === embedding,
    `the landmark branch ends in ${landmark.head} channels and a token has ${embedding}: they must be equal`,
  );
  check(embedding % (4 * heads) === 0, `a quarter of an embedding of ${embedding} does not divide into ${heads} heads`);
}
