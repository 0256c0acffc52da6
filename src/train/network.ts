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
import { modelNamed, type PosterV2Config } from '../models/index.js';
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
  const { landmark } = base;
  const config: PosterV2Config = {
    ...base,
    numClasses: labels.labels.length,
    landmark:
      landmark !== 'none' && landmark.training !== 'trained' ? { ...landmark, training: run.landmark } : landmark,
  };
  return { config, preprocessing, description: { model: { name, config: { ...config } }, labels, preprocessing } };
}
