import { readFileSync } from 'node:fs';

/** A file of test/fixtures; compiled tests lie in dist/test. */
export const fixture = (path: string): URL => new URL(`../../../test/fixtures/${path}`, import.meta.url);

export function readFixture<T>(path: string): T {
  return JSON.parse(readFileSync(fixture(path), 'utf8')) as T;
}

/** What the golden files keep of a tensor. */
export interface Summary {
  readonly sum: number;
  readonly norm: number;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

export function summarize(data: Float32Array): Summary {
  let sum = 0;
  let squares = 0;
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  return { sum, norm: Math.sqrt(squares), first: [...data.subarray(0, 6)], last: [...data.subarray(-2)] };
}
