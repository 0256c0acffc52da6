import { itemAt } from '../../src/common/item-at.js';

let broken = 0;

/** Says whether a bound holds; the program ends with 1 where one does not. */
export function bound(name: string, holds: boolean, found: string): void {
  console.log(`${holds ? 'holds ' : 'BROKEN'}  ${name}: ${found}`);
  if (!holds) broken++;
}

export const brokenBounds = (): number => broken;

/** @param share 0.5 is the middle */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return itemAt(sorted, Math.floor(share * (sorted.length - 1)));
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
