/*
 * The published landmark branch with its head, by itself: a detector of 68 landmarks. POSTER V2 computes the head and
 * drops the result; here it is the result.
 */
import { imagenetMean, imagenetStd, type Preprocessing } from '../../common/preprocessing.js';
import { input } from '../../graph/index.js';
import { createScope, nearest } from '../../nn/index.js';
import { reshape } from '../../ops/index.js';

import { inferenceOf } from '../forward.js';
import type { Inference } from '../network-graphs.js';
import { publishedLandmarkBranch } from '../parts/landmark-branch.js';
import { landmarkHead, mobileFaceNet } from '../parts/mobile-face-net.js';
import { posterV2Config } from './poster-v2-config.js';

/** Where the landmark branch is in a POSTER V2; a file of its own has its names without this. */
export const landmarkPrefix = 'face_landback.';

/**
 * How pictures reach the detector. `detector`: as it was trained, 112x112 BGR in [0, 1]. `poster`: as POSTER V2 shows
 * them to it, every second pixel of 224x224 RGB, normalised as for ImageNet; its published checkpoints hold running
 * statistics of such pictures.
 */
export type LandmarkInput = 'detector' | 'poster';

export const landmarkPreprocessing: Readonly<Record<LandmarkInput, Preprocessing>> = {
  detector: { imageSize: posterV2Config.backboneSize, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
  poster: { imageSize: posterV2Config.imageSize, channels: 3, mean: imagenetMean, std: imagenetStd },
};

/**
 * The detector as published.
 * @param imageSize side of the input: 112, or a multiple, of which pixels are picked as POSTER V2 does
 * @returns input `pixel_values` [N, 3, S, S], output `landmarks` [N, 68, 2]: x and y as shares of the picture
 */
export function buildLandmarkDetector(imageSize = posterV2Config.backboneSize): Inference {
  const config = publishedLandmarkBranch;
  const scope = createScope({ mode: 'inference' });
  const branch = scope.at(landmarkPrefix.slice(0, -1));
  const images = input('pixel_values', 'float32', ['N', 3, imageSize, imageSize]);
  const [, , last] = mobileFaceNet(branch, nearest(images, posterV2Config.backboneSize), config);
  if (last === undefined) throw new Error('the landmark branch has three maps');
  const points = landmarkHead(branch.at('output_layer'), last, config);
  return inferenceOf({ landmarks: reshape(points, ['N', config.landmarks / 2, 2]) }, scope);
}
