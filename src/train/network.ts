import type { ModelDescription } from '../checkpoints/index.js';
import type { LabelSet } from '../common/labels.js';
import type { Preprocessing } from '../common/preprocessing.js';
import {
  type Augmentation,
  affectnetAugmentation,
  nanoAugmentation,
  noAugmentation,
  rafdbAugmentation,
} from '../data/index.js';
import { checkPosterV2Config, modelNamed, type PosterV2Config } from '../models/index.js';
import type { RunOptions } from './options.js';

export const augmentations: Readonly<Record<RunOptions['augmentation'], Augmentation>> = {
  none: noAugmentation,
  rafdb: rafdbAugmentation,
  affectnet: affectnetAugmentation,
  nano: nanoAugmentation,
};

/** A run's network: the named one with an output for each label. */
export function networkOf(
  run: RunOptions,
  labels: LabelSet,
): { config: PosterV2Config; preprocessing: Preprocessing; description: ModelDescription } {
  const { config: base, preprocessing, name } = modelNamed(run.model);
  const { landmark, transformer } = base;
  const [first, second, third] = base.attention;
  const { windows } = run;
  const config: PosterV2Config = {
    ...base,
    numClasses: labels.labels.length,
    landmark: landmarkOf(landmark, run.landmark),
    scales: run.scales ?? base.scales,
    attention: windows
      ? [
          { ...first, window: windows[0] },
          { ...second, window: windows[1] },
          { ...third, window: windows[2] },
        ]
      : base.attention,
    transformer: { ...transformer, blocks: run.blocks ?? transformer.blocks },
  };
  checkPosterV2Config(config);
  return { config, preprocessing, description: { model: { name, config: { ...config } }, labels, preprocessing } };
}

function landmarkOf(branch: PosterV2Config['landmark'], wanted: RunOptions['landmark']): PosterV2Config['landmark'] {
  if (branch === 'none' || wanted === 'none') return 'none';
  return branch.training === 'trained' ? branch : { ...branch, training: wanted };
}
