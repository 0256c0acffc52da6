/*
 * POSTER V2: Mao et al., "POSTER V2: A simpler and stronger facial expression recognition network", arXiv 2301.12149;
 * reference code Talented-Q/POSTER_V2 (MIT). Parameters are named as in its checkpoints.
 * Deviations:
 * - Tensors that the published code declares and never calls are left out (see published.ts).
 * - The landmark branch is truly frozen by default; the published code moves its BatchNorm statistics in training.
 * - Only the class token of the last block reaches the logits, so only its row is computed there, unless `everyToken`
 *   asks for all as published: the same result for a tenth less work.
 */
import { itemAt } from '../../common/item-at.js';
import type { Tensor } from '../../graph/index.js';
import {
  attention,
  constantInit,
  conv2d,
  layerNorm,
  linear,
  mlp,
  nearest,
  type Scope,
  scaledBranch,
  squeezeExcite,
  toMap,
  toTokens,
  truncatedNormal,
  windowCrossAttention,
} from '../../nn/index.js';
import { add, concat, expandAs, reshape, slice } from '../../ops/index.js';
import { ir50 } from '../parts/ir50.js';
import { landmarkMaps } from '../parts/landmark-branch.js';
import { checkPosterV2Config, mapSizes, type PosterV2Config, type ScaleConfig } from './poster-v2-config.js';

export interface PosterV2Options {
  /** Compute all rows of the last transformer block, as the published code does. Default: that of the class token. */
  readonly everyToken?: boolean;
}

/** Images [N, C, S, S], normalised -> logits [N, classes]. */
export function posterV2(scope: Scope, images: Tensor, config: PosterV2Config, options: PosterV2Options = {}): Tensor {
  checkPosterV2Config(config);
  const resized = nearest(images, config.backboneSize);
  const isPyramid = config.multiScale === 'pyramid';
  const deepest = isPyramid ? 3 : Math.max(...config.scales);
  const image = { ...config.image, stages: config.image.stages.slice(0, deepest) };
  const imageMaps = ir50(scope.at('ir_back'), resized, image); // e.g. 64@56, 128@28, 256@14
  const queryMaps = landmarks(scope, resized, config, deepest); // e.g. 64@28, 128@14, 256@7
  const tokens: Tensor[] = [];
  for (const number of config.scales) {
    const imageMap = itemAt(imageMaps, isPyramid ? 2 : number - 1);
    scope.tap(`image${number}`, imageMap);
    const landmark = queryMaps?.get(number);
    if (landmark) scope.tap(`landmark${number}`, landmark);
    tokens.push(embed(scope, number, fuse(scope, number, imageMap, landmark, config), config));
  }
  const all = scope.tap('tokens', concat(tokens, 1)); // [N, 3 * 49, 768]
  return scope.tap('logits', transformer(scope.at('VIT'), all, config, options));
}

/** The landmark branch's map for each scale that is used; undefined without the branch. */
function landmarks(
  scope: Scope,
  resized: Tensor,
  config: PosterV2Config,
  deepest: number,
): ReadonlyMap<number, Tensor> | undefined {
  const { landmark, image, scales, multiScale } = config;
  if (landmark === 'none') return undefined;
  const maps = landmarkMaps(scope.at('face_landback'), resized, {
    ...landmark,
    stages: landmark.stages.slice(0, deepest),
  });
  const mapOf = (number: number): Tensor => {
    if (number < 3 && multiScale !== 'pyramid') return itemAt(maps, number - 1);
    const layer = scope.at(number === 3 ? 'last_face_conv' : `last_face_conv${number}`);
    const { channels } = itemAt(image.stages, number - 1);
    return conv2d(layer, itemAt(maps, 2), { channels, kernel: 3, padding: 1 });
  };
  return new Map(scales.map((number) => [number, mapOf(number)]));
}

/**
 * Cross-attention at one scale: image [N, C, 2 S, 2 S], landmark [N, C, S, S] -> tokens [N, S S, C].
 * The residual is the LayerNorm's output.
 */
