import {
  aBoolean,
  aFile,
  aFunction,
  aNumber,
  anObject,
  aSignal,
  aText,
  type OptionRules,
} from '../common/check-options.js';
import type { FileSource } from '../common/file-source.js';
import type { ProgressOptions } from '../common/load-progress.js';
import type { DetectOptions } from '../detect/index.js';
import type { LowContrast } from '../image/contrast.js';
import type { ImageDecoder } from '../image/image-source.js';
import type { AssumedModel } from '../models/index.js';
import type { DeviceName } from '../runtime/index.js';
import type { Preference } from '../safetensors/index.js';

export interface RecognizerOptions extends ProgressOptions {
  /** The weights: a path on Node, an address in browsers, or the bytes of a file. Default: those that come with the package. */
  readonly checkpoint?: FileSource;
  /** The face detector's weights, `weights/face-detector.onnx` of this package, where they lie elsewhere than there. */
  readonly detectorWeights?: FileSource;
  /** What the expression network runs on; the small face detector runs on the CPU. Default `cpu`. */
  readonly device?: DeviceName | 'auto';
  /** Threads of the CPU; default: all cores, in browsers as docs/browser.md says. */
  readonly threads?: number;
  /** Pictures already are face crops, brow to chin, upright: nothing is detected. Default false. */
  readonly aligned?: boolean;
  /** Average over the crop and its mirror image (default false): a little more accurate, twice the time. */
  readonly flip?: boolean;
  /** Leave out the temperature that the weights hold, which makes probabilities mean what they say (default false). */
  readonly raw?: boolean;
  /** Which head of the weights decides: `accuracy` (default), or `rare`, which names rare expressions more often, where they have one. */
  readonly prefer?: Preference;
  /**
   * What becomes of face crops of low contrast: `stretch` (default) spreads it before the network sees them, `keep` leaves them
   * as they are, which is right for weights that were trained on such pictures.
   */
  readonly lowContrast?: LowContrast;
  /** How faces are found, in pictures and in videos; each call may say otherwise. */
  readonly detect?: Omit<DetectOptions, 'signal'>;
  /** What a checkpoint that does not say it itself holds. */
  readonly assumed?: AssumedModel;
  /**
   * Decoding, detection and networks run in a thread of their own, which the recognizer starts, so that this one is never blocked
   * for long. Not with `decode`. Default: false on Node and in workers, true in pages.
   */
  readonly worker?: boolean;
  /** Gives loading up: `load` throws the signal's reason, and a thread that was started for it ends. Afterwards it does not count. */
  readonly signal?: AbortSignal;
  /** How pictures are decoded. Default: by sharp on Node, by the browser in browsers. */
  readonly decode?: ImageDecoder;
}

/** Bounds and names are checked where they count. */
export const loadRules: OptionRules<RecognizerOptions> = {
  checkpoint: aFile,
  detectorWeights: aFile,
  device: aText,
  threads: aNumber,
  aligned: aBoolean,
  flip: aBoolean,
  raw: aBoolean,
  prefer: aText,
  lowContrast: aText,
  detect: anObject,
  assumed: anObject,
  worker: aBoolean,
  decode: aFunction,
  onProgress: aFunction,
  signal: aSignal,
};
