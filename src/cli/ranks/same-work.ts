import { hostname } from 'node:os';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import { exists } from '../../node/files/path-kind.js';
import { differenceOf, shardHeaderSchema } from '../../node/files/shards/index.js';
import { threadsFor } from '../../node/runs/together.js';
import { headerOf, type SharedWork } from '../shards/open-shard.js';
import type { Ranks } from './by-ranks.js';

const identitySchema = z.object({ host: z.string(), header: shardHeaderSchema });

/**
 * That all ranks are about to do the same, before any of it is done.
 * @returns options with a rank's part of the machine's threads, unless they say how many
 * @throws UserError on all ranks, which names the first that differs, and in what
 */
export async function compareWork<Options extends { readonly threads?: number }>(
  ranks: Ranks,
  options: Options,
  work: Pick<SharedWork, 'command' | 'checkpoint' | 'outputs'>,
): Promise<Options> {
  const nothing = { facts: {}, inputs: [], units: 0, own: [] };
  const shard = { index: 1, count: ranks.size };
  const own = { host: hostname(), header: await headerOf(shard, { ...work, ...nothing, options }) };
  const all = await ranks.documents(identitySchema, own);
  const first = itemAt(all, 0);
  for (const [rank, { host, header }] of all.entries()) {
    const difference = differenceOf(first.header, header);
    if (difference === undefined) continue;
    throw new UserError(
      `Rank ${rank} (${printable(host, 100)}) has other work than rank 0: ${difference}; give all ranks the same options and weights.`,
    );
  }
  return { threads: threadsFor(all.filter(({ host }) => host === own.host).length), ...options };
}

/**
 * That all ranks see what rank 0 found: files of which one would be enough to tell are looked for.
 * @throws UserError on all ranks, which names one that lacks it
 */
export async function checkVisible(ranks: Ranks, path: string | undefined): Promise<void> {
  if (path === undefined || ranks.rank === 0) return;
  if (await exists(path)) return;
  throw new UserError(
    `${printable(path, 4096)} is not there on ${printable(hostname(), 100)}, and rank 0 has it; let all ranks see the same files.`,
  );
}
