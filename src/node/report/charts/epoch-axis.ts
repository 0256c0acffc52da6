/**
 * An axis of whole epochs from 0 to the last, with at most so many labels, each under its tick. Steps are 1, 2 or 5 times a power
 * of ten. (Vega's own choice takes a count for a wish, and moves the outer labels until they touch their neighbours.)
 */
export function epochAxis(last: number, most: number): EpochAxis {
  const step = [1, 2, 5]
    .flatMap((base) => [0, 1, 2, 3, 4, 5, 6].map((power) => base * 10 ** power))
    .sort((a, b) => a - b)
    .find((size) => Math.floor(last / size) < most);
  const values = step === undefined ? [0] : Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  return { values, format: 'd', labelFlush: false };
}

export interface EpochAxis {
  readonly values: number[];
  readonly format: 'd';
  readonly labelFlush: false;
}
