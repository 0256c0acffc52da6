import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launcherOf } from './launcher.js';

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
