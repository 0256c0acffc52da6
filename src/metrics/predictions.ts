import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';

/** Row-major logits or scores of `samples` pictures over `classes` classes. */
export interface Scores {
  readonly classes: number;
  /** `samples * classes` values; none may be NaN. A logit of -Infinity is a class that cannot be. */
  readonly data: Float32Array;
}

/** Number of rows. Throws a RangeError when the data is not whole rows. */
export function sampleCount({ classes, data }: Scores): number {
  if (!Number.isSafeInteger(classes) || classes < 1 || data.length % classes !== 0) {
    throw new RangeError(`${data.length} scores are not whole rows of ${classes} classes.`);
  }
  return data.length / classes;
}

/**
 * The best-scored class of each row; the lowest index among equals.
 * @throws UserError (kind `diverged`) for a NaN, which no class can be read from.
 */
export function predictions(scores: Scores): Int32Array {
  const samples = sampleCount(scores);
  const { classes, data } = scores;
  const best = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    let top = 0;
    for (let c = 0; c < classes; c++) {
      const value = itemAt(data, i * classes + c);
      if (Number.isNaN(value)) {
        throw new UserError(
          `The network's output for sample ${i} is not a number: its weights are broken; use another checkpoint.`,
          'diverged',
        );
      }
      if (value > itemAt(data, i * classes + top)) top = c;
    }
    best[i] = top;
  }
  return best;
}
