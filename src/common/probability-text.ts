/** A probability as people read it: `94.3%`. What is neither 0 nor 1 is not shown as if it were: `<0.1%`, `>99.9%`. */
export function probabilityText(probability: number): string {
  if (probability > 0 && probability < 0.0005) return '<0.1%';
  if (probability < 1 && probability >= 0.9995) return '>99.9%';
  return `${(100 * probability).toFixed(1)}%`;
}

/** In whole percent, where there is little room: `94%`, `<1%`, `>99%`. */
export function shortProbabilityText(probability: number): string {
  if (probability > 0 && probability < 0.005) return '<1%';
  if (probability < 1 && probability >= 0.995) return '>99%';
  return `${(100 * probability).toFixed(0)}%`;
}
