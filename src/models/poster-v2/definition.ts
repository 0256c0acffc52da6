import { imagenetMean, imagenetStd } from '../../common/preprocessing.js';
import { type ConfiguredNetwork, networkFamily } from '../configured-network.js';
import { ir50Name } from '../parts/ir50.js';
import { ir50Part, landmarkPart } from '../parts/network-parts.js';
import { posterV2Explanation } from './explanation.js';
import { landmarkPrefix } from './landmark-detector.js';
import { posterV2Options } from './options.js';
import { posterV2 } from './poster-v2.js';
import {
  checkPosterV2Config,
  type PosterV2Config,
  posterV2Config,
  posterV2NanoConfig,
  posterV2Schema,
} from './poster-v2-config.js';
import { posterV2Code } from './published.js';
import { posterV2NanoRecipe, posterV2Recipe } from './recipes.js';
import { posterV2Studies } from './studies.js';

const imagePrefix = 'ir_back.';

export const posterV2Family = networkFamily<PosterV2Config>({
  title: 'POSTER V2',
  reference: 'arXiv 2301.12149',
  className: 'PosterV2',
  variants: [
    {
      name: 'poster-v2',
      summary: 'POSTER V2 as published: 224x224 RGB, 43.8M parameters',
      config: posterV2Config,
      normalisation: { mean: imagenetMean, std: imagenetStd },
      recipe: posterV2Recipe,
      optionsAsPublished: { landmark: 'as-published' },
      stated: { where: 'the abstract of arXiv 2301.12149', parameters: 43.7e6, flops: 8.4e9 },
    },
    {
      name: 'poster-v2-nano',
      summary: 'the same network with small numbers, trained from nothing: 48x48 gray, 4.6M parameters',
      config: posterV2NanoConfig,
      normalisation: { mean: [0.5], std: [0.25] },
      recipe: posterV2NanoRecipe,
      options: { landmark: 'trained' },
    },
  ],
  schema: posterV2Schema,
  check: checkPosterV2Config,
  build: posterV2,
  head: 'VIT.head.linear',
  features: 'VIT.features',
  anchors: [
    `${imagePrefix}input_layer.0.weight`,
    `${landmarkPrefix}conv1.conv.weight`,
    'input_layer.0.weight',
    'conv1.conv.weight',
  ],
  parts: [ir50Part(imagePrefix), landmarkPart(landmarkPrefix)],
  lastBlocks: ['VIT.'],
  rename: withStages,
  options: posterV2Options,
  studies: posterV2Studies,
  published: posterV2Code,
  explanation: posterV2Explanation,
});

/** A POSTER V2 of these sizes. */
export function posterV2Network(config: PosterV2Config): ConfiguredNetwork {
  return posterV2Family.parse('poster-v2', config);
}

/** POSTER's name of a tensor of IR-50 as POSTER V2's: `ir_back.body.3.` is `ir_back.body2.0.`; others as they are. */
function withStages(name: string): string {
  if (!name.startsWith(imagePrefix)) return name;
  return imagePrefix + ir50Name(name.slice(imagePrefix.length), 'stages');
}
