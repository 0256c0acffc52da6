import {
  aBoolean,
  aNumber,
  anObject,
  aSignal,
  checkOptions,
  type OptionRule,
  type OptionRules,
} from '../common/check-options.js';
import { UserError } from '../common/errors.js';
import { checkDetectOptions, type DetectOptions } from '../detect/index.js';

export interface TrackerOptions {
  /** A face that is not seen for longer ends its track; one that comes back before keeps its id. Seconds, default 1. */
  readonly maxGap?: number;
  /** With this detection score, in [0, 1], a face counts at once; others when they are seen in two frames in a row. Default 0.7. */
  readonly sureScore?: number;
}

export interface FindFacesOptions extends TrackerOptions {
  /** How often whole frames are searched for new faces, in seconds; 0: each frame. Default 0.5. */
  readonly searchEvery?: number;
  /**
   * How faces are found, over the options that the recognizer was loaded with. Frames are searched turned, unless `turned` says otherwise, every 5 seconds as long as nothing is found in them
   * or as what is found lies.
   */
  readonly detect?: Omit<DetectOptions, 'signal'>;
}

export interface RecognizeFramesOptions extends FindFacesOptions {
  /** Stops between two steps, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
  /** Time constant of the smoothed scores, in seconds: after it a change has arrived to 63%. 0: none. Default 0.5. */
  readonly smooth?: number;
  /** Faces that the network looks at in one run, across frames (default 32). */
  readonly batchSize?: number;
  /** Give each frame's result at once rather than in batches, where frames come faster than they are looked at. Default: for live streams. */
  readonly live?: boolean;
  /**
   * Frames of this host alone, such as a page's video, are shrunk to so many pixels on their longer side as they are read (default
   * 1280). Raw pixels are taken as they are.
   */
  readonly maxSide?: number;
  /** Give `picture` with each frame (default false). */
  readonly picture?: boolean;
  /** Give `crop` with each face (default false). */
  readonly crops?: boolean;
}

const frameRules: OptionRules<RecognizeFramesOptions> = {
  signal: aSignal,
  smooth: aNumber,
  batchSize: aNumber,
  live: aBoolean,
  maxSide: aNumber,
  picture: aBoolean,
  crops: aBoolean,
  searchEvery: aNumber,
  detect: anObject,
  maxGap: aNumber,
  sureScore: aNumber,
};

const isTime = (seconds: number): boolean => seconds >= 0 && seconds < Number.POSITIVE_INFINITY;

/**
 * Before anything is opened whose frames are to be followed.
 * @param of the function, for errors
 * @param others rules of what else that function is told, whose values it checks itself
 * @throws UserError (kind `usage`) for options that there are not, and values that no frames can be followed with
 */
export function checkFramesOptions(
  options: RecognizeFramesOptions,
  of: string,
  others: Readonly<Record<string, OptionRule>> = {},
): void {
  checkOptions(options, { ...frameRules, ...others }, of);
  const { smooth = 0, maxSide = 1 } = options;
  if (!isTime(smooth)) throw new UserError(`Scores cannot be smoothed over ${smooth} s; give 0 or more.`, 'usage');
  if (!(Number.isInteger(maxSide) && maxSide >= 1)) {
    throw new UserError(`Frames cannot be shrunk to ${maxSide} pixels; maxSide is a whole number from 1.`, 'usage');
  }
  checkFindFacesOptions(options);
}

/** @throws UserError (kind `usage`) for values that no faces can be followed with */
export function checkFindFacesOptions({ searchEvery = 0, detect = {}, ...tracking }: FindFacesOptions): void {
  if (!isTime(searchEvery)) {
    throw new UserError(`Faces cannot be searched for every ${searchEvery} s; give 0 or more.`, 'usage');
  }
  checkDetectOptions(detect);
  checkTrackerOptions(tracking);
}

/** @throws UserError (kind `usage`) */
export function checkTrackerOptions({ maxGap = 0, sureScore = 0 }: TrackerOptions): void {
  if (!isTime(maxGap)) {
    throw new UserError(`A face cannot keep its number over ${maxGap} s; maxGap is 0 or more.`, 'usage');
  }
  if (!(sureScore >= 0 && sureScore <= 1)) {
    throw new UserError(`No face has a score of ${sureScore}; sureScore lies between 0 and 1.`, 'usage');
  }
}
