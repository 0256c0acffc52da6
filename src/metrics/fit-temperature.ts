import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { temperatureLimits } from '../common/temperature-limits.js';
import { logSoftmax } from './log-softmax.js';
import { type Scores, sampleCount } from './predictions.js';

/** The pictures leave a temperature open. */
export class NoTemperatureError extends UserError {}

/**
 * The temperature T for which softmax(logits / T) has the least cross-entropy (Guo et al., On calibration of modern neural
 * networks, 2017, section 4.2). The loss is convex in 1 / T, so its slope is 0 at one place only, found by bisection.
 * @param targets class indices, or a distribution over the classes for each sample, in the layout of the logits
 * @throws NoTemperatureError where the pictures leave it open: there are none, all are of one class, a logit is not finite, or the
 * best temperature lies outside of the limits.
 */
export function fitTemperature(targets: ArrayLike<number> | Scores, logits: Scores): number {
  const samples = sampleCount(logits);
  const shares = sharesOf(targets, logits.classes);
  if (shares.data.length !== logits.data.length) throw new RangeError(`The targets are not of ${samples} samples.`);
  if (samples === 0) throw new NoTemperatureError('No temperature can be fitted on no pictures; give some.');
  checkClasses(shares);
  const unusable = logits.data.findIndex((value) => !Number.isFinite(value));
  if (unusable >= 0) {
    throw new NoTemperatureError(
      `The network's output for sample ${Math.floor(unusable / logits.classes)} is not finite, so no temperature can be fitted; use another checkpoint.`,
    );
  }
  let [low, high] = [1 / temperatureLimits.most, 1 / temperatureLimits.least];
  // First: a network that says the same of every class has no slope anywhere, and is right about nothing.
  if (slope(shares, logits, low) >= 0) {
    throw new NoTemperatureError(
      `The higher the temperature, the better it fits the pictures, ${samples} in all: the network says nothing about them; use pictures like those it was trained on.`,
    );
  }
  if (slope(shares, logits, high) <= 0) {
    throw new NoTemperatureError(
      `The lower the temperature, the better it fits the pictures, ${samples} in all: the network is right about each of them; use more, or ones that it has not seen.`,
    );
  }
  // Halved 60 times, on a scale of logarithms: to the last bits of a double.
  for (let halving = 0; halving < 60; halving++) {
    const middle = Math.sqrt(low * high);
    if (slope(shares, logits, middle) < 0) low = middle;
    else high = middle;
  }
  return 1 / Math.sqrt(low * high);
}

function sharesOf(targets: ArrayLike<number> | Scores, classes: number): Scores {
  if ('classes' in targets) return targets;
  const data = new Float32Array(targets.length * classes);
  for (let i = 0; i < targets.length; i++) data[i * classes + itemAt(targets, i)] = 1;
  return { classes, data };
}

/** @throws NoTemperatureError where all targets are one and the same class. */
function checkClasses({ classes, data }: Scores): void {
  const known = new Set<number>();
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) known.add(i % classes);
  if (known.size >= 2) return;
  throw new NoTemperatureError('No temperature can be fitted on pictures of one class; give pictures of several.');
}

/** Derivative of the cross-entropy's sum by `factor`, which logits are multiplied with. */
function slope(shares: Scores, { classes, data }: Scores, factor: number): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += classes) {
    const row = Array.from(data.subarray(i, i + classes));
    const logs = logSoftmax(row.map((value) => value * factor));
    row.forEach((value, c) => {
      sum += (Math.exp(itemAt(logs, c)) - itemAt(shares.data, i + c)) * value;
    });
  }
  return sum;
}
