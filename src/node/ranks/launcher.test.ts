import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endOthers, launcherOf } from './launcher.js';

test('the launcher is known by what it tells its processes', () => {
  assert.equal(launcherOf({}), undefined);
  // An allocation of Slurm in which nothing has been launched.
  assert.equal(launcherOf({ SLURM_JOB_ID: '1', SLURM_NTASKS: '4', SLURM_PROCID: '0' }), undefined);
  assert.deepEqual(launcherOf({ OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', PMIX_RANK: '1' }), {
    ...{ vendor: 'Open MPI', rank: 1, size: 4 },
  });
  assert.deepEqual(launcherOf({ PMI_RANK: '2', PMI_SIZE: '3' }), { vendor: 'MPICH', rank: 2, size: 3 });
  assert.deepEqual(launcherOf({ PMI_RANK: '2', PMI_SIZE: '3', SLURM_JOB_ID: '1' }), {
    ...{ vendor: undefined, rank: 2, size: 3 },
  });
  assert.deepEqual(launcherOf({ PMIX_RANK: '0', SLURM_STEP_NUM_TASKS: '2', SLURM_NTASKS: '8' }), {
    ...{ vendor: undefined, rank: 0, size: 2 },
  });
  for (const rank of ['', '-1', 'x', '1e3']) assert.equal(launcherOf({ OMPI_COMM_WORLD_RANK: rank }), undefined);
});

test('Hydra is told to end the others, and no other launcher', () => {
  const path = join(tmpdir(), `poster-pmi-${process.pid}`);
  const channel = openSync(path, 'w');
  try {
    const env = { PMI_RANK: '0', PMI_SIZE: '2', PMI_FD: String(channel) };
    endOthers({ ...env, SLURM_JOB_ID: '1' }, 4);
    endOthers({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', PMI_FD: String(channel) }, 4);
    assert.equal(readFileSync(path, 'utf8'), '');
    endOthers(env, 4);
    assert.equal(readFileSync(path, 'utf8'), 'cmd=abort exitcode=4\n');
    for (const PMI_FD of ['', 'x', '-1', '100000']) endOthers({ ...env, PMI_FD }, 4);
    assert.equal(readFileSync(path, 'utf8'), 'cmd=abort exitcode=4\n');
  } finally {
    closeSync(channel);
    rmSync(path);
  }
});
