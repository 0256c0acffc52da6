import * as z from 'zod';
import { networkOptions } from '../network-options.js';
import { withTraining } from '../parts/landmark-branch.js';
import { mapSizes, type PosterV2Config } from './poster-v2-config.js';

const someScales = 'it must be some of 1, 2 and 3, each once, such as 2,3';
const threeSides = 'it must be three whole numbers from 1, one a scale, such as 14,7,7';
const side = z.int(threeSides).min(1, threeSides);
const landmarkWords = ['frozen', 'as-published', 'trained', 'none'] as const;
const crossAttentionWords = ['window', 'vanilla'] as const;
const multiScaleWords = ['stages', 'pyramid'] as const;

const schema = z.strictObject({
  /**
   * What training does to the landmark branch: that of `poster-v2` may be any of these, that of a small network is
   * `trained`; `none` (ablation) leaves the branch out, and the image's own features are the queries.
   */
  landmark: z.enum(landmarkWords).default('frozen'),
  /** Transformer blocks (ablation); null: the network's own. */
  blocks: z.number().int().min(1).max(64).nullable().default(null),
  /** Scales whose tokens reach the transformer, 1 the finest (ablation); null: all three. */
  scales: z
    .array(z.literal([1, 2, 3], someScales), someScales)
    .min(1, someScales)
    .refine((scales) => new Set(scales).size === scales.length, someScales)
    .nullable()
    .default(null),
  /** Side of the attention window at each scale (ablation); null: one window a map. */
  windows: z.tuple([side, side, side], threeSides).nullable().default(null),
  /** `vanilla` (ablation): over whole maps, without the position bias. */
  crossAttention: z.enum(crossAttentionWords).default('window'),
  /** `pyramid` (ablation): the deepest maps narrowed to each scale's channels take the place of the branches' stages. */
  multiScale: z.enum(multiScaleWords).default('stages'),
  /** Rate of stochastic depth at the third scale, half of it at the second, none at the first; null: the network's own. */
  dropPath: z.number().min(0).lt(1).nullable().default(null),
});
type PosterV2RunOptions = z.output<typeof schema>;

/** The ablations of the paper and what training does to the landmark branch. */
export const posterV2Options = networkOptions<PosterV2Config, typeof schema.shape>({
  schema,
  texts: {
    landmark: {
      form: 'word',
      value: 'name',
      words: landmarkWords,
      description: "how POSTER V2's landmark branch is trained, none: without it (poster-v2-nano: trained or none)",
    },
    blocks: { form: 'number', value: 'count', description: "POSTER V2's transformer blocks (default: 2)" },
    scales: {
      form: 'numbers',
      value: 'list',
      description: "POSTER V2's scales that reach the transformer, such as 2,3 (default: 1,2,3)",
    },
    windows: {
      form: 'numbers',
      value: 'list',
      description: "side of POSTER V2's attention windows by scale, such as 14,7,7 (default: whole maps)",
    },
    crossAttention: {
      form: 'word',
      value: 'name',
      words: crossAttentionWords,
      description:
        "POSTER V2's cross-attention: in windows with a position bias, or over whole maps without one (default: window)",
    },
    multiScale: {
      form: 'word',
      value: 'name',
      words: multiScaleWords,
      description: "POSTER V2's scales: the branches' stages, or their last maps at three widths (default: stages)",
    },
    dropPath: {
      form: 'number',
      value: 'rate',
      description: "rate of stochastic depth at POSTER V2's third scale (default: 0.25)",
    },
  },
  configure: (own, options, variant) => {
    const config: PosterV2Config = { ...own, ...(options.multiScale === 'pyramid' ? { multiScale: 'pyramid' } : {}) };
    return {
      ...config,
      landmark: landmarkOf(config.landmark, options.landmark, variant),
      scales: options.scales ?? config.scales,
      attention: attentionOf(config, options),
      transformer: { ...config.transformer, blocks: options.blocks ?? config.transformer.blocks },
      ...(options.crossAttention === 'vanilla' ? { crossAttention: 'vanilla' } : {}),
    };
  },
  // Early versions recorded `frozen` or `as-published` also for networks whose landmark branch is trained whatever is
  // asked for: what was done is taken.
  migrate: (given, { landmark }) =>
    given['landmark'] !== 'none' && landmark !== 'none' && landmark.training === 'trained'
      ? { ...given, landmark: 'trained' }
      : given,
});

function attentionOf(config: PosterV2Config, { windows, dropPath }: PosterV2RunOptions): PosterV2Config['attention'] {
  const [first, second, third] = config.attention;
  // One window a map, whatever the map.
  const whole = config.multiScale === 'pyramid' ? mapSizes(config) : undefined;
  const scale = (own: typeof first, i: 0 | 1 | 2): typeof first => ({
    ...own,
    window: windows?.[i] ?? whole?.[i] ?? own.window,
    dropPath: dropPath === null ? own.dropPath : (dropPath * i) / 2,
  });
  return [scale(first, 0), scale(second, 1), scale(third, 2)];
}

/** A branch with pretrained weights may be kept; one without, as in small networks, is trained or left out. */
function landmarkOf(
  branch: PosterV2Config['landmark'],
  wanted: PosterV2RunOptions['landmark'],
  variant: string,
): PosterV2Config['landmark'] {
  if (branch === 'none' || wanted === 'none') return 'none';
  return withTraining(branch, wanted, variant, " or left out ('none')");
}
