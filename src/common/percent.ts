/** A fraction in percent with one digit after the point, or `digits`; `-` where it is undefined. */
export function percent(fraction: number | null, digits = 1): string {
  return fraction === null ? '-' : (fraction * 100).toFixed(digits);
}
