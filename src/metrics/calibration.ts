import { itemAt } from '../common/item-at.js';
import { logSoftmax } from './log-softmax.js';
import type { Scores } from './predictions.js';

/** The predictions whose confidence lies in (from, to]; the first bin also takes 0. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the predicted class; null for an empty bin. */
  readonly confidence: number | null;
  /** Fraction that is right; null for an empty bin. */
  readonly accuracy: number | null;
}

/** Whether probabilities mean what they say. All null without samples. */
export interface Calibration {
  /**
   * Expected calibration error: mean over the predictions of |accuracy - confidence| of their bin, in [0, 1]
   * (Guo et al., On calibration of modern neural networks, 2017, equations 2 and 3).
   */
  readonly ece: number | null;
  /** Largest |accuracy - confidence| among the bins that are not empty (ibid., equation 5). */
  readonly mce: number | null;
  /** Mean over samples of the squared distance from the probabilities to the one-hot truth, in [0, 2] (Brier, 1950). */
  readonly brier: number | null;
  /** Of equal width, ascending. */
  readonly bins: readonly ReliabilityBin[];
}

interface Tally {
  count: number;
  confidence: number;
  right: number;
}

/** Bin of a confidence among `bins` of equal width, each open below and closed above. */
function binOf(confidence: number, bins: number): number {
  let bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
  // The product may round across an edge; the edge itself, as it is reported, decides.
  if (bin > 0 && confidence <= bin / bins) bin--;
  else if (bin < bins - 1 && confidence > (bin + 1) / bins) bin++;
  return bin;
}

/**
 * Calibration of softmax(logits), in float64. The prediction is the best-scored class, the lowest index among equals,
 * its confidence that class's probability.
 * @param labels true class of each sample
 * @param count bins of equal width; 15 in Guo et al.
 */
export function calibration(labels: ArrayLike<number>, logits: Scores, count = 15): Calibration {
  const { classes, data } = logits;
  const samples = labels.length;
  if (data.length !== samples * classes) throw new RangeError(`${data.length} scores for ${samples} labels.`);
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`${count} bins.`);
  const tallies = Array.from({ length: count }, (): Tally => ({ count: 0, confidence: 0, right: 0 }));
  let squares = 0;
  for (let i = 0; i < samples; i++) {
    const probabilities = logSoftmax(data.subarray(i * classes, (i + 1) * classes)).map(Math.exp);
    const label = itemAt(labels, i);
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const p = itemAt(probabilities, c);
      squares += (p - Number(c === label)) ** 2;
      // By logits, as predictions are: probabilities may round to equal ones.
      if (itemAt(data, i * classes + c) > itemAt(data, i * classes + best)) best = c;
    }
    const confidence = itemAt(probabilities, best);
    const tally = tallies[binOf(confidence, count)];
    if (tally === undefined) continue;
    tally.count++;
    tally.confidence += confidence;
    tally.right += Number(best === label);
  }
  const bins = tallies.map((tally, b) => ({
    from: b / count,
    to: (b + 1) / count,
    count: tally.count,
    confidence: tally.count === 0 ? null : tally.confidence / tally.count,
    accuracy: tally.count === 0 ? null : tally.right / tally.count,
  }));
  if (samples === 0) return { ece: null, mce: null, brier: null, bins };
  // An empty bin has none.
  const gaps = bins.map(({ accuracy, confidence }) =>
    accuracy === null || confidence === null ? 0 : Math.abs(accuracy - confidence),
  );
  return {
    ece: bins.reduce((sum, bin, b) => sum + (bin.count / samples) * itemAt(gaps, b), 0),
    mce: Math.max(...gaps),
    brier: squares / samples,
    bins,
  };
}
