import { itemAt } from '../common/item-at.js';
/** An expression and how strongly a picture shows it. */
export interface Score {
  readonly label: string;
  /** In [0, 1]; those of a picture sum to 1. */
  readonly probability: number;
  readonly logit: number;
}

/** One picture's scores, logits and probabilities [K], the most probable first. */
export function ranked(labels: readonly string[], logits: Float32Array, probabilities: Float32Array): Score[] {
  return labels
    .map((label, k) => ({ label, probability: itemAt(probabilities, k), logit: itemAt(logits, k) }))
    .sort((a, b) => b.probability - a.probability);
}