function fuse(
  scope: Scope,
  number: number,
  image: Tensor,
  landmark: Tensor | undefined,
  config: PosterV2Config,
): Tensor {
  const { dropPath, ...windows } = config.attention[number - 1] as ScaleConfig;
  const channels = itemAt(config.image.stages, number - 1).channels;
  const size = mapSizes(config)[number - 1] as number;
  const halved = conv2d(scope.at(`conv${number}`), image, { channels, kernel: 3, stride: 2, padding: 1 });
  const tokens = layerNorm(scope.at(`window${number}`).at('norm'), toTokens(halved));
  const positionBias = config.crossAttention !== 'vanilla';
  const attended = windowCrossAttention(scope.at(`attn${number}`), tokens, landmark, { ...windows, positionBias });
  scope.tap(`attn${number}`, attended);
  const ffn = scope.at(`ffn${number}`);
  const gamma = (name: string): Tensor => ffn.parameter(name, [channels], constantInit(1e-5));
  scope.tap(`window${number}`, tokens);
  const scaled = scaledBranch(ffn, 'attention', attended, gamma('gamma1'), dropPath);
  let x = add(tokens, scope.tap(`scaled${number}`, scaled));
  const forwarded = mlp(ffn.at('mlp'), layerNorm(ffn.at('norm'), x), { hidden: 4 * channels });
  x = add(x, scaledBranch(ffn, 'mlp', forwarded, gamma('gamma2'), dropPath));
  scope.tap(`ffn${number}`, toMap(x, size));
  return x;
}

/** A scale's tokens [N, S S, C] brought to the grid of the coarsest scale and to the embedding: [N, 49, 768]. */
function embed(scope: Scope, number: number, tokens: Tensor, config: PosterV2Config): Tensor {
  const channels = config.transformer.embedding;
  const layers = scope.at(number === 1 ? 'embed_q' : number === 2 ? 'embed_k' : 'embed_v');
  if (number === 3 || config.multiScale === 'pyramid') {
    // A 1x1 convolution, done as a linear layer on the tokens: no transposes.
    const inputs = itemAt(config.image.stages, number - 1).channels;
    return linear(layers.at('proj'), tokens, { features: channels, weightShape: [channels, inputs, 1, 1] });
  }
  let x = toMap(tokens, mapSizes(config)[number - 1] as number);
  for (let i = 0; i < 3 - number; i++) x = conv2d(layers.at(i), x, { channels, kernel: 3, stride: 2, padding: 1 });
  return toTokens(x);
}

const vitEpsilon = 1e-6;

/** Tokens [N, T, E] -> logits: class token, position embedding, pre-norm blocks, squeeze-excite, linear. */
function transformer(scope: Scope, tokens: Tensor, config: PosterV2Config, options: PosterV2Options): Tensor {
  const { embedding, blocks, heads } = config.transformer;
  const [n, count] = tokens.shape as [Tensor['shape'][number], number];
  const start = truncatedNormal(0.02);
  const classToken = expandAs(scope.parameter('cls_token', [1, 1, embedding], start), slice(tokens, 1, 0, 1));
  let x = concat([classToken, tokens], 1);
  x = add(x, scope.parameter('pos_embed', [1, count + 1, embedding], start));
  for (let i = 0; i < blocks; i++) {
    const block = scope.at('blocks').at(i);
    const normal = layerNorm(block.at('norm1'), x, { epsilon: vitEpsilon });
    const classOnly = i === blocks - 1 && options.everyToken !== true;
    const rows = (t: Tensor): Tensor => (classOnly ? slice(t, 1, 0, 1) : t);
    x = add(rows(x), attention(block.at('attn'), rows(normal), normal, { heads }));
    x = add(
      x,
      mlp(block.at('mlp'), layerNorm(block.at('norm2'), x, { epsilon: vitEpsilon }), { hidden: 4 * embedding }),
    );
  }
  const result = layerNorm(scope.at('norm'), reshape(slice(x, 1, 0, 1), [n, embedding]), { epsilon: vitEpsilon });
  const gated = scope.tap('features', squeezeExcite(scope.at('se_block'), result));
  return linear(scope.at('head').at('linear'), gated, { features: config.numClasses });
}
