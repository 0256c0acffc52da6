/*
 * A residual network of basic blocks: He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385, as small
 * as ResNet-8, for gray crops of 48 pixels. Parameters are named as in torchvision.
 * Deviation: the first convolution is 3x3 with stride 1 and no pooling follows, as the paper does for small pictures.
 */
import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import type { Tensor } from '../../graph/index.js';
import { linear, type Scope } from '../../nn/index.js';
import { reduceMean, relu } from '../../ops/index.js';
import { networkFamily } from '../configured-network.js';
import { classLimits, type NetworkConfig } from '../network-definition.js';
import { networkOptions } from '../network-options.js';
import { basicBlock, convolution } from '../parts/basic-block.js';

export interface ResNetConfig extends NetworkConfig {
  /** The first block of a stage halves the map, but for the first stage's. */
  readonly stages: readonly { readonly channels: number; readonly blocks: number }[];
}

const resnet8: ResNetConfig = {
  numClasses: 8,
  imageSize: 48,
  inputChannels: 1,
  stages: [16, 32, 64].map((channels) => ({ channels, blocks: 1 })),
};

// Bounds keep a hostile checkpoint from asking for a graph that fills the memory.
const stage = z.strictObject({ channels: z.int().min(1).max(2048), blocks: z.int().min(1).max(64) });
const schema: z.ZodType<ResNetConfig> = z.strictObject({
  numClasses: z.int().min(classLimits.least).max(classLimits.most),
  imageSize: z.int().min(8).max(1024),
  inputChannels: z.literal([1, 3]),
  stages: z.array(stage).min(1).max(4),
});

/** Images [N, C, S, S] -> logits [N, classes]. */
function resnet(scope: Scope, images: Tensor, { stages, numClasses }: ResNetConfig): Tensor {
  let x = relu(convolution(scope, 1, images, itemAt(stages, 0).channels));
  stages.forEach(({ channels, blocks }, i) => {
    const layer = scope.at(`layer${i + 1}`);
    for (let block = 0; block < blocks; block++) {
      x = basicBlock(layer.at(block), x, channels, i > 0 && block === 0 ? 2 : 1);
    }
  });
  const features = scope.tap('features', reduceMean(x, [2, 3]));
  return linear(scope.at('fc'), features, { features: numClasses });
}

const optionsSchema = z.strictObject({ width: z.number().gt(0).max(16).default(1) });

/** `width` widens all stages (Zagoruyko and Komodakis, "Wide Residual Networks", arXiv 1605.07146). */
const options = networkOptions<ResNetConfig, typeof optionsSchema.shape>({
  schema: optionsSchema,
  texts: {
    width: { form: 'number', value: 'factor', description: "factor of a ResNet's channels, such as 2 (default: 1)" },
  },
  configure: (config, { width }) => ({
    ...config,
    stages: config.stages.map((one) => ({ ...one, channels: Math.max(1, Math.round(one.channels * width)) })),
  }),
});

export const resnetFamily = networkFamily<ResNetConfig>({
  title: 'ResNet',
  reference: 'arXiv 1512.03385',
  className: 'ResNet8',
  variants: [
    {
      name: 'resnet8',
      summary: 'a plain residual network, trained from nothing: 48x48 gray, 0.08M parameters',
      config: resnet8,
      normalisation: { mean: [0.5], std: [0.25] },
      recipe: {
        epochs: 20,
        batchSize: 64,
        microBatch: 64,
        optimizer: 'adamw',
        lr: 3e-3,
        weightDecay: 0.02,
        schedule: 'one-cycle',
        rho: 0,
        ema: 0.998,
        augmentation: 'nano',
      },
    },
  ],
  schema,
  build: resnet,
  head: 'fc',
  features: 'features',
  options,
});
