import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveModel } from '../src/node/checkpoints/index.js';
import { tinyCheckpoint, tinyLabels, writePictures } from '../src/recognize/helpers.test.js';
import { apart, type Finished, fails, poster } from './support/cli.js';
import { launchers, mpirun, skipOf } from './support/mpirun.js';

// `poster predict`, `evaluate` and `embed` by several ranks: the bytes that one process writes.

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-shared-'));
  for (const name of ['w.safetensors', 'v.safetensors']) await saveModel(join(dir, name), tinyCheckpoint());
  await writePictures(join(dir, 'faces', 'test'), tinyLabels.labels, 5);
  await writeFile(join(dir, 'faces', 'test', 'neutral', '1.png'), 'no picture');
  await writePictures(join(dir, 'crops'), ['photos'], 7);
  await writeFile(join(dir, 'crops', 'photos', 'broken.png'), 'no picture');
});
after(() => rm(dir, { recursive: true, force: true }));

const weights = ['--checkpoint', 'w.safetensors', '--threads', '1'];
const predict = ['predict', join('crops', 'photos'), 'nothing*.png', '--aligned', ...weights];
const batches = [...weights, '--batch-size', '2', '--workers', '0'];
const evaluate = ['evaluate', '--data', 'faces', '--flip', ...batches];

/** What launchers say of a program whose exit code is not 0 is theirs. */
const own = ({ code, stdout, stderr }: Finished): Finished => ({
  code,
  stdout,
  stderr: stderr.replace(/\n-{40,}\n.*$|\n=+\n=.*$/s, '\n'),
});

type Run = (args: readonly string[]) => Promise<Finished>;
const ways: readonly (readonly [string, string | false, Run])[] = [
  ['two processes of one machine', false, (args) => apart([...args, '--ranks', '2'], dir)],
  ...launchers.map(
    (launcher) =>
      [
        launcher.name,
        skipOf(launcher),
        async (args: readonly string[]) => own(await mpirun(launcher, 3, 'cli/poster.js', args, dir)),
      ] as const,
  ),
];

/** That a command by several ranks prints and writes what it does alone. */
async function same(run: Run, args: readonly string[], table?: string): Promise<Finished> {
  const output = (name: string): string[] => (table === undefined ? [] : [table, `${name}.csv`]);
  const alone = await poster([...args, ...output('alone')], dir);
  assert.deepEqual(await run([...args, ...output('together')]), alone);
  if (table === undefined) return alone;
  const [one, two] = await Promise.all(['alone', 'together'].map((name) => readFile(join(dir, `${name}.csv`), 'utf8')));
  assert.equal(two, one);
  return alone;
}

for (const [name, skip, run] of ways) {
  describe(`${name} write the bytes of one process:`, { skip }, () => {
    test('predict, a document and a table, and of a bad picture one sentence in its turn', async () => {
      const { code, stderr } = await same(run, [...predict, '--json', '--top', '2'], '--csv');
      assert.equal(code, 3);
      assert.match(stderr, /^poster: No file matches nothing.*\nposter: .*broken\.png[^\n]*\n1 of 8 pictures/);
    });

    // How the work is shared does not depend on the launcher: one of them shows all of it.
    if (launchers.some((one) => one.name === name && one !== launchers.find((other) => skipOf(other) === false)))
      return;

    test('evaluate, its report and its table', async () => {
      const { stderr } = await same(run, evaluate, '--csv');
      assert.match(stderr, /^1 picture was left out:$/m);
    });

    test('embed, features and table', async () => {
      for (const folder of ['alone', 'together']) await mkdir(join(dir, folder), { recursive: true });
      const embed = (folder: string): string[] => [
        ...['embed', 'faces', '--no-map', '--json', '--out', join(folder, 'f.safetensors')],
        ...batches,
      ];
      const alone = await poster(embed('alone'), dir);
      assert.equal(alone.code, 0, alone.stderr);
      const together = await run(embed('together'));
      assert.deepEqual({ ...together, stdout: together.stdout.replaceAll('together', 'alone') }, alone);
      const files = await readdir(join(dir, 'alone'));
      assert.deepEqual(files.sort(), ['f.csv', 'f.safetensors']);
      for (const file of files) {
        assert.deepEqual(await readFile(join(dir, 'together', file)), await readFile(join(dir, 'alone', file)));
      }
    });
  });
}

describe('ranks', () => {
  test('predict lines and text, and drawings of what all of them see', async () => {
    const [[, , run]] = ways as [(typeof ways)[number]];
    await same(run, [...predict, '--jsonl']);
    const drawing = await same(run, [...predict, '--draw', 'drawn', '--save-crops', 'cut']);
    assert.match(drawing.stdout, /drawn: /);
    assert.equal((await readdir(join(dir, 'drawn'))).length, 7);
  });

  test('measure several checkpoints, one after the other', async () => {
    const [[, , run]] = ways as [(typeof ways)[number]];
    const both = ['w.safetensors', 'v.safetensors', './w.safetensors'];
    const { stdout, stderr } = await same(run, ['evaluate', '--data', 'faces', ...batches, '--checkpoint', ...both]);
    assert.match(stderr, /^\.\/w\.safetensors names the same file as w\.safetensors: it counts once\.$/m);
    assert.match(stdout, /^mean +[\d.]+/m);
    assert.equal(stdout.match(/^\S*w\.safetensors +[\d.]+/gm)?.length, 1);
  });

  const there = spawnSync('ffmpeg', ['-version']).status === 0;
  test('predict videos, each by one of them', { skip: there ? false : 'ffmpeg is not installed here' }, async () => {
    const [[, , run]] = ways as [(typeof ways)[number]];
    const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
    for (const [name, seconds] of [
      ['a.mp4', '1'],
      ['b.mp4', '0.4'],
    ] as const) {
      const clip = ['-loop', '1', '-framerate', '5', '-t', seconds, '-i', portrait, '-vf', 'scale=240:240'];
      execFileSync('ffmpeg', ['-loglevel', 'error', ...clip, '-pix_fmt', 'yuv420p', '-c:v', 'mpeg4', join(dir, name)]);
    }
    await writeFile(join(dir, 'c.mp4'), 'no video');
    for (const output of ['--json', '--jsonl']) {
      const { code, stdout } = await same(run, ['predict', 'a.mp4', 'c.mp4', 'b.mp4', ...weights, output]);
      assert.equal(code, 3);
      assert.match(stdout, /"video": ?"b\.mp4"/);
    }
  });

  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['shards', [...predict, '--shard', '1/2'], 2, /--shard does not go with several ranks: ranks divide all/],
    ['standard input', ['predict', '-', ...weights], 2, /Standard input \(-\) cannot be divided among ranks/],
    ['a camera', ['predict', '--stream', 'rtsp://nobody/1', ...weights], 2, /--stream does not go with several ranks/],
    ['corruptions', [...evaluate, '--corruptions'], 2, /--corruptions does not go with several ranks/],
    ['a folder that is not there', ['evaluate', '--data', 'nowhere', ...batches], 3, /nowhere/],
  ];
  for (const [what, args, code, sentence] of refused) {
    test(`refuse ${what} in one sentence`, async () => {
      await fails([...args, '--ranks', '2'], dir, code, sentence, apart);
    });
  }
});
