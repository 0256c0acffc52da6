import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import { explainFileError } from '../files.js';
import { isFolder } from '../path-kind.js';
import { type ScannedShard, scanShard } from './scan-shard.js';
import { shardEnding } from './shard-file.js';
import { differenceOf, ranges, type ShardHeader } from './shard-header.js';
import { shardLines } from './shard-lines.js';

/** A unit's result as it was written. */
export interface ShardResult {
  readonly unit: number;
  readonly json: string;
  /** What to call it in errors. */
  readonly source: string;
}

/** All shards of a job, as far as they are there. */
export interface ShardSet {
  /** Of any of them: only the shard's own number differs. */
  readonly header: ShardHeader;
  /** What to call where the header is from. */
  readonly source: string;
  /** Paths of the shard files. */
  readonly files: readonly string[];
  /** Of all results together. */
  readonly bytes: number;
  /** What is missing, a sentence each; without any, all results are there. */
  readonly missing: readonly string[];
  /** The results in the order of their units, however many there are: few are held at a time. */
  results(): AsyncGenerator<ShardResult, void, void>;
}

/**
 * Looks through the shards of a job.
 * @param paths shard files, and folders that hold some
 * @throws UserError where one is none, they are of several jobs, or a shard is there twice.
 */
export async function openShards(paths: readonly string[]): Promise<ShardSet> {
  const found: ScannedShard[] = [];
  for (const path of paths) for (const file of await filesOf(path)) found.push(await scanShard(file));
  const [first, ...others] = found;
  if (first === undefined)
    throw new UserError('There is no shard to merge; name shard files, or their folder.', 'usage');
  const byIndex = new Map([[first.header.shard.index, first]]);
  for (const shard of others) {
    const difference = differenceOf(first.header, shard.header);
    if (difference !== undefined) {
      throw new UserError(
        `${name(first)} and ${name(shard)} are not of one job: ${difference}; merge the shards of one.`,
      );
    }
    const { index, count } = shard.header.shard;
    const twice = byIndex.get(index);
    if (twice !== undefined) {
      throw new UserError(
        `Shard ${index} of ${count} is given twice, as ${name(twice)} and ${name(shard)}; give it once.`,
      );
    }
    byIndex.set(index, shard);
  }
  const missing = missingOf(first.header, byIndex);
  const owners = missing.length > 0 ? [] : ownersOf(first.header, found);
  return {
    header: first.header,
    source: name(first),
    files: found.map(({ path }) => path),
    bytes: found.reduce((sum, { ends }) => sum + (ends.at(-1) ?? 0), 0),
    missing,
    results: () => inOrder(found, owners),
  };
}

const name = ({ path }: ScannedShard): string => printable(path, 4096);

async function filesOf(path: string): Promise<string[]> {
  if (!(await isFolder(path))) return [path];
  const names = await readdir(path).catch((error: unknown) => {
    throw explainFileError(error, 'read', path);
  });
  const files = names.filter((file) => file.endsWith(shardEnding)).map((file) => join(path, file));
  if (files.length > 0) return files.sort();
  throw new UserError(`Folder ${printable(path, 4096)} holds no ${shardEnding} file; name the folder of the shards.`);
}

function missingOf({ shard: { count } }: ShardHeader, byIndex: ReadonlyMap<number, ScannedShard>): string[] {
  const absent = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !byIndex.has(index));
  const unfinished = [...byIndex.values()].filter(({ header, units }) => units.length < header.own);
  return [
    ...(absent.length === 0
      ? []
      : [
          `${absent.length === 1 ? 'Shard' : 'Shards'} ${ranges(absent)} of ${count} ${absent.length === 1 ? 'is' : 'are'} missing; ` +
            `run ${absent.length === 1 ? 'it' : 'them'}, or name where ${absent.length === 1 ? 'it lies' : 'they lie'}.`,
        ]),
    ...unfinished.map((shard) => {
      const { own, shard: which } = shard.header;
      const left = own - shard.units.length;
      return (
        `Shard ${which.index} of ${count} (${name(shard)}) is not complete: ${left} of its ${own} ` +
        `${own === 1 ? 'part' : 'parts'} ${left === 1 ? 'is' : 'are'} left; run it again to resume it.`
      );
    }),
  ];
}

/** For each unit the position of the shard that has it. @throws UserError where not each of them is in one. */
function ownersOf({ units, shard: { count } }: ShardHeader, shards: readonly ScannedShard[]): Uint32Array {
  const torn = new UserError(
    `These ${count} shards do not have each input once, though each says that it is complete; run them again.`,
  );
  // Before an array is made of what a file claims.
  if (shards.reduce((sum, shard) => sum + shard.units.length, 0) !== units) throw torn;
  const owners = new Uint32Array(units);
  for (const [position, shard] of shards.entries()) {
    for (const unit of shard.units) {
      if (itemAt(owners, unit) !== 0) throw torn;
      owners[unit] = position + 1;
    }
  }
  return owners.map((owner) => owner - 1);
}

async function* inOrder(
  shards: readonly ScannedShard[],
  owners: ArrayLike<number>,
): AsyncGenerator<ShardResult, void, void> {
  const readers = shards.map((shard) => ({ source: name(shard), lines: shardLines(shard.path) }));
  // The headers.
  for (const { lines } of readers) await lines.next();
  for (let unit = 0; unit < owners.length; unit++) {
    const { lines, source } = itemAt(readers, itemAt(owners, unit));
    const { value } = await lines.next();
    if (value?.unit !== unit) throw new UserError(`${source} was changed while it was read; merge the shards again.`);
    yield { unit, json: value.json, source };
  }
}
