import { logSoftmax } from '../metrics/index.js';
import type { Classified } from './classified.js';
import type { Classifier } from './classifier.js';

/** Pictures [n, C, S, S] turned left to right, in new memory. */
export function mirrored(images: Float32Array, width: number): Float32Array {
  const turned = new Float32Array(images.length);
  for (let row = 0; row < images.length; row += width) {
    for (let x = 0; x < width; x++) turned[row + x] = images[row + width - 1 - x] ?? 0;
  }
  return turned;
}

/**
 * A classifier that looks at each picture and at its mirror image and gives the mean of both softmax outputs, as
 * Krizhevsky et al. (2012) do over their views. Its logits are the logarithms of those means: their softmax is the mean
 * again, so that every figure that is computed from logits fits. Twice the time. Disposing of it disposes of the other.
 */
export function withFlip(classifier: Classifier): Classifier {
  const classes = classifier.labels.labels.length;
  return {
    ...classifier,
    async classify(images, n) {
      const straight = await classifier.classify(images, n);
      const turned = await classifier.classify(mirrored(images, classifier.preprocessing.imageSize), n);
      const logits = meanOf(straight.logits, turned.logits, classes);
      const both = { logits, probabilities: logits.map(Math.exp) };
      const { rawLogits } = straight;
      return rawLogits === undefined ? both : { ...both, rawLogits: meanOf(rawLogits, rawOf(turned), classes) };
    },
  };
}

const rawOf = ({ rawLogits, logits }: Classified): Float32Array => rawLogits ?? logits;

/** Logarithms of the means of two softmax outputs, both [n, K]. */
function meanOf(one: Float32Array, other: Float32Array, classes: number): Float32Array {
  const means = new Float32Array(one.length);
  for (let i = 0; i < means.length; i += classes) {
    const a = logSoftmax(one.subarray(i, i + classes));
    const b = logSoftmax(other.subarray(i, i + classes));
    means.set(
      a.map((value, c) => logMean(value, b[c] ?? Number.NaN)),
      i,
    );
  }
  return means;
}

/** log((exp a + exp b) / 2), without leaving the range of the exponential. */
function logMean(a: number, b: number): number {
  const max = Math.max(a, b);
  if (max === Number.NEGATIVE_INFINITY) return max;
  return max + Math.log((Math.exp(a - max) + Math.exp(b - max)) / 2);
}
