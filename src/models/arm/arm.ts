/*
 * ARM: Shi, Zhu, Liang, "Learning to Amend Facial Expression Representation via De-albino and Affinity", arXiv 2103.10189;
 * reference code JiaweiShiCV/Amend-Representation-Module (MIT). A ResNet-18 whose last map is spread out and filtered
 * instead of averaged. Parameters are named as in its checkpoints.
 * Deviations:
 * - The published code adds the mean over the batch in evaluation too, so that a picture's logits depend on its
 *   neighbours. Here a picture's own mean stands for it in inference, unless `acrossBatch` asks for the published one.
 * - Maximum and minimum over the channels, computed and dropped there, are left out.
 */
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { fixedDim, type Tensor } from '../../graph/index.js';
import { batchNorm, conv2d, linear, type Scope } from '../../nn/index.js';
import { maxPool2d, relu, reshape } from '../../ops/index.js';
import { type BuildOptions, classLimits, type NetworkConfig } from '../network-definition.js';
import { depth, sideLimit, widthLimit } from '../parts/backbone-limits.js';
import { basicBlock } from '../parts/basic-block.js';
import { type AmendConfig, amend, pixelShuffle } from './amend.js';

/** Sizes of an ARM. It travels in checkpoints. */
export interface ArmConfig extends NetworkConfig {
  /** Stages of the ResNet, each but the first halving the map. */
  readonly stages: readonly { readonly channels: number; readonly blocks: number }[];
  readonly amend: AmendConfig;
}

/** As published for RAF-DB: ResNet-18. */
export const armConfig: ArmConfig = {
  numClasses: 7,
  imageSize: 224,
  inputChannels: 3,
  stages: [64, 128, 256, 512].map((channels) => ({ channels, blocks: 2 })),
  amend: { shuffle: 16, kernel: 32, stride: 8 },
};

/** The same with small numbers for gray crops of 48 pixels (FER+). */
export const armNanoConfig: ArmConfig = {
  numClasses: 8,
  imageSize: 48,
  inputChannels: 1,
  stages: [16, 32, 128].map((channels) => ({ channels, blocks: 1 })),
  amend: { shuffle: 8, kernel: 8, stride: 4 },
};

export const armSchema: z.ZodType<ArmConfig> = z.strictObject({
  numClasses: z.int().min(classLimits.least).max(classLimits.most),
  imageSize: sideLimit,
  inputChannels: z.literal([1, 3]),
  stages: z
    .array(z.strictObject({ channels: widthLimit, blocks: depth }))
    .min(1)
    .max(4),
  amend: z.strictObject({ shuffle: depth, kernel: sideLimit, stride: sideLimit }),
});

/** Side of the map that the kernel meets: the picture halved twice, once more a stage, and spread out. */
function spreadSide({ imageSize, stages, amend: { shuffle } }: ArmConfig): number {
  let side = imageSize;
  for (let halvings = stages.length + 1; halvings > 0; halvings--) side = Math.ceil(side / 2);
  return side * shuffle;
}

/** @throws UserError when the sizes do not fit together: the first rule that is broken, and what would keep it. */
export function checkArmConfig(config: ArmConfig, source = 'The network configuration'): void {
  const { shuffle, kernel, stride } = config.amend;
  const { channels } = itemAt(config.stages, config.stages.length - 1);
  const side = spreadSide(config);
  const check = (holds: boolean, problem: string): void => {
    if (!holds) throw new UserError(`${source} does not fit together: ${problem}.`);
  };
  check(
    channels % shuffle ** 2 === 0,
    `${channels} channels cannot be spread over squares of ${shuffle}x${shuffle} places: choose a multiple of ${shuffle ** 2}`,
  );
  check(kernel % stride === 0, `a kernel of ${kernel} is no multiple of its stride ${stride}`);
  check(side % stride === 0, `a stride of ${stride} does not divide the map of ${side}x${side}`);
  check(kernel <= side, `a kernel of ${kernel} is larger than the map of ${side}x${side}`);
}

/** Images [N, C, S, S], normalised -> logits [N, classes]. */
export function arm(scope: Scope, images: Tensor, config: ArmConfig, { acrossBatch }: BuildOptions = {}): Tensor {
  checkArmConfig(config);
  const { stages, numClasses } = config;
  const layers = scope.at('features');
  const first = { channels: itemAt(stages, 0).channels, kernel: 7, stride: 2, padding: 3, bias: false };
  let x = relu(batchNorm(layers.at(1), conv2d(layers.at(0), images, first)));
  x = scope.tap('features3', maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }));
  stages.forEach(({ channels, blocks }, i) => {
    const stage = layers.at(4 + i);
    for (let block = 0; block < blocks; block++) {
      x = basicBlock(stage.at(block), x, channels, i > 0 && block === 0 ? 2 : 1);
    }
    scope.tap(`features${4 + i}`, x);
  });
  const spread = scope.tap('shuffled', pixelShuffle(x, config.amend.shuffle));
  const across = acrossBatch ?? scope.mode === 'training';
  const amended = amend(scope.at('arm'), spread, config.amend, across);
  const [n, side] = [amended.shape[0] ?? 'N', fixedDim(amended, 2)];
  const features = scope.tap('flat', reshape(amended, [n, side ** 2]));
  return scope.tap('logits', linear(scope.at('fc'), features, { features: numClasses }));
}
