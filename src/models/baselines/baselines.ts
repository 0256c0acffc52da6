/*
 * The backbones of POSTER by themselves: the mean of the last map and a linear head. What the parts do alone is what their
 * fusion has to be measured against.
 */
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { imagenetMean, imagenetStd } from '../../common/preprocessing.js';
import type { Tensor } from '../../graph/index.js';
import { linear, nearest, type Scope } from '../../nn/index.js';
import { reduceMean } from '../../ops/index.js';
import { type NetworkFamily, networkFamily } from '../configured-network.js';
import { classLimits, type NetworkConfig, type NetworkPart } from '../network-definition.js';
import { ir50Schema, sideLimit } from '../parts/backbone-limits.js';
import { type Ir50Config, ir50, nanoIr50, publishedIr50 } from '../parts/ir50.js';
import { mobileFaceNetSchema, nanoMobileFaceNet, publishedMobileFaceNet } from '../parts/landmark-branch.js';
import { type MobileFaceNetConfig, mobileFaceNet } from '../parts/mobile-face-net.js';
import { ir50Part, landmarkPart } from '../parts/network-parts.js';
import { baselineNanoRecipe, baselineRecipe } from './recipes.js';

/** Sizes of a backbone with a head. */
interface BaselineConfig<Backbone> extends NetworkConfig {
  /** A multiple of `backboneSize`. */
  readonly imageSize: number;
  /** Side that the backbone sees, sampled from the input pixel by pixel (nearest), as in POSTER. */
  readonly backboneSize: number;
  readonly backbone: Backbone;
}

/** A backbone's sizes, and how many parameters it has with a head. */
interface Sizes<Backbone> {
  readonly backbone: Backbone;
  readonly parameters: string;
}

interface BaselineRules<Backbone> {
  /** As the names of variants begin: `ir50`. */
  readonly name: string;
  readonly title: string;
  readonly reference: string;
  readonly className: string;
  readonly schema: z.ZodType<Backbone>;
  readonly published: Sizes<Backbone>;
  readonly nano: Sizes<Backbone>;
  /** Name of its first convolution's weight. */
  readonly first: string;
  /** The backbone as a part of the network. */
  part(prefix: string): NetworkPart;
  /** Pictures -> the last map [N, C, s, s]. */
  build(scope: Scope, images: Tensor, config: Backbone): Tensor;
}

function baselineFamily<Backbone>(rules: BaselineRules<Backbone>): NetworkFamily {
  const { name, title, reference, className, published, nano } = rules;
  return networkFamily<BaselineConfig<Backbone>>({
    title,
    reference,
    className,
    variants: [
      {
        name,
        summary: `${title} alone with a linear head: 224x224 RGB, ${published.parameters} parameters`,
        config: { numClasses: 7, imageSize: 224, backboneSize: 112, inputChannels: 3, backbone: published.backbone },
        normalisation: { mean: imagenetMean, std: imagenetStd },
        recipe: baselineRecipe,
      },
      {
        name: `${name}-nano`,
        summary: `${title} alone with small numbers, trained from nothing: 48x48 gray, ${nano.parameters} parameters`,
        config: { numClasses: 8, imageSize: 48, backboneSize: 48, inputChannels: 1, backbone: nano.backbone },
        normalisation: { mean: [0.5], std: [0.25] },
        recipe: baselineNanoRecipe,
      },
    ],
    schema: z.strictObject({
      numClasses: z.int().min(classLimits.least).max(classLimits.most),
      imageSize: sideLimit,
      backboneSize: sideLimit,
      inputChannels: z.literal([1, 3]),
      backbone: rules.schema,
    }),
    check({ imageSize, backboneSize }, source) {
      if (imageSize % backboneSize === 0) return;
      throw new UserError(
        `${source} does not fit together: images of ${imageSize} pixels cannot be sampled to ${backboneSize}: choose an imageSize that is a multiple.`,
      );
    },
    build(scope, images, { backboneSize, backbone, numClasses }) {
      const map = rules.build(scope.at('backbone'), nearest(images, backboneSize), backbone);
      const features = scope.tap('features', reduceMean(map, [2, 3]));
      return linear(scope.at('fc'), features, { features: numClasses });
    },
    head: 'fc',
    features: 'features',
    // A file of the backbone alone begins with its first tensor: here that is no sign of where the network begins.
    anchors: [`backbone.${rules.first}`],
    parts: [rules.part('backbone.')],
  });
}

export const ir50Family = baselineFamily<Ir50Config>({
  name: 'ir50',
  title: 'IR-50',
  reference: 'arXiv 1801.07698',
  className: 'Ir50',
  schema: ir50Schema,
  published: { backbone: publishedIr50, parameters: '17.6M' },
  nano: { backbone: nanoIr50, parameters: '1.4M' },
  first: 'input_layer.0.weight',
  part: ir50Part,
  build: (scope, images, config) => itemAt(ir50(scope, images, config), 2),
});

export const mobileFaceNetFamily = baselineFamily<MobileFaceNetConfig>({
  name: 'mobilefacenet',
  title: 'MobileFaceNet',
  reference: 'arXiv 1804.07573',
  className: 'MobileFaceNet',
  schema: mobileFaceNetSchema,
  published: { backbone: publishedMobileFaceNet, parameters: '0.9M' },
  nano: { backbone: nanoMobileFaceNet, parameters: '0.12M' },
  first: 'conv1.conv.weight',
  part: landmarkPart,
  build: (scope, images, config) => itemAt(mobileFaceNet(scope, images, config), 2),
});
