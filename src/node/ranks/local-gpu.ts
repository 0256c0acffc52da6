import { readdirSync } from 'node:fs';
import { itemAt } from '../../common/item-at.js';
import { localRank } from './local-ranks.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How many of the ranks on this machine come before this one; undefined where nobody tells. */
function rankOnMachine(env: Environment): number | undefined {
  const local = localRank(env);
  if (local !== undefined) return local.rank;
  // Open MPI; Hydra of MPICH and Intel MPI; Slurm.
  const value = env['OMPI_COMM_WORLD_LOCAL_RANK'] ?? env['MPI_LOCALRANKID'] ?? env['SLURM_LOCALID'];
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

/** GPUs that Nvidia's driver for Linux has found. */
function installedGpus(): number {
  try {
    return readdirSync('/proc/driver/nvidia/gpus').length;
  } catch {
    return 0;
  }
}

/**
 * The GPU that a rank takes, as a value of `CUDA_VISIBLE_DEVICES`: the ranks of a machine take its GPUs in turn, or those that the variable
 * names. Undefined where there is nothing to choose.
 */
export function gpuOfRank(env: Environment, installed = installedGpus): string | undefined {
  const localRank = rankOnMachine(env);
  if (localRank === undefined) return undefined;
  const visible = env['CUDA_VISIBLE_DEVICES'];
  const gpus = visible === undefined ? Array.from({ length: installed() }, (_, i) => String(i)) : visible.split(',');
  return gpus.length === 0 ? undefined : itemAt(gpus, localRank % gpus.length).trim();
}
