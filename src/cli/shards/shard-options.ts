import { type Command, InvalidArgumentError } from 'commander';
import type { Shard } from '../../common/shares.js';
import { mostShards } from '../../node/files/shards/index.js';
import { positive } from '../checkpoint-options.js';
import { refuseGiven } from '../given-options.js';

/** How commands share their work out among processes. */
export interface ShardFlags {
  readonly shard?: Shard;
  readonly shardFolder: string;
  readonly ranks?: number;
}

/** Which of how many processes, as `2/8`. */
export function shardArgument(text: string): Shard {
  const [, index, count] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index === undefined) throw new InvalidArgumentError('It must be like 2/8: the second of eight processes.');
  if (shard.count > mostShards) throw new InvalidArgumentError(`There can be ${mostShards} shards at most.`);
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InvalidArgumentError(`Shards are counted from 1 to their number, here from 1/${text.split('/')[1]} on.`);
}

export function withShardOptions(command: Command): Command {
  return command
    .option('--shard <i/n>', 'compute part i of n only, i from 1 to n; poster merge combines the parts', shardArgument)
    .option('--shard-folder <folder>', 'folder of the parts; a part that was stopped is resumed', 'shards')
    .option('--ranks <count>', 'processes of this machine that share the work, without MPI', positive);
}

/** @throws UserError for options of a shard that say what becomes of all results, or how. */
export function refuseWithShard(command: Command, options: readonly string[], reason: string): void {
  refuseWith('--shard', command, options, reason);
}

/** @throws UserError for options that several ranks have no use for. */
export function refuseWithRanks(command: Command, options: readonly string[], reason: string): void {
  refuseWith('several ranks', command, options, reason);
}

export const sharedOnce = 'ranks divide all of the work themselves';

function refuseWith(what: string, command: Command, options: readonly string[], reason: string): void {
  refuseGiven(command, options, (flag) => `${flag} does not go with ${what}: ${reason}.`);
}

/** @throws UserError */
export function refuseFolderAlone(command: Command, { shard }: ShardFlags): void {
  if (shard !== undefined) return;
  const where = 'says where a shard is written; give --shard too, or leave it out.';
  refuseGiven(command, ['shardFolder'], (flag) => `${flag} ${where}`);
}

export const forMerge = 'a shard writes parts, and poster merge takes that option';
