import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { succeeds } from './support/cli.js';
import { launchers, mpirun, skipOf } from './support/mpirun.js';
import { learnedIn, tinyRun, writeFaces } from './support/tiny-run.js';

const program = 'test/support/ranks-program.js';
const resultSchema = z.object({
  name: z.string(),
  size: z.number(),
  told: z.array(z.object({ digest: z.string(), different: z.number() })),
  documents: z.array(z.number()),
});

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-mpi-'));
  if (launchers.every(skipOf)) return;
  await writeFaces(dir);
  await succeeds(['train', ...tinyRun, '--out', 'alone'], dir);
});
after(() => rm(dir, { recursive: true, force: true }));

for (const launcher of launchers) {
  describe(`ranks under ${launcher.name}`, { skip: skipOf(launcher) }, () => {
    test('sum in their order, to the bit, and exchange documents', async () => {
      const { code, stdout, stderr } = await mpirun(launcher, 3, program, []);
      assert.equal(code, 0, stderr);
      const { name, size, told, documents } = resultSchema.parse(JSON.parse(stdout));
      assert.match(name, new RegExp(launcher.name, 'i'));
      assert.equal(size, 3);
      assert.equal(new Set(told.map(({ digest }) => digest)).size, 1);
      assert.deepEqual(
        told.map(({ different }) => different),
        [0, 0, 0],
      );
      assert.deepEqual(documents, [1, 10, 100]);
    });

    test('get the same sums where the library adds them up in its own order', async () => {
      const { code, stdout, stderr } = await mpirun(launcher, 2, program, ['--native']);
      assert.equal(code, 0, stderr);
      const { told } = resultSchema.parse(JSON.parse(stdout));
      assert.equal(new Set(told.map(({ digest }) => digest)).size, 1);
    });

    test('train what one process trains with two micro-batches, to the bit, and tell it once', async () => {
      const args = ['train', ...tinyRun, '--out', launcher.command];
      const { code, stdout, stderr } = await mpirun(launcher, 2, 'src/cli/main.js', args, dir);
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        new RegExp(`^2 ranks train together \\(${launcher.name}.*\\), each with 3 pictures of a batch`, 'm'),
      );
      assert.equal(stdout.match(/^Best: /gm)?.length, 1);
      assert.equal(await learnedIn(join(dir, launcher.command)), await learnedIn(join(dir, 'alone')));
    });

    test('say once what none of them can do, and end', async () => {
      const args = ['train', ...tinyRun, '--batch-size', '1', '--out', 'wrong'];
      const { code, stdout, stderr } = await mpirun(launcher, 2, 'src/cli/main.js', args, dir);
      assert.equal(code, 2, stderr);
      assert.equal(
        `${stdout}${stderr}`.match(/^poster: A batch of 1 pictures cannot be shared by 2 ranks/gm)?.length,
        1,
      );
    });

    test('all end where one fails, with its sentence, told once', async () => {
      const { code, stdout } = await mpirun(launcher, 2, program, ['--fails', '1']);
      assert.equal(code, 1);
      assert.deepEqual(JSON.parse(stdout), { failed: 'Rank 1: this rank is told to fail' });
    });
  });
}
