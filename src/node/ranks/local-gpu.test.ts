import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gpuOfRank } from './local-gpu.js';

test('the ranks of a machine take its GPUs in turn', () => {
  const four = (): number => 4;
  assert.equal(gpuOfRank({}, four), undefined);
  assert.equal(gpuOfRank({ OMPI_COMM_WORLD_LOCAL_RANK: '2' }, four), '2');
  assert.equal(gpuOfRank({ MPI_LOCALRANKID: '5' }, four), '1');
  assert.equal(gpuOfRank({ SLURM_LOCALID: '0' }, four), '0');
  const meeting = JSON.stringify({ rank: 3, size: 4, folder: '/tmp', token: '0'.repeat(64) });
  assert.equal(gpuOfRank({ POSTER_LOCAL_RANK: meeting }, four), '3');
  assert.equal(
    gpuOfRank({ SLURM_LOCALID: '0' }, () => 0),
    undefined,
  );
});

test('of GPUs that are named, as by Slurm or --gpu, no other is taken', () => {
  const named = { CUDA_VISIBLE_DEVICES: '4, 7' };
  assert.equal(gpuOfRank({ ...named, SLURM_LOCALID: '1' }), '7');
  assert.equal(gpuOfRank({ ...named, SLURM_LOCALID: '2' }), '4');
  assert.equal(gpuOfRank({ CUDA_VISIBLE_DEVICES: 'GPU-1a', SLURM_LOCALID: '3' }), 'GPU-1a');
});
