import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { itemAt } from '../../../common/item-at.js';

/** Shards of one job; the largest arrays of schedulers have fewer. */
export const mostShards = 100_000;

const count = z
  .int()
  .min(0)
  .max(2 ** 32);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const shardHeaderSchema = z.strictObject({
  format: z.literal(1),
  /** Of this program. */
  version: z.string().max(100),
  /** Which work it is: `predict`. */
  command: z.string().regex(/^[a-z]{1,20}$/),
  shard: z.strictObject({ index: z.int().min(1).max(mostShards), count: z.int().min(1).max(mostShards) }),
  /** What all shards together have to do: pictures, or batches of them. */
  units: count,
  /** How many of them are this shard's. */
  own: count,
  /** SHA-256 of what the units are. */
  inputs: digest,
  /** SHA-256 of the file of weights. */
  weights: digest,
  /** What decides the results besides, by name. */
  settings: z.record(z.string().max(100), z.json()),
  /** What the results need to become files, and what is the same in all shards. */
  facts: z.json(),
});
/** What a shard file begins with. */
export type ShardHeader = z.infer<typeof shardHeaderSchema>;

/** A header as it reads when it comes back from a file. */
export function shardHeader(
  parts: Omit<ShardHeader, 'format' | 'settings' | 'facts'> & { readonly settings: object; readonly facts: object },
): ShardHeader {
  return shardHeaderSchema.parse(JSON.parse(JSON.stringify({ format: 1, ...parts })));
}

/** Why two shards are not of one job, as `their weights differ`; undefined where they are. */
export function differenceOf(one: ShardHeader, other: ShardHeader): string | undefined {
  const between = (what: string, a: unknown, b: unknown): string => `their ${what} differ (${text(a)} and ${text(b)})`;
  if (one.command !== other.command) return between('commands', one.command, other.command);
  if (one.version !== other.version) return between('versions of poster', one.version, other.version);
  if (one.shard.count !== other.shard.count) {
    return between('numbers of shards', one.shard.count, other.shard.count);
  }
  for (const key of new Set([...Object.keys(one.settings), ...Object.keys(other.settings)])) {
    const [a, b] = [one.settings[key], other.settings[key]];
    if (!isDeepStrictEqual(a, b)) return between(`values of ${key}`, a, b);
  }
  if (one.weights !== other.weights) return 'their weights differ';
  if (one.inputs !== other.inputs || one.units !== other.units) return 'their inputs differ';
  return isDeepStrictEqual(one.facts, other.facts) ? undefined : 'what they say of weights and inputs differs';
}

function text(value: unknown): string {
  if (value === undefined) return 'none';
  const words = typeof value === 'string' ? value : JSON.stringify(value);
  return words.length > 60 ? `${words.slice(0, 60)}...` : words;
}

/** Numbers in words, with runs of them together: `2, 5 to 7 and 9`; after `most` runs, how many are left. */
export function ranges(numbers: readonly number[], most = 8): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  const words = runs.slice(0, most).flatMap(([from, to]) => (to > from + 1 ? [`${from} to ${to}`] : span(from, to)));
  const left = runs.slice(most).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  if (left > 0) words.push(`${left} more`);
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${itemAt(words, words.length - 1)}`;
}

const span = (from: number, to: number): string[] => (from === to ? [`${from}`] : [`${from}`, `${to}`]);
