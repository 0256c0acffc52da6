import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { succeeds, writeClasses } from './support/cli.js';
import { type Ended, launchers, mpirun, mpirunEach, type OneRank, skipOf } from './support/mpirun.js';
import { learnedIn, tinyRun, writeFaces } from './support/tiny-run.js';

const program = 'test/support/ranks-program.js';
const resultSchema = z.object({
  name: z.string(),
  size: z.number(),
  sums: z.array(z.object({ digest: z.string(), different: z.number() })),
  documents: z.array(z.number()),
});

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-mpi-'));
  if (launchers.every(skipOf)) return;
  await writeFaces(dir);
  await writeClasses(join(dir, 'fewer', 'faces', 'train'), ['happy', 'neutral', 'sad'], 5);
  // koffi's binary is one that cannot be opened, as on a system that it does not know.
  const open = 'const { dlopen } = process;';
  const refuse =
    "process.dlopen = (to, path, ...more) => { if (/koffi/.test(path)) throw new Error('no such file'); dlopen(to, path, ...more); };";
  await writeFile(join(dir, 'without-koffi.cjs'), `${open}\n${refuse}\n`);
  await succeeds(['train', ...tinyRun, '--out', 'alone'], dir);
});
after(() => rm(dir, { recursive: true, force: true }));

/** That ranks end together, with one sentence from one of them. */
function endWith({ code, stdout, stderr }: Ended, expected: number, sentence: RegExp): void {
  assert.equal(code, expected, stderr);
  const messages = `${stdout}\n${stderr}`.match(/^poster: .*$/gm) ?? [];
  assert.equal(messages.length, 1, `${stdout}${stderr}`);
  assert.match(messages.join(''), sentence);
}

const main = 'cli/poster.js';
const libraryFolders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib', '/usr/lib64'];

for (const launcher of launchers) {
  describe(`ranks under ${launcher.name}`, { skip: skipOf(launcher) }, () => {
    test('sum in their order, to the bit, and exchange documents', async () => {
      const { code, stdout, stderr } = await mpirun(launcher, 3, program, []);
      assert.equal(code, 0, stderr);
      const { name, size, sums, documents } = resultSchema.parse(JSON.parse(stdout));
      assert.match(name, new RegExp(launcher.name, 'i'));
      assert.equal(size, 3);
      assert.equal(new Set(sums.map(({ digest }) => digest)).size, 1);
      assert.deepEqual(
        sums.map(({ different }) => different),
        [0, 0, 0],
      );
      assert.deepEqual(documents, [1, 10, 100]);
    });

    test('keep the functions for memory, and the signal of WebAssembly', async () => {
      const { code, stdout, stderr } = await mpirun(launcher, 2, 'test/support/ranks-process-program.js', []);
      assert.equal(code, 0, stderr);
      const kept = { changed: [], trap: 'memory access out of bounds' };
      assert.deepEqual(JSON.parse(stdout), [kept, kept]);
    });

    test('get the same sums where the library adds them up in its own order', async () => {
      const { code, stdout, stderr } = await mpirun(launcher, 2, program, ['--native']);
      assert.equal(code, 0, stderr);
      const { sums } = resultSchema.parse(JSON.parse(stdout));
      assert.equal(new Set(sums.map(({ digest }) => digest)).size, 1);
    });

    test('train what one process trains with two micro-batches, to the bit, and tell it once', async () => {
      const args = ['train', ...tinyRun, '--out', launcher.command];
      const { code, stdout, stderr } = await mpirun(launcher, 2, main, args, dir);
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
      endWith(await mpirun(launcher, 2, main, args, dir), 2, /A batch of 1 picture cannot be shared by 2 ranks/);
    });

    const differing: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['options', ['--seed', '7'], /Rank 1 \(.+\) has 7 as seed where rank 0 has 0; give all ranks the same options/],
      ['pictures', ['--data', join('fewer', 'faces')], /Rank 1 \(.+\) has other training pictures than rank 0: /],
      [
        'weights',
        ['--init', join('alone', 'best.safetensors')],
        /Rank 1 \(.+\) starts from other weights than rank 0; /,
      ],
      ['folders, of which one cannot be seen', ['--data', 'nowhere'], /Rank 1: There is no dataset folder .*nowhere/],
    ];
    // What is compared does not depend on the launcher: one of them shows all of it.
    const shown = launcher === launchers.find((one) => skipOf(one) === false) ? differing : differing.slice(0, 1);
    for (const [what, more, sentence] of shown) {
      test(`with other ${what} end together, and one says which of them differs`, async () => {
        const args = ['train', ...tinyRun, '--out', 'differing'];
        const ended = await mpirunEach(launcher, main, [{ args }, { args: [...args, ...more] }], dir);
        endWith(ended, 3, sentence);
        assert.equal(existsSync(join(dir, 'differing')), false);
      });
    }

    test('without koffi end together, and one says what to install', async () => {
      const rank = {
        args: ['train', ...tinyRun, '--out', 'without'],
        env: { NODE_OPTIONS: `--require=${join(dir, 'without-koffi.cjs')}` },
      };
      const ended = await mpirunEach(launcher, main, [rank, rank], dir);
      endWith(ended, 4, /Programs under MPI need the package koffi, .*: npm install koffi\./);
    });

    const others = launchers.filter((other) => other !== launcher && skipOf(other) === false);
    describe("with another vendor's library", { skip: others.length === 0 }, () => {
      const rank = { args: ['train', ...tinyRun, '--out', 'foreign'] };
      const sentence = new RegExp(
        `The launcher is of ${launcher.name} and the MPI library found is .*; use the launcher`,
      );
      let foreign: OneRank = rank;
      before(async () => {
        const folder = join(dir, `not-${launcher.command}`);
        await mkdir(folder);
        const paths = others.flatMap(({ library }) => libraryFolders.map((parent) => join(parent, library)));
        const there = paths.find((path) => existsSync(path));
        assert.ok(there, paths.join());
        await symlink(there, join(folder, launcher.library));
        foreign = { ...rank, env: { LD_LIBRARY_PATH: folder } };
      });

      test('all end together, and one names both', async () => {
        endWith(await mpirunEach(launcher, main, [foreign, foreign], dir), 4, sentence);
      });

      test('one ends, and the other does not wait for it', async () => {
        endWith(await mpirunEach(launcher, main, [rank, foreign], dir), 4, sentence);
      });
    });

    test('all end where one fails, with its sentence, told once', async () => {
      const { code, stdout } = await mpirun(launcher, 2, program, ['--fails', '1']);
      assert.equal(code, 1);
      assert.deepEqual(JSON.parse(stdout), { failed: 'Rank 1: this rank is told to fail' });
    });
  });
}
