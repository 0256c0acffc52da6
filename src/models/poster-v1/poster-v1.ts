/*
 * POSTER (V1): Zheng, Mendieta, Chen, "POSTER: A Pyramid Cross-Fusion Transformer Network for Facial Expression
 * Recognition", arXiv 2204.04083; reference code zczcwh/POSTER (Apache-2.0). Parameters are named as in its checkpoints.
 * Deviations:
 * - Tensors that the published code declares and never calls are left out (see published.ts).
 * - The landmark branch is truly frozen by default; the published code moves its BatchNorm statistics in training.
 * - Without mixing, the face's tokens of the widest scale reach nothing in the last block, so they are not computed
 *   there, unless `everyToken` asks for all as published.
 */
import { itemAt } from '../../common/item-at.js';
import { dimOf, type Tensor } from '../../graph/index.js';
import { linear, nearest, type Scope, squeezeExcite, toTokens } from '../../nn/index.js';
import { concat, reshape, slice } from '../../ops/index.js';
import type { BuildOptions } from '../network-definition.js';
import { ir50 } from '../parts/ir50.js';
import { landmarkMaps } from '../parts/landmark-branch.js';
import { checkPosterV1Config, type PosterV1Config, tokenSizes } from './poster-v1-config.js';
import { pyramidFusion } from './pyramid-fusion.js';

/** Images [N, C, S, S], normalised -> logits [N, classes]. */
export function posterV1(scope: Scope, images: Tensor, config: PosterV1Config, options: BuildOptions = {}): Tensor {
  checkPosterV1Config(config);
  const resized = inOrder(nearest(images, config.backboneSize), config.channelOrder);
  const landmark = itemAt(landmarkMaps(scope.at('face_landback'), resized, config.landmark), 2);
  const face = toTokens(scope.tap('landmark', landmark)); // [N, 49, 512]

  // As published the image's last map [N, 256, 14, 14] is read in storage order as 49 rows of 1,024 numbers: a token is
  // five channels and a fifth with all their places, not a place.
  const map = itemAt(ir50(scope.at('ir_back'), resized, config.image, 'sequence'), 2);
  const { side, numbers } = tokenSizes(config);
  const rows = scope.tap('ir', reshape(map, [dimOf(map, 0), side ** 2, numbers]));
  const { fusion, numClasses } = config;
  const image = scope.tap('image', linear(scope.at('ir_layer'), rows, { features: fusion.embedding }));

  const everyToken = options.everyToken === true;
  const fused = scope.tap('fused', pyramidFusion(scope.at('pyramid_fuse'), image, face, fusion, everyToken));
  const features = scope.tap('features', squeezeExcite(scope.at('se_block'), fused));
  return scope.tap('logits', linear(scope.at('head').at('linear'), features, { features: numClasses }));
}

/** RGB pictures [N, 3, S, S] in another order of colours. */
function inOrder(images: Tensor, order: PosterV1Config['channelOrder']): Tensor {
  if (order === 'rgb') return images;
  return concat(
    [2, 1, 0].map((channel) => slice(images, 1, channel, channel + 1)),
    1,
  );
}
