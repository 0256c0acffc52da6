import { writeSync } from 'node:fs';

/** What a process finds in its environment that another one has started as a rank of its program, without MPI. */
export const localRankVariable = 'POSTER_LOCAL_RANK';

/** What an MPI launcher tells the processes that it starts. */
export interface Launched {
  /** Which interface the program must speak: that of the launcher's own library. Undefined: any. */
  readonly vendor: 'Open MPI' | 'MPICH' | undefined;
  readonly rank: number;
  /** Undefined where the launcher does not tell. */
  readonly size: number | undefined;
}

/** The launcher that started this process; undefined where none did. */
export function launcherOf(env: Readonly<Record<string, string | undefined>>): Launched | undefined {
  const number = (name: string): number | undefined => {
    const text = env[name];
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  };
  const open = number('OMPI_COMM_WORLD_RANK');
  if (open !== undefined) return { vendor: 'Open MPI', rank: open, size: number('OMPI_COMM_WORLD_SIZE') };
  // Hydra, which MPICH, Intel MPI and MVAPICH have in common, and Slurm with its PMI 2.
  const hydra = number('PMI_RANK');
  if (hydra !== undefined) {
    return { vendor: env['SLURM_JOB_ID'] === undefined ? 'MPICH' : undefined, rank: hydra, size: number('PMI_SIZE') };
  }
  const pmix = number('PMIX_RANK');
  if (pmix === undefined) return undefined;
  return { vendor: undefined, rank: pmix, size: number('SLURM_STEP_NUM_TASKS') ?? number('SLURM_NTASKS') };
}

/** Whether this process was started as a rank of several, and as another one than the first. */
export function startedAsRank(env: Readonly<Record<string, string | undefined>>): 'no' | 'first' | 'other' {
  if (env[localRankVariable] !== undefined) return 'other';
  const launched = launcherOf(env);
  if (launched === undefined || launched.size === 1) return 'no';
  return launched.rank === 0 ? 'first' : 'other';
}

/**
 * Tells the launcher that this process cannot join the others, so that it ends them. That of Open MPI notices it. Hydra lets them wait for
 * ever, unless it is told over the channel that its libraries speak with it (PMI 1). It never throws.
 */
export function endOthers(env: Readonly<Record<string, string | undefined>>, code: number): void {
  const channel = env['PMI_FD'];
  if (launcherOf(env)?.vendor !== 'MPICH' || channel === undefined || !/^\d{1,9}$/.test(channel)) return;
  try {
    writeSync(Number(channel), `cmd=abort exitcode=${code}\n`);
  } catch {
    // The launcher has gone.
  }
}
