import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { describeZodError } from '../../common/json.js';
import { classLimits, type NetworkConfig } from '../network-definition.js';
import type { ScaleNumber } from '../network-graphs.js';
import { depth, ir50Schema, sideLimit, widthLimit } from '../parts/backbone-limits.js';
import { type Ir50Config, nanoIr50, publishedIr50 } from '../parts/ir50.js';
import {
  type LandmarkConfig,
  landmarkSchema,
  nanoLandmarkBranch,
  publishedLandmarkBranch,
} from '../parts/landmark-branch.js';

export interface ScaleConfig {
  /** Side of the attention window; divides the side of the map. */
  readonly window: number;
  readonly heads: number;
  /** Rate of stochastic depth, in [0, 1). */
  readonly dropPath: number;
}

/** Sizes of a POSTER V2. It travels in checkpoints: see {@link parsePosterV2Config}. */
export interface PosterV2Config extends NetworkConfig {
  /** A multiple of `backboneSize`. */
  readonly imageSize: number;
  /** Side that both backbones see, sampled from the input pixel by pixel (nearest). */
  readonly backboneSize: number;
  /** Image branch, of three stages. */
  readonly image: Ir50Config;
  /** Landmark branch, of three stages; `none` (ablation): the image's own tokens are the queries of the attention. */
  readonly landmark: LandmarkConfig | 'none';
  /** Cross-attention at scale 1, 2, 3. */
  readonly attention: readonly [ScaleConfig, ScaleConfig, ScaleConfig];
  /** `vanilla` (ablation): over whole maps and without a position bias, as in POSTER V1. Default: in windows, with one. */
  readonly crossAttention?: 'vanilla';
  /**
   * `pyramid` (ablation): all scales are the deepest maps of both branches, narrowed to the channels of each scale, as in
   * POSTER V1. Default: each scale is a stage of the branches.
   */
  readonly multiScale?: 'pyramid';
  /** Scales whose tokens reach the transformer, ascending (ablation: fewer than three). */
  readonly scales: readonly ScaleNumber[];
  readonly transformer: {
    /** Size of a token. */
    readonly embedding: number;
    readonly blocks: number;
    readonly heads: number;
  };
}

/** As published (arXiv 2301.12149), for the seven classes of RAF-DB. */
export const posterV2Config: PosterV2Config = {
  numClasses: 7,
  imageSize: 224,
  backboneSize: 112,
  inputChannels: 3,
  image: publishedIr50,
  landmark: publishedLandmarkBranch,
  attention: [
    { window: 28, heads: 2, dropPath: 0 },
    { window: 14, heads: 4, dropPath: 0.125 },
    { window: 7, heads: 8, dropPath: 0.25 },
  ],
  scales: [1, 2, 3],
  transformer: { embedding: 768, blocks: 2, heads: 8 },
};

/** The same network for gray crops of 48 pixels (FER+), its landmark branch trained along. */
export const posterV2NanoConfig: PosterV2Config = {
  numClasses: 8,
  imageSize: 48,
  backboneSize: 48,
  inputChannels: 1,
  image: nanoIr50,
  landmark: nanoLandmarkBranch,
  attention: [
    { window: 12, heads: 2, dropPath: 0 },
    { window: 6, heads: 4, dropPath: 0.125 },
    { window: 3, heads: 8, dropPath: 0.25 },
  ],
  scales: [1, 2, 3],
  transformer: { embedding: 256, blocks: 2, heads: 8 },
};

const scale = z.strictObject({ window: sideLimit, heads: depth, dropPath: z.number().min(0).lt(1) });

export const posterV2Schema: z.ZodType<PosterV2Config> = z.strictObject({
  numClasses: z.int().min(classLimits.least).max(classLimits.most),
  imageSize: sideLimit,
  backboneSize: sideLimit,
  inputChannels: z.union([z.literal(1), z.literal(3)]),
  image: ir50Schema,
  landmark: z.union([z.literal('none'), landmarkSchema]),
  attention: z.tuple([scale, scale, scale]),
  crossAttention: z.literal('vanilla').exactOptional(),
  multiScale: z.literal('pyramid').exactOptional(),
  scales: z.array(z.union([z.literal(1), z.literal(2), z.literal(3)])).min(1),
  transformer: z.strictObject({ embedding: widthLimit, blocks: depth, heads: depth }),
});

/**
 * Sides of the maps that meet at each scale: the backbone's side halved twice, three times, four times, rounded up; in a
 * pyramid of the deepest maps all are that of the last.
 */
export function mapSizes(config: PosterV2Config): readonly [number, number, number] {
  const half = (size: number): number => Math.ceil(size / 2);
  const first = half(half(config.backboneSize));
  const [second, third] = [half(first), half(half(first))];
  return config.multiScale === 'pyramid' ? [third, third, third] : [first, second, third];
}

/**
 * A configuration from outside, such as a checkpoint.
 * @throws UserError when it is no such configuration, or its sizes do not fit together.
 */
export function parsePosterV2Config(value: unknown, source = 'The network configuration'): PosterV2Config {
  const parsed = posterV2Schema.safeParse(value);
  if (!parsed.success)
    throw new UserError(`${source} does not have the expected content: ${describeZodError(parsed.error)}.`);
  checkPosterV2Config(parsed.data, source);
  return parsed.data;
}

/** @throws UserError when the sizes do not fit together: the first rule that is broken, and what would keep it. */
export function checkPosterV2Config(config: PosterV2Config, source = 'The network configuration'): void {
  const { imageSize, backboneSize, attention, image, landmark, scales, transformer } = config;
  const check = (holds: boolean, problem: string): void => {
    if (!holds) throw new UserError(`${source} does not fit together: ${problem}.`);
  };
  check(
    imageSize % backboneSize === 0,
    `images of ${imageSize} pixels cannot be sampled to ${backboneSize}: choose an imageSize that is a multiple`,
  );
  check(
    scales.every((scale, i) => i === 0 || scale > itemAt(scales, i - 1)),
    `the scales ${scales.join(', ')} must be given once each, in ascending order`,
  );
  const sizes = mapSizes(config);
  for (const scale of scales) {
    const { window, heads } = attention[scale - 1] as ScaleConfig;
    const size = sizes[scale - 1] as number;
    const channels = itemAt(image.stages, scale - 1).channels;
    check(
      size % window === 0,
      `windows of ${window} do not divide the map of ${size}x${size} at scale ${scale}: choose a divisor of ${size}`,
    );
    check(
      config.crossAttention !== 'vanilla' || size === window,
      `vanilla cross-attention is over whole maps: choose a window of ${size} at scale ${scale}`,
    );
    check(channels % heads === 0, `${channels} channels at scale ${scale} do not divide into ${heads} heads`);
    // The third landmark map goes through a convolution that brings it to the image's channels, in a pyramid each does.
    const isBrought = scale === 3 || config.multiScale === 'pyramid';
    const queries = landmark === 'none' || isBrought ? channels : landmark.stages[scale - 1]?.channels;
    check(
      queries === channels,
      `the landmark branch has ${queries} channels at scale ${scale} and the image branch ${channels}: they must be equal`,
    );
  }
  const { embedding, heads } = transformer;
  check(embedding % heads === 0, `an embedding of ${embedding} does not divide into ${heads} heads`);
}
