/** Repeated measurements of one figure: folds, seeds. */
export interface Spread {
  /** How many there are. */
  readonly count: number;
  /** Null without any. */
  readonly mean: number | null;
  /** Sample standard deviation (divided by count - 1); null below two. */
  readonly deviation: number | null;
}

/** Mean and sample standard deviation; figures that are not defined (null) are left out, and `count` says so. */
export function spread(figures: readonly (number | null)[]): Spread {
  const values = figures.filter((figure) => figure !== null);
  const count = values.length;
  if (count === 0) return { count, mean: null, deviation: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) };
}
