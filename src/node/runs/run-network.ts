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
import { type ConfiguredNetwork, classLimits, modelNamed } from '../../models/index.js';
import type { ModelDescription } from '../../safetensors/index.js';
import { ownOptions, type RunOptions } from './options.js';

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
  return {
    flip: run.flip ?? named.flip,
    rotation: run.rotation ?? named.rotation,
    zoom: run.zoom ?? named.zoom,
    shift: run.shift ?? named.shift,
    cropScale: run.cropScale ?? named.cropScale,
    brightness: run.brightness ?? named.brightness,
    contrast: run.contrast ?? named.contrast,
    gammaCorrection: run.gammaCorrection ?? named.gammaCorrection,
    blur: run.blur ?? named.blur,
    noise: run.noise ?? named.noise,
    jpeg: run.jpeg ?? named.jpeg,
    erasing: erasing.probability > 0 ? erasing : null,
  };
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
): { network: ConfiguredNetwork; preprocessing: Preprocessing; description: ModelDescription } {
  const { name, preprocessing, network: base } = modelNamed(run.model);
  const classes = labels.labels.length;
  if (classes < classLimits.least || classes > classLimits.most) {
    throw new UserError(
      `${printable(run.data, 4096)} has ${classes} ${classes === 1 ? 'class' : 'classes'}, and a network tells ${classLimits.least} ` +
        `to ${classLimits.most} apart; add class folders or remove some.`,
    );
  }
  const network = base.family.withOptions(name, classes, ownOptions(run));
  return { network, preprocessing, description: { model: { name, config: network.config }, labels, preprocessing } };
}
