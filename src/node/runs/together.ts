import { createHash } from 'node:crypto';
import { availableParallelism, cpus, hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { advice, type Setting, UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { gather, type Reducer } from '../../train/reducer.js';
import type { Skipped } from '../datasets/index.js';
import type { Communicator } from '../ranks/communicator.js';
import type { DataDigest } from './data-digest.js';
import { type RunOptions, withPaths } from './options.js';
import { versions } from './versions.js';

/** What ranks that train one network must have in common. */
const identitySchema = z.object({
  host: z.string(),
  versions: z.record(z.string(), z.string()),
  /** Options of the run by name, as JSON; without paths, which may differ. */
  options: z.record(z.string(), z.string()),
  /** Digests. */
  data: z.object({ train: z.string(), validation: z.string() }),
  weights: z.string(),
});
type Identity = z.infer<typeof identitySchema>;

/** What is compared at the start. */
export interface Compared {
  readonly run: RunOptions;
  readonly digest: DataDigest;
  /** First values, or those that the run goes on with. */
  readonly weights: readonly ReadonlyMap<string, Float32Array>[];
}

/**
 * That all ranks are about to do the same, before anything is trained or written.
 * @returns how many ranks there are on this machine
 * @throws UserError on all ranks, which names the first that differs, and in what
 */
export async function compareRanks(ranks: Communicator, compared: Compared): Promise<number> {
  if (ranks.size === 1) return 1;
  const own = identityOf(compared);
  const all = await ranks.documents(identitySchema, own);
  const first = itemAt(all, 0);
  for (const [rank, one] of all.entries()) {
    const difference = differenceOf(first, one);
    if (difference === undefined) continue;
    const { sentence, settings } = difference;
    throw new UserError(`Rank ${rank} (${printable(one.host, 100)}) ${sentence}.`, 'input', { settings });
  }
  return all.filter(({ host }) => host === own.host).length;
}

function identityOf({ run, digest, weights }: Compared): Identity {
  const hash = createHash('sha256');
  for (const arrays of weights) {
    for (const [name, values] of arrays) {
      hash.update(name);
      hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
  const options = Object.entries(withPaths(run, () => '')).map(([name, value]) => [name, JSON.stringify(value)]);
  return {
    host: hostname(),
    versions: versions(),
    options: Object.fromEntries(options),
    data: digest,
    weights: hash.digest('hex'),
  };
}

const shown = (value: string | undefined): string => (value === undefined ? 'none' : printable(value, 100));

/** What a rank does otherwise than rank 0, and what to do about it. */
function differenceOf(first: Identity, one: Identity) {
  const names = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])];
  for (const name of names(first.versions, one.versions)) {
    if (first.versions[name] === one.versions[name]) continue;
    return advice(
      `has ${printable(name)} ${shown(one.versions[name])} where rank 0 has ${shown(first.versions[name])}; install the same on all machines`,
    );
  }
  for (const name of names(first.options, one.options)) {
    if (first.options[name] === one.options[name]) continue;
    return advice(
      `has ${shown(one.options[name])} as ${printable(name)} where rank 0 has ${shown(first.options[name])}; give all ranks the same options`,
    );
  }
  for (const [part, what] of [
    ['train', 'training'],
    ['validation', 'validation'],
  ] as const) {
    if (first.data[part] === one.data[part]) continue;
    const settings: Setting = 'data';
    return advice(
      `has other ${what} pictures than rank 0: names, labels or sizes of files differ; give all ranks the same data`,
      settings,
    );
  }
  if (first.weights === one.weights) return undefined;
  return advice('starts from other weights than rank 0; give all ranks the same files', 'init', 'resume');
}

/**
 * That all ranks learn from the same teachers: each has opened files of its own.
 * @param digests SHA-256 of the files, in their order
 * @throws UserError on all ranks, which names the first that differs
 */
export async function compareTeachers(ranks: Communicator, digests: readonly string[]): Promise<void> {
  if (ranks.size === 1) return;
  const all = await ranks.documents(z.array(z.string()), [...digests]);
  const other = all.findIndex((one) => !isDeepStrictEqual(one, all[0]));
  if (other === -1) return;
  throw new UserError(
    `Rank ${other} learns from other teachers than rank 0: the bytes of their files differ; give all ranks the same files.`,
    'input',
    { settings: ['teacher'] },
  );
}

/** @throws UserError (kind `usage`) where some ranks would have no picture of any batch */
export function checkShares({ batchSize }: RunOptions, { size }: Reducer): void {
  if (batchSize >= size) return;
  throw new UserError(
    `A batch of ${countText(batchSize, 'picture')} cannot be shared by ${size} ranks; make it larger, or use fewer ranks.`,
    'usage',
    { settings: ['batchSize'] },
  );
}

/** How batches are shared, in a sentence. */
export function sharesText({ batchSize }: RunOptions, { size, name }: Communicator): string {
  const share = Math.ceil(batchSize / size);
  const last = Math.max(0, batchSize - share * (size - 1));
  const uneven = batchSize % size === 0 ? '' : `; the batch does not divide, and the last rank has ${last}`;
  return `${size} ranks train together (${name}), each with ${countText(share, 'picture')} of a batch${uneven}.`;
}

/** Processors for each of the ranks on this machine, at least one. A launcher may have bound them already. */
export function threadsFor(local: number): number {
  const mine = availableParallelism();
  return mine < cpus().length ? mine : Math.max(1, Math.floor(mine / local));
}

const skippedSchema = z.array(z.object({ index: z.number(), path: z.string(), reason: z.string() }));

/** What all ranks left out, each picture once, by index. */
export async function allSkipped(ranks: Communicator, own: readonly Skipped[]): Promise<Skipped[]> {
  const all = await ranks.documents(skippedSchema, [...own]);
  const byIndex = new Map(all.flat().map((one) => [one.index, one]));
  return [...byIndex.values()].sort((a, b) => a.index - b.index);
}

/** What ranks agree on after a step: one that is asked to stop stops all, and rank 0 says when to save. */
export async function agreed(
  ranks: Reducer,
  own: { readonly stop: boolean; readonly save: boolean },
): Promise<{ readonly stop: boolean; readonly save: boolean }> {
  if (ranks.size === 1) return own;
  const votes = await gather(ranks, Number(own.stop) + 2 * Number(own.save));
  return { stop: votes.some((vote) => vote % 2 === 1), save: itemAt(votes, 0) >= 2 };
}
