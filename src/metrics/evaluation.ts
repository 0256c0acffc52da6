import { increase, itemAt } from '../common/item-at.js';
import { type Calibration, calibration } from './calibration.js';
import { logSoftmax } from './log-softmax.js';
import { predictions, type Scores, sampleCount } from './predictions.js';

/** Counts by true class (row) and predicted class (column). */
export type ConfusionMatrix = readonly (readonly number[])[];

/** How one class fares. Fractions are in [0, 1]; `null` where nothing defines them. */
export interface ClassMetrics {
  /** Pictures of this class. */
  readonly support: number;
  /** Pictures that were taken for this class. */
  readonly predicted: number;
  /** Right among those taken for this class. 0 if it has pictures but was never predicted; null if neither. */
  readonly precision: number | null;
  /** Right among those of this class; null without support. */
  readonly recall: number | null;
  /** Harmonic mean of both, 2 right / (support + predicted); null without support. */
  readonly f1: number | null;
}

/** What an evaluation reports. Means are null when there are no samples. */
export interface Evaluation {
  readonly samples: number;
  readonly accuracy: number | null;
  /** Mean recall over the classes that have samples. */
  readonly meanClassAccuracy: number | null;
  /** Mean F1 over the classes that have samples. */
  readonly macroF1: number | null;
  /** Fraction whose true class is among the `k` best-scored. */
  readonly topK: { readonly k: number; readonly accuracy: number | null };
  /** Mean over samples, in nats. */
  readonly crossEntropy: number | null;
  readonly calibration: Calibration;
  readonly confusion: ConfusionMatrix;
  readonly perClass: readonly ClassMetrics[];
  /** Indices of classes without samples: the class means leave them out. */
  readonly absentClasses: readonly number[];
}

function checkLabels(labels: ArrayLike<number>, samples: number, classes: number): void {
  if (labels.length !== samples) throw new RangeError(`${labels.length} labels for ${samples} samples.`);
  for (let i = 0; i < labels.length; i++) {
    const label = itemAt(labels, i);
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(`Label ${label} of sample ${i} is not one of ${classes} classes.`);
    }
  }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Counts predictions by true and predicted class. Throws a RangeError for an index outside of `classes`. */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): ConfusionMatrix {
  checkLabels(labels, predicted.length, classes);
  checkLabels(predicted, labels.length, classes);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    increase(itemAt(matrix, itemAt(labels, i)), itemAt(predicted, i));
  }
  return matrix;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Fraction on the diagonal; null for an empty matrix. */
export function accuracy(matrix: ConfusionMatrix): number | null {
  const total = sum(matrix.map(sum));
  const right = sum(matrix.map((row, c) => itemAt(row, c)));
  return total === 0 ? null : right / total;
}

/** Precision, recall and F1 of each class; for what is undefined see {@link ClassMetrics}. */
export function perClassMetrics(matrix: ConfusionMatrix): ClassMetrics[] {
  return matrix.map((row, c) => {
    const support = sum(row);
    const predicted = sum(matrix.map((other) => itemAt(other, c)));
    const right = itemAt(row, c);
    return {
      support,
      predicted,
      precision: predicted > 0 ? right / predicted : support > 0 ? 0 : null,
      recall: support > 0 ? right / support : null,
      f1: support > 0 ? (2 * right) / (support + predicted) : null,
    };
  });
}

/** Mean recall over the classes that have samples ("mean class accuracy"); null if none has. */
export function meanClassAccuracy(matrix: ConfusionMatrix): number | null {
  return mean(perClassMetrics(matrix).flatMap(({ recall }) => recall ?? []));
}

/**
 * Mean F1 over the classes that have samples; null if none has. A class without samples is left out even where it was
 * predicted: those mistakes already count against the classes they were made on.
 */
export function macroF1(matrix: ConfusionMatrix): number | null {
  return mean(perClassMetrics(matrix).flatMap(({ f1 }) => f1 ?? []));
}

/**
 * Fraction of samples whose true class is among the `k` best-scored, equals ranked by index, so that k = 1 agrees with
 * {@link predictions}; null without samples.
 */
export function topKAccuracy(labels: ArrayLike<number>, scores: Scores, k: number): number | null {
  const samples = sampleCount(scores);
  const { classes, data } = scores;
  checkLabels(labels, samples, classes);
  let right = 0;
  for (let i = 0; i < samples; i++) {
    const label = itemAt(labels, i);
    const own = itemAt(data, i * classes + label);
    let ahead = 0;
    for (let c = 0; c < classes; c++) {
      const value = itemAt(data, i * classes + c);
      if (value > own || (value === own && c < label)) ahead++;
    }
    if (ahead < k) right++;
  }
  return samples === 0 ? null : right / samples;
}

/**
 * Mean cross-entropy of softmax(logits), in nats, computed in float64; null without samples.
 * @param targets class indices, or a distribution over the classes for each sample, in the layout of the logits
 */
export function crossEntropy(targets: ArrayLike<number> | Scores, logits: Scores): number | null {
  const samples = sampleCount(logits);
  const { classes, data } = logits;
  const distributions = 'classes' in targets ? targets : undefined;
  const labels = 'classes' in targets ? undefined : targets;
  if (labels !== undefined) checkLabels(labels, samples, classes);
  if (distributions !== undefined && (distributions.classes !== classes || sampleCount(distributions) !== samples)) {
    throw new RangeError(`The target distributions are not of ${samples} samples over ${classes} classes.`);
  }
  let total = 0;
  for (let i = 0; i < samples; i++) {
    const row = logSoftmax(data.subarray(i * classes, (i + 1) * classes));
    for (let c = 0; c < classes; c++) {
      const weight = distributions === undefined ? Number(labels?.[i] === c) : distributions.data[i * classes + c];
      // Skipped rather than multiplied: 0 times an infinite loss is NaN.
      if (weight !== undefined && weight !== 0) total -= weight * itemAt(row, c);
    }
  }
  return samples === 0 ? null : total / samples;
}

/**
 * All figures of an evaluation.
 * @param labels true class of each sample
 * @param logits in the same order
 * @param k for top-k accuracy; taken down to the number of classes
 * @throws UserError (kind `diverged`) when a logit is NaN.
 */
export function evaluate(labels: ArrayLike<number>, logits: Scores, k = 2): Evaluation {
  const confusion = confusionMatrix(labels, predictions(logits), logits.classes);
  const perClass = perClassMetrics(confusion);
  const usedK = Math.min(k, logits.classes);
  return {
    samples: labels.length,
    accuracy: accuracy(confusion),
    meanClassAccuracy: meanClassAccuracy(confusion),
    macroF1: macroF1(confusion),
    topK: { k: usedK, accuracy: topKAccuracy(labels, logits, usedK) },
    crossEntropy: crossEntropy(labels, logits),
    calibration: calibration(labels, logits),
    confusion,
    perClass,
    absentClasses: perClass.flatMap(({ support }, c) => (support === 0 ? [c] : [])),
  };
}
