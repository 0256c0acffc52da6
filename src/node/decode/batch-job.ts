import type { Preprocessing } from '../../common/preprocessing.js';
import type { Augmentation } from '../../image/augmentation.js';
import type { LowContrast } from '../../image/contrast.js';

/** What every worker knows: sent once, when it starts. */
export interface MakerSettings {
  /** Of all samples. */
  readonly paths: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
  readonly seed: number;
  readonly orient: boolean;
  readonly cache: PictureCache | null;
  /** What becomes of pictures of low contrast; null: they are neither changed nor counted. */
  readonly lowContrast: LowContrast | null;
  /** The paths are of `.npy` files, which are resized and normalised already. */
  readonly tensors: boolean;
}

/** Pictures at network size, shared by all workers; made by `pictureCache`. */
export interface PictureCache {
  /** Samples x size x size x channels. */
  readonly pixels: SharedArrayBuffer;
  /** A byte per sample: 1 once its pixels are there. */
  readonly filled: SharedArrayBuffer;
}

/** One batch to make. */
export interface MakerJob {
  readonly epoch: number;
  readonly indices: Int32Array;
  /** See `occurrences`. */
  readonly occurrences: Int32Array;
}

export interface MadeBatch {
  /** [kept, C, S, S] */
  readonly images: Float32Array<ArrayBuffer>;
  /** Positions within the batch of the pictures that could be read. */
  readonly kept: Int32Array<ArrayBuffer>;
  /** Pictures of low contrast among the kept; null where they are not counted. */
  readonly lowContrast: number | null;
  readonly failures: readonly { readonly index: number; readonly reason: string }[];
}
