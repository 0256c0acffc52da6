import { aList, aNumber, aSignal, checkOptions, type OptionRules } from '../common/check-options.js';
import { UserError } from '../common/errors.js';

export interface DetectOptions {
  /** Least score of a face, in (0, 1). Default 0.6. */
  readonly minScore?: number;
  /** At most so many faces, the most certain ones. Default: all. */
  readonly maxFaces?: number;
  /** Least width of a face's box, in pixels of the picture. Default 0. */
  readonly minSize?: number;
  /**
   * Lengths in pixels to which the picture's long side is brought, one run each. Small ones find large faces, large ones
   * small faces: those that then are 10 pixels wide or more. Default 96, 192 and 640.
   */
  readonly scales?: readonly number[];
  /**
   * Whether the picture is searched turned too: by default where no face is found upright, or where a face that is found lies
   * (pictures without a face then take about four times as long); `'always'`: every picture; false: none.
   */
  readonly turned?: boolean | 'always';
  /** Stops between two runs, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

export const defaultScales = [96, 192, 640] as const;
const maxScale = 4096;

const rules: OptionRules<DetectOptions> = {
  minScore: aNumber,
  maxFaces: aNumber,
  minSize: aNumber,
  scales: aList,
  turned: { holds: (value) => typeof value === 'boolean' || value === 'always', wanted: "true, false or 'always'" },
  signal: aSignal,
};

/** @throws UserError (kind `usage`) for options that there are not, and values that no face can be found with. */
export function checkDetectOptions(options: DetectOptions): void {
  checkOptions(options, rules, 'detect');
  const { minScore = 0.6, maxFaces = 1, minSize = 0, scales = defaultScales } = options;
  const problem = !(minScore > 0 && minScore < 1)
    ? `a least score of ${minScore} (it lies between 0 and 1)`
    : !(maxFaces >= 1 && (Number.isInteger(maxFaces) || maxFaces === Number.POSITIVE_INFINITY))
      ? `at most ${maxFaces} faces`
      : !(minSize >= 0)
        ? `a least size of ${minSize} pixels`
        : scales.length === 0 || scales.some((scale) => !Number.isInteger(scale) || scale < 32 || scale > maxScale)
          ? `scales ${scales.join(', ')} (whole numbers from 32 to ${maxScale})`
          : undefined;
  if (problem !== undefined) throw new UserError(`Faces cannot be detected with ${problem}.`, 'usage');
}
