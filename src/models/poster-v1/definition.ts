import { imagenetMean, imagenetStd } from '../../common/preprocessing.js';
import { type ConfiguredNetwork, networkFamily } from '../configured-network.js';
import type { Variant } from '../network-definition.js';
import { ir50Name } from '../parts/ir50.js';
import { ir50Part, landmarkPart } from '../parts/network-parts.js';
import { posterV1Explanation } from './explanation.js';
import { posterV1Options } from './options.js';
import { posterV1 } from './poster-v1.js';
import {
  checkPosterV1Config,
  type PosterV1Config,
  posterV1Config,
  posterV1NanoConfig,
  posterV1Schema,
} from './poster-v1-config.js';
import { posterV1Code } from './published.js';
import { posterV1NanoRecipe, posterV1Recipe } from './recipes.js';
import { posterV1Studies } from './studies.js';

const [imagePrefix, landmarkPrefix] = ['ir_back.', 'face_landback.'] as const;

/**
 * A published network. The published code normalises blue by ImageNet's numbers for red, and red by those for blue, where it
 * shows pictures as BGR: pictures come here as RGB, so the numbers are in the other order.
 */
function published(
  name: string,
  summary: string,
  blocks: number,
  trainedOn: Pick<PosterV1Config, 'channelOrder'> & Pick<PosterV1Config['fusion'], 'mixing'>,
): Variant<PosterV1Config> {
  const { channelOrder, mixing } = trainedOn;
  const turned = (values: readonly number[]): readonly number[] =>
    channelOrder === 'bgr' ? values.toReversed() : values;
  return {
    name,
    summary,
    config: { ...posterV1Config, channelOrder, fusion: { ...posterV1Config.fusion, blocks, mixing } },
    normalisation: { mean: turned(imagenetMean), std: turned(imagenetStd) },
    recipe: posterV1Recipe,
    optionsAsPublished: { landmark: 'as-published' },
  };
}

const forRafDb = { channelOrder: 'bgr', mixing: true } as const;
const forAffectNet = { channelOrder: 'rgb', mixing: false } as const;

export const posterV1Family = networkFamily<PosterV1Config>({
  title: 'POSTER V1',
  reference: 'arXiv 2204.04083',
  className: 'PosterV1',
  variants: [
    {
      ...published(
        'poster-v1',
        'POSTER V1 (large) as published for RAF-DB: 224x224 BGR, 58.9M parameters',
        8,
        forRafDb,
      ),
      stated: { where: 'the log in its repository', parameters: 70.843e6 },
    },
    published('poster-v1-base', 'POSTER V1 (base) as published for RAF-DB: 224x224 BGR, 49.1M parameters', 6, forRafDb),
    published(
      'poster-v1-small',
      'POSTER V1 (small) as published for RAF-DB: 224x224 BGR, 39.3M parameters',
      4,
      forRafDb,
    ),
    published(
      'poster-v1-affectnet',
      'POSTER V1 (large) as published for AffectNet: 224x224 RGB, tokens not mixed, 56.8M parameters',
      8,
      forAffectNet,
    ),
    {
      name: 'poster-v1-nano',
      summary: 'POSTER V1 with small numbers, trained from nothing: 48x48 gray, 4.2M parameters',
      config: posterV1NanoConfig,
      normalisation: { mean: [0.5], std: [0.25] },
      recipe: posterV1NanoRecipe,
      options: { landmark: 'trained' },
    },
  ],
  schema: posterV1Schema,
  check: checkPosterV1Config,
  build: posterV1,
  head: 'head.linear',
  features: 'features',
  anchors: [
    `${imagePrefix}input_layer.0.weight`,
    `${landmarkPrefix}conv1.conv.weight`,
    'input_layer.0.weight',
    'conv1.conv.weight',
  ],
  parts: [ir50Part(imagePrefix), landmarkPart(landmarkPrefix)],
  rename: inSequence,
  options: posterV1Options,
  studies: posterV1Studies,
  published: posterV1Code,
  explanation: posterV1Explanation,
});

/** A POSTER V1 of these sizes. */
export function posterV1Network(config: PosterV1Config): ConfiguredNetwork {
  return posterV1Family.parse('poster-v1', config);
}

/** POSTER V2's name of a tensor of IR-50 as POSTER V1's: `ir_back.body2.0.` is `ir_back.body.3.`; others as they are. */
function inSequence(name: string): string {
  if (!name.startsWith(imagePrefix)) return name;
  return imagePrefix + ir50Name(name.slice(imagePrefix.length), 'sequence');
}
