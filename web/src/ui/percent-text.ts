/** A share as people read it: `94.3%`. What is neither 0 nor 1 is not shown as if it were. */
export function percentText(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1%';
  if (share < 1 && share >= 0.9995) return '>99.9%';
  return `${(100 * share).toFixed(1)}%`;
}
