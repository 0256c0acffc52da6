import { UserError } from '../../common/errors.js';
import { launcherOf } from './launcher.js';
import { joinLocal, localRank, startLocal } from './local-ranks.js';
import { joinMpi, type MpiOptions } from './mpi-transport.js';
import { single, type Transport } from './transport.js';

export interface JoinOptions extends MpiOptions {
  /** Processes of this machine to share the work, where no MPI launcher has started any; 1, the default, is this one alone. */
  readonly ranks?: number;
}

/**
 * Joins the other ranks of this program: those that an MPI launcher started. Once a process, and before it starts other threads and
 * processes.
 * @throws UserError where they cannot be joined
 */
export async function joinRanks(options: JoinOptions = {}): Promise<Transport> {
  const { ranks = 1, bucket } = options;
  const local = localRank(process.env);
  if (local !== undefined) return joinLocal(local, bucket);
  const launched = launcherOf(process.env);
  if (launched === undefined || launched.size === 1) return ranks === 1 ? single : startLocal(ranks, bucket);
  if (ranks !== 1 && ranks !== launched.size) {
    throw new UserError(
      `The launcher started ${launched.size} ranks and ${ranks} are asked for; leave that number out.`,
      'usage',
    );
  }
  return joinMpi(launched, options);
}
