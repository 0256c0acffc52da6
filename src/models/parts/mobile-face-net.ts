/*
 * MobileFaceNet (Chen et al., arXiv 1804.07573) as a detector of 68 facial landmarks, in the form of
 * pytorch_face_landmark (cunjian), which the reference code of POSTER V2 uses.
 * Deviations: none in the published configuration. Channels and blocks are configurable, the head's depthwise kernel
 * follows the map.
 */
import { mapDims, type Tensor } from '../../graph/index.js';
import { batchNorm, conv2d, linear, prelu, type Scope } from '../../nn/index.js';
import { add, reshape } from '../../ops/index.js';

export interface MobileFaceNetConfig {
  /** Channels of the first two convolutions. Published: 64. */
  readonly stem: number;
  /**
   * Three stages, each a strided block that widens to `entry` channels and residual blocks that widen to `expansion`.
   * Published: channels 64, 128, 128; blocks 4, 6, 2; entry 128, 256, 512; expansion 128, 256, 256.
   */
  readonly stages: readonly {
    readonly channels: number;
    readonly blocks: number;
    readonly entry: number;
    readonly expansion: number;
  }[];
  /** Channels of the last map. Published: 512. */
  readonly head: number;
}

const stageNames = [
  ['conv_23', 'conv_3'],
  ['conv_34', 'conv_4'],
  ['conv_45', 'conv_5'],
] as const;

/**
 * Images [N, C, S, S] -> the maps that POSTER V2 queries with: [N, channels, S / 4, S / 4], [N, channels, S / 8, S / 8],
 * [N, head, S / 16, S / 16] (the first only, or the first two, with fewer stages).
 */
export function mobileFaceNet(scope: Scope, images: Tensor, config: MobileFaceNetConfig): Tensor[] {
  const { stem, stages, head } = config;
  let x = convBlock(scope.at('conv1'), images, { channels: stem, kernel: 3, stride: 2, padding: 1 });
  x = convBlock(scope.at('conv2_dw'), x, { channels: stem, kernel: 3, padding: 1, groups: stem });
  const maps: Tensor[] = [];
  stageNames.slice(0, stages.length).forEach(([entryName, name], i) => {
    const { channels, blocks, entry, expansion } = stages[i] as (typeof stages)[number];
    x = depthWise(scope.at(entryName), x, { channels, stride: 2, expansion: entry });
    const body = scope.at(name).at('model');
    for (let block = 0; block < blocks; block++) {
      x = add(x, depthWise(body.at(block), x, { channels, stride: 1, expansion }));
    }
    maps.push(x);
  });
  if (maps.length === stageNames.length) {
    maps[stageNames.length - 1] = convBlock(scope.at('conv_6_sep'), x, { channels: head, kernel: 1 });
  }
  return maps;
}

/**
 * The landmark head over the last map [N, head, s, s] -> [N, landmarks, 1, 1]: x and y of each landmark as shares of the
 * picture. The published network computes it in every pass and drops the result; its trace is that its running
 * statistics move.
 */
export function landmarkHead(scope: Scope, map: Tensor, config: { readonly landmarks: number }): Tensor {
  const [n, channels, side] = mapDims(map);
  const { landmarks } = config;
  const pooled = convBlock(scope.at('conv_6_dw'), map, { channels, kernel: side, groups: channels, activation: false });
  const points = linear(scope.at('linear'), reshape(pooled, [n, channels]), { features: landmarks, bias: false });
  return batchNorm(scope.at('bn'), reshape(points, [n, landmarks, 1, 1]));
}

interface ConvBlockConfig {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly activation?: boolean;
}

/** Convolution without bias (`conv`), BatchNorm (`bn`) and, unless left out, PReLU (`prelu`). */
function convBlock(scope: Scope, x: Tensor, config: ConvBlockConfig): Tensor {
  const y = batchNorm(scope.at('bn'), conv2d(scope.at('conv'), x, { ...config, bias: false }));
  return config.activation === false ? y : prelu(scope.at('prelu'), y);
}

interface DepthWiseConfig {
  readonly channels: number;
  readonly stride: number;
  /** Channels in between. */
  readonly expansion: number;
}

/** Inverted bottleneck: 1x1 to `expansion`, 3x3 depthwise, 1x1 without activation: [N, I, H, W] -> [N, channels, H', W']. */
function depthWise(scope: Scope, x: Tensor, config: DepthWiseConfig): Tensor {
  const { channels, stride, expansion } = config;
  const wide = convBlock(scope.at('conv'), x, { channels: expansion, kernel: 1 });
  const dw = { channels: expansion, kernel: 3, stride, padding: 1, groups: expansion };
  const filtered = convBlock(scope.at('conv_dw'), wide, dw);
  return convBlock(scope.at('project'), filtered, { channels, kernel: 1, activation: false });
}
