import * as z from 'zod';
import { networkOptions } from '../network-options.js';
import { withTraining } from '../parts/landmark-branch.js';
import type { PosterV1Config } from './poster-v1-config.js';

const landmarkWords = ['frozen', 'as-published', 'trained'] as const;
const mixingWords = ['tokens', 'none'] as const;
const directionWords = ['both', 'landmark-to-image'] as const;
const multiScaleWords = ['pyramid', 'none'] as const;

const schema = z.strictObject({
  /** What training does to the landmark branch; that of a small network is `trained`. */
  landmark: z.enum(landmarkWords).default('frozen'),
  /** Pyramid blocks; null: the network's own. */
  blocks: z.number().int().min(1).max(64).nullable().default(null),
  /** Rate of stochastic depth in the last block; null: the network's own. */
  dropPath: z.number().min(0).lt(1).nullable().default(null),
  /** `tokens`: each block ends in a convolution that mixes all tokens, as in the code for RAF-DB; null: the network's own. */
  mixing: z.enum(mixingWords).nullable().default(null),
  /** `landmark-to-image` (ablation): the face's tokens ask the image's, and not the other way round. */
  directions: z.enum(directionWords).default('both'),
  /** `none` (ablation): without the two narrower scales. */
  multiScale: z.enum(multiScaleWords).default('pyramid'),
});

export const posterV1Options = networkOptions<PosterV1Config, typeof schema.shape>({
  schema,
  texts: {
    landmark: {
      form: 'word',
      value: 'name',
      words: landmarkWords,
      description: "how POSTER V1's landmark branch is trained (all but none)",
    },
    blocks: { form: 'number', value: 'count', description: "POSTER V1's pyramid blocks (default: by its size)" },
    dropPath: {
      form: 'number',
      value: 'rate',
      description: "rate of stochastic depth in POSTER V1's last block (default: 0.1)",
    },
    mixing: {
      form: 'word',
      value: 'what',
      words: mixingWords,
      description: 'what the last convolution of each POSTER V1 block mixes (default: by the network)',
    },
    directions: {
      form: 'word',
      value: 'which',
      words: directionWords,
      description: 'directions of cross-fusion in POSTER V1 (default: both)',
    },
    multiScale: {
      form: 'word',
      value: 'name',
      words: multiScaleWords,
      description: "POSTER V1's pyramid of three widths, or none (default: pyramid)",
    },
  },
  configure: (config, { landmark, blocks, dropPath, mixing, directions, multiScale }, variant) => ({
    ...config,
    landmark: withTraining(config.landmark, landmark, variant),
    fusion: {
      ...config.fusion,
      blocks: blocks ?? config.fusion.blocks,
      dropPath: dropPath ?? config.fusion.dropPath,
      mixing: mixing === null ? config.fusion.mixing : mixing === 'tokens',
      ...(directions === 'landmark-to-image' ? { directions } : {}),
      ...(multiScale === 'none' ? { multiScale } : {}),
    },
  }),
});
