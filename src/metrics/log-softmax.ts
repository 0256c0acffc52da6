/**
 * log(softmax(logits)) of one row, in float64. A logit of -Infinity is a class that cannot be: its result is -Infinity
 * too. At least one logit must be finite.
 */
export function logSoftmax(logits: ArrayLike<number>): number[] {
  const row = Array.from(logits);
  const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const logSum = max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
  return row.map((value) => value - logSum);
}
