import { UserError } from '../../common/errors.js';
import type { LabelSet } from '../../common/labels.js';
import type { Preprocessing } from '../../common/preprocessing.js';
import { printable } from '../../common/printable.js';
import {
  type Augmentation,
  affectnetAugmentation,
  type Erasing,
  nanoAugmentation,
  noAugmentation,
  rafdbAugmentation,
} from '../../image/index.js';
import { checkPosterV2Config, classLimits, modelNamed, type PosterV2Config } from '../../models/index.js';
import type { ModelDescription } from '../../safetensors/index.js';
import type { RunOptions } from './options.js';

const augmentations: Readonly<Record<RunOptions['augmentation'], Augmentation>> = {
  none: noAugmentation,
  rafdb: rafdbAugmentation,
  affectnet: affectnetAugmentation,
  nano: nanoAugmentation,
};

/** What happens to training pictures: the named augmentation with what the run sets otherwise. */
export function augmentationOf(run: RunOptions): Augmentation {
  const named = augmentations[run.augmentation];
  const { probability, scale, ratio } = named.erasing ?? usualErasing;
  const erasing = {
    probability: run.erasing ?? (named.erasing === null ? 0 : probability),
    scale: run.erasingScale ?? scale,
    ratio: run.erasingRatio ?? ratio,
  };
  return { ...named, flip: run.flip ?? named.flip, erasing: erasing.probability > 0 ? erasing : null };
}

/** torchvision's defaults, for an augmentation that erases nothing by itself. */
const usualErasing: Erasing = { probability: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3] };

/**
 * A run's network: the named one with an output for each label.
 * @throws UserError where no checkpoint could hold it: too few or too many classes, sizes that do not fit together.
 */
export function networkOf(
  run: RunOptions,
  labels: LabelSet,
): { config: PosterV2Config; preprocessing: Preprocessing; description: ModelDescription } {
  const { config: base, preprocessing, name } = modelNamed(run.model);
  const { landmark, transformer } = base;
  const classes = labels.labels.length;
  if (classes < classLimits.least || classes > classLimits.most) {
    throw new UserError(
      `${printable(run.data, 4096)} has ${classes} ${classes === 1 ? 'class' : 'classes'}, and a network tells ${classLimits.least} ` +
        `to ${classLimits.most} apart; add class folders or remove some.`,
    );
  }
  const config: PosterV2Config = {
    ...base,
    numClasses: classes,
    landmark: landmarkOf(landmark, run.landmark, name),
    scales: run.scales ?? base.scales,
    attention: attentionOf(base.attention, run),
    transformer: { ...transformer, blocks: run.blocks ?? transformer.blocks },
  };
  checkPosterV2Config(config);
  return { config, preprocessing, description: { model: { name, config: { ...config } }, labels, preprocessing } };
}

function attentionOf(
  [first, second, third]: PosterV2Config['attention'],
  run: RunOptions,
): PosterV2Config['attention'] {
  const { windows, dropPath } = run;
  const scale = (own: typeof first, i: 0 | 1 | 2): typeof first => ({
    ...own,
    window: windows?.[i] ?? own.window,
    dropPath: dropPath === null ? own.dropPath : (dropPath * i) / 2,
  });
  return [scale(first, 0), scale(second, 1), scale(third, 2)];
}

function landmarkOf(
  branch: PosterV2Config['landmark'],
  wanted: RunOptions['landmark'],
  model: string,
): PosterV2Config['landmark'] {
  if (branch === 'none' || wanted === 'none') return 'none';
  if (branch.training === 'trained' && wanted !== 'trained') {
    throw new UserError(
      `The landmark branch of ${model} has no weights of its own to keep, so it is 'trained' or left out ('none'), never '${wanted}'.`,
      'usage',
    );
  }
  return { ...branch, training: wanted };
}
