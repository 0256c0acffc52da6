import { launcherOf } from './launcher.js';
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
  const launched = launcherOf(process.env);
  if (launched !== undefined && launched.size !== 1) return joinMpi(launched, options);
  return single;
}
