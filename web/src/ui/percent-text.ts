/** A probability as people read it: `94.3%`; what is not 0 is never shown as 0. */
export function percentText(share: number): string {
  if (share > 0 && share < 0.0005) return '<0.1%';
  return `${(100 * share).toFixed(1)}%`;
}
