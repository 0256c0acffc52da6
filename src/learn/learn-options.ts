import { aBoolean, aList, aNumber, anObject, aText, type OptionRules } from '../common/check-options.js';
import { type FileSource, isFileSource } from '../common/file-source.js';
import type { Augmentation, ImageSource } from '../image/index.js';
import type { ModelCheckpoint } from '../safetensors/index.js';
import type { TrainerOptions } from '../train/index.js';
import type { ClassesOptions } from './classes.js';
import { isCheckpoint } from './is-checkpoint.js';

/** A face crop, as the base network takes them or in any other size, and the class that it shows. */
export interface LabelledCrop {
  /** The `crop` of a recognised face, an `ImageData` or other 8-bit pixels, or a picture's file. */
  readonly crop: ImageSource;
  readonly label: string;
}

export interface LearnOptions extends ClassesOptions, Pick<TrainerOptions, 'device' | 'threads'> {
  /** The weights to begin with: a path on Node, an address in browsers, the bytes of a file, or what `readBase` gave. Default: those that come with the package. */
  readonly base?: FileSource | ModelCheckpoint;
  /** At least two of each class. */
  readonly crops: readonly LabelledCrop[];
  /** What the label set is called (default `learned`). */
  readonly name?: string;
  /** Times that each crop is seen (default 20). */
  readonly epochs?: number;
  /** Highest learning rate (default 3e-4); it falls along half a cosine. */
  readonly lr?: number;
  /** Crops of an update (default 16). */
  readonly batchSize?: number;
  /** Share of each class that is kept from training, to measure with (default 0.15; at least one crop). */
  readonly holdOut?: number;
  /** Which crops are held out, and all else that is random, follows from it (default 0). */
  readonly seed?: number;
  /** How crops are changed at random (default: as `nano` does). */
  readonly augmentation?: Augmentation;
  /**
   * Changed copies of each crop, which the epochs take in turn. What frozen parts see in a copy is computed once: few copies take
   * little time. Default 5; where nothing is frozen, or on a GPU, a new copy in each epoch.
   */
  readonly copies?: number;
  /**
   * What stays as it is, by what the names of its parameters begin with. Default: all but the network's last blocks and head, which are
   * for POSTER V2 the transformer; of a network that does not name its last blocks, the parts that have pretrained files of their own.
   */
  readonly frozen?: readonly string[];
}

/** Bounds are checked where they count. */
export const learnRules: OptionRules<LearnOptions> = {
  base: {
    holds: (base) => isFileSource(base) || isCheckpoint(base),
    wanted: 'a path, a URL, the bytes of a file, or what `readBase` gave',
  },
  crops: aList,
  labels: aList,
  keep: aBoolean,
  name: aText,
  epochs: aNumber,
  lr: aNumber,
  batchSize: aNumber,
  holdOut: aNumber,
  seed: aNumber,
  augmentation: anObject,
  copies: aNumber,
  frozen: aList,
  device: aText,
  threads: aNumber,
};
