/*
 * The fusion of POSTER (Zheng, Mendieta, Chen, arXiv 2204.04083): two streams of tokens that attend to themselves with each
 * other's queries, at three widths that are joined after every block.
 */

import { itemAt } from '../../common/item-at.js';
import { dimOf, fixedDim, type Tensor } from '../../graph/index.js';
import {
  attend,
  headSize,
  layerNorm,
  linear,
  linears,
  mergeHeads,
  mlp,
  type Scope,
  splitHeads,
  stochasticDepth,
  zeros,
} from '../../nn/index.js';
import { add, concat, reduceMean, reshape, slice } from '../../ops/index.js';
import { tokenConvolution, tokenUpsampling } from './token-layers.js';

export interface FusionConfig {
  /** Size of a token at the widest scale; the others have a half and a quarter. */
  readonly embedding: number;
  /** Pyramid blocks. Published: 4 (small), 6 (base), 8 (large). */
  readonly blocks: number;
  /** At every scale. */
  readonly heads: number;
  /** Rate of stochastic depth in the last block, in [0, 1); it grows from 0 in the first. */
  readonly dropPath: number;
  /** Whether each block ends in a convolution that mixes all tokens of both streams: the code for RAF-DB has it. */
  readonly mixing: boolean;
  /** `landmark-to-image` (ablation): the face's tokens ask the image's and are not changed by it. Default: both ways. */
  readonly directions?: 'landmark-to-image';
  /** `none` (ablation): the widest scale alone. Default: a pyramid of three. */
  readonly multiScale?: 'none';
}

/** One block's part of {@link FusionConfig}. */
interface BlockConfig {
  readonly heads: number;
  readonly dropPath: number;
  readonly mixing: boolean;
  /** Whether the face's tokens attend to themselves, too. */
  readonly face: boolean;
}

const epsilon = 1e-6;

/**
 * Tokens of both streams, image [N, T, C] and face [N, T, C] -> what the head sees, [N, C].
 * @param everyToken compute the face's tokens in the last block although no logit depends on them (without `mixing`)
 */
export function pyramidFusion(
  scope: Scope,
  image: Tensor,
  face: Tensor,
  config: FusionConfig,
  everyToken: boolean,
): Tensor {
  const { embedding, blocks, heads, dropPath, mixing } = config;
  const count = 1 + fixedDim(image, 1);
  const position = scope.parameter('pos_embed', [1, count, embedding], zeros);
  let large = scope.tap('tokens', concat([add(withMean(image), position), withMean(face)], 1)); // [N, 2 (1 + T), C]
  const isBothWays = config.directions !== 'landmark-to-image';
  let narrower = config.multiScale === 'none' ? undefined : narrowed(scope, large);
  for (let i = 0; i < blocks; i++) {
    const block = scope.at('blocks').at(i);
    const own = { heads, mixing, dropPath: blocks === 1 ? 0 : (dropPath * i) / (blocks - 1), face: isBothWays };
    const widest = { ...own, face: isBothWays && (mixing || everyToken || i < blocks - 1) };
    large = crossFusionBlock(block.at('block_l'), large, widest);
    if (narrower !== undefined) {
      let middle = crossFusionBlock(block.at('block_m'), narrower.middle, own);
      const small = scope.tap(`block${i}_s`, crossFusionBlock(block.at('block_s'), narrower.small, own));
      middle = scope.tap(`block${i}_m`, add(tokenUpsampling(block.at('upsample_s'), small, 2), middle));
      large = add(large, tokenUpsampling(block.at('upsample_m'), middle, 2));
      narrower = { middle, small };
    }
    large = scope.tap(`block${i}_l`, large);
  }
  const first = reshape(slice(large, 1, 0, 1), [dimOf(large, 0), embedding]);
  return layerNorm(scope.at('norm'), first, { epsilon });
}

/** The narrower scales of the pyramid: tokens [N, T, C] at a half and a quarter of their width. */
function narrowed(scope: Scope, large: Tensor): { readonly middle: Tensor; readonly small: Tensor } {
  return {
    middle: scope.tap('down_m', tokenConvolution(scope.at('downsample_m'), large, 2)),
    small: scope.tap('down_s', tokenConvolution(scope.at('downsample_s'), large, 4)),
  };
}

/** The mean token before the others: [N, T, C] -> [N, 1 + T, C]. */
function withMean(tokens: Tensor): Tensor {
  return concat([reduceMean(tokens, [1], true), tokens], 1);
}

/** One scale of a block: both streams [N, 2 T, C] -> [N, 2 T, C]. Both attentions see the tokens as they came in. */
function crossFusionBlock(scope: Scope, x: Tensor, { heads, dropPath, mixing, face: hasFace }: BlockConfig): Tensor {
  const hidden = 2 * fixedDim(x, 2);
  const half = fixedDim(x, 1) / 2;
  const streams = (t: Tensor): [image: Tensor, face: Tensor] => [slice(t, 1, 0, half), slice(t, 1, half, 2 * half)];
  const norm = (number: number, t: Tensor): Tensor => layerNorm(scope.at(`norm${number}`), t, { epsilon });
  const skip = (name: string, t: Tensor): Tensor => stochasticDepth(scope, name, t, dropPath);

  let [image, face] = streams(x);
  const [imageKeys, faceQueries] = streams(norm(1, x));
  image = add(image, skip('attn_img', crossAttention(scope.at('attn_img'), imageKeys, faceQueries, heads)));
  image = add(image, skip('mlp1', mlp(scope.at('mlp1'), norm(2, image), { hidden })));
  if (hasFace) {
    const [imageQueries, faceKeys] = streams(norm(3, x));
    face = add(face, skip('attn_lm', crossAttention(scope.at('attn_lm'), faceKeys, imageQueries, heads)));
    face = add(face, skip('mlp2', mlp(scope.at('mlp2'), norm(4, face), { hidden })));
  }
  const both = concat([image, face], 1);
  return mixing ? tokenConvolution(scope.at('conv'), both, 1) : both;
}

/** Keys and values of one stream [N, T, C], projected; queries of the other [N, Q, C], as they are -> [N, Q, C]. */
function crossAttention(scope: Scope, own: Tensor, queries: Tensor, heads: number): Tensor {
  const features = fixedDim(own, -1);
  // The queries' scale rides on the weight of the keys: the product is the same.
  const scale = [headSize(own, heads) ** -0.5];
  const parts = linears(scope.at('kv'), own, { features, parts: 2, scale });
  const [keys, values] = [itemAt(parts, 0), itemAt(parts, 1)];
  const q = splitHeads(queries, heads, 'rows');
  const attended = attend(scope, q, splitHeads(keys, heads, 'columns'), splitHeads(values, heads, 'rows'));
  return scope.tap('added', linear(scope.at('proj'), mergeHeads(attended), { features }));
}
