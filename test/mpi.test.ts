import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { launchers, mpirun, skipOf } from './support/mpirun.js';

const program = 'test/support/ranks-program.js';
const resultSchema = z.object({
  name: z.string(),
  size: z.number(),
  told: z.array(z.object({ digest: z.string(), different: z.number() })),
  documents: z.array(z.number()),
});

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

    test('all end where one fails, with its sentence, told once', async () => {
      const { code, stdout } = await mpirun(launcher, 2, program, ['--fails', '1']);
      assert.equal(code, 1);
      assert.deepEqual(JSON.parse(stdout), { failed: 'Rank 1: this rank is told to fail' });
    });
  });
}
