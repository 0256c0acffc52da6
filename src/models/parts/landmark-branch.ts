/*
 * The landmark branch of both POSTERs: a MobileFaceNet that was trained to find landmarks, and what training does to it.
 */
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { input, type Tensor } from '../../graph/index.js';
import { createScope, type ParameterSpec, type Scope } from '../../nn/index.js';
import { depthLimit, stagesOf, widthLimit } from './backbone-limits.js';
import { landmarkHead, type MobileFaceNetConfig, mobileFaceNet } from './mobile-face-net.js';

export interface LandmarkConfig extends MobileFaceNetConfig {
  /**
   * `frozen`: nothing moves. `as-published`: parameters stay, BatchNorm statistics move in training, also those of the
   * landmark head, which is computed for that. `trained`: trained along.
   */
  readonly training: 'frozen' | 'as-published' | 'trained';
  /** Coordinates that the landmark head gives: two a landmark. Only used `as-published`. */
  readonly landmarks: number;
}

/** The sizes of the published detector. */
export const publishedMobileFaceNet: MobileFaceNetConfig = {
  stem: 64,
  stages: [
    { channels: 64, blocks: 4, entry: 128, expansion: 128 },
    { channels: 128, blocks: 6, entry: 256, expansion: 256 },
    { channels: 128, blocks: 2, entry: 512, expansion: 256 },
  ],
  head: 512,
};

/** Small numbers, for gray crops of 48 pixels. */
export const nanoMobileFaceNet: MobileFaceNetConfig = {
  stem: 32,
  stages: [
    { channels: 32, blocks: 1, entry: 64, expansion: 64 },
    { channels: 64, blocks: 2, entry: 128, expansion: 128 },
    { channels: 64, blocks: 1, entry: 256, expansion: 128 },
  ],
  head: 64,
};

/** As published: a detector of 68 landmarks, frozen. */
export const publishedLandmarkBranch: LandmarkConfig = {
  ...publishedMobileFaceNet,
  landmarks: 136,
  training: 'frozen',
};

/** A small branch, which is trained along. */
export const nanoLandmarkBranch: LandmarkConfig = { ...nanoMobileFaceNet, landmarks: 136, training: 'trained' };

const sizes = {
  stem: widthLimit,
  stages: stagesOf(
    z.strictObject({
      channels: widthLimit,
      blocks: z.int().min(0).max(depthLimit.most),
      entry: widthLimit,
      expansion: widthLimit,
    }),
  ),
  head: widthLimit,
};

export const mobileFaceNetSchema: z.ZodType<MobileFaceNetConfig> = z.strictObject(sizes);

export const landmarkSchema: z.ZodType<LandmarkConfig> = z.strictObject({
  ...sizes,
  landmarks: widthLimit,
  training: z.enum(['frozen', 'as-published', 'trained']),
});

/** The maps of {@link mobileFaceNet}, with what training does to the branch. */
export function landmarkMaps(branch: Scope, images: Tensor, config: LandmarkConfig): Tensor[] {
  const { training, landmarks } = config;
  const own = training === 'trained' ? branch : branch.frozen(training);
  const maps = mobileFaceNet(own, images, config);
  const last = maps[2];
  if (last !== undefined && training === 'as-published') landmarkHead(own.at('output_layer'), last, { landmarks });
  return maps;
}

/**
 * The landmark head's tensors; an `as-published` training graph declares them itself.
 * @param branch scope of the branch
 * @param side of the last map
 */
export function landmarkHeadSpecs(
  name: string,
  { head, landmarks, training }: LandmarkConfig,
  side: number,
): ReadonlyMap<string, ParameterSpec> {
  const scope = createScope({ mode: 'inference' });
  const branch = scope.at(name).at('output_layer');
  const map = input('map', 'float32', ['N', head, side, side]);
  landmarkHead(training === 'trained' ? branch : branch.frozen(training), map, { landmarks });
  return scope.parameters;
}

/**
 * The branch with what training does to it. One with pretrained weights may be kept; one without, as in small networks, is
 * trained.
 * @param alternative what else the network could do with it, for the error
 * @throws UserError where there are no weights to keep.
 */
export function withTraining(
  branch: LandmarkConfig,
  wanted: LandmarkConfig['training'],
  variant: string,
  alternative = '',
): LandmarkConfig {
  if (branch.training === 'trained' && wanted !== 'trained') {
    throw new UserError(
      `The landmark branch of ${variant} has no weights of its own to keep, so it is 'trained'${alternative}, never '${wanted}'.`,
      'usage',
    );
  }
  return { ...branch, training: wanted };
}
