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
    .map((label, k) => ({ label, probability: probabilities[k] ?? 0, logit: logits[k] ?? 0 }))
    .sort((a, b) => b.probability - a.probability);
}
