import { defined } from '../../common/defined.js';
import type { Communicator } from '../../node/ranks/communicator.js';
import { startedAsRank } from '../../node/ranks/launcher.js';
import { silence } from '../context.js';

/** Several ranks: the work is shared out among them. */
export type Ranks = Communicator;

/** Rank 0 alone speaks; what is wrong with the command line itself is wrong for all ranks. For commands that ranks share. */
export function silenceOtherRanks(): void {
  silence(startedAsRank(process.env) === 'other');
}

/**
 * Does the work of a command alone, or with the ranks that take part in it. Before it nothing may be begun.
 * @param work is given the ranks, where there are several
 */
export async function byRanks(
  { ranks: count }: { readonly ranks?: number },
  work: (ranks: Ranks | undefined) => Promise<void>,
): Promise<void> {
  if (startedAsRank(process.env) === 'no' && (count ?? 1) === 1) return work(undefined);
  const { withRanks } = await import('../joined-ranks.js');
  await withRanks(defined({ ranks: count }), (ranks) => work(ranks.size === 1 ? undefined : ranks));
}
