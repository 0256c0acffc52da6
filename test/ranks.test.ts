import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apart, checkFailure, type Finished, fails, start, succeeds } from './support/cli.js';
import { learnedIn, tinyRun, writeFaces } from './support/tiny-run.js';

// `poster train --ranks 2`: processes of this machine, without MPI. Under MPI the same is in mpi.test.ts.

let dir: string;
let alone: string;
/** Of the processes that are started here. */
let temporary: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-ranks-test-'));
  temporary = join(dir, 'tmp');
  await mkdir(temporary);
  process.env['TMPDIR'] = temporary;
  await writeFaces(dir);
  await succeeds(['train', ...tinyRun, '--out', 'alone'], dir);
  alone = await learnedIn(join(dir, 'alone'));
});
after(() => rm(dir, { recursive: true, force: true }));

const together = (out: string, ...more: readonly string[]): string[] => [
  ...['train', ...tinyRun, '--ranks', '2', '--out', out],
  ...more,
];

/** Once the first epoch is told on stderr. */
function firstEpochOf({ stderr }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('epoch 1:')) resolve();
    });
    stderr?.on('close', () => reject(new Error(text)));
  });
}

/** The process of rank 1. */
async function otherRankOf({ pid }: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.trim());
}

/** Trains until the first epoch is over, then does something to the two processes. */
async function stopped(out: string, stop: (first: ChildProcess, other: number) => void): Promise<Finished> {
  const { child, finished } = start(together(out, '--epochs', '60'), dir);
  await firstEpochOf(child);
  stop(child, await otherRankOf(child));
  return finished;
}

const needsProc = existsSync('/proc/self/task') ? false : 'finds processes in /proc';

describe('two ranks', () => {
  test('learn what one does with two micro-batches, to the bit, and tell it once', async () => {
    const { stderr, stdout } = await succeeds(together('two'), dir, apart);
    assert.equal(await learnedIn(join(dir, 'two')), alone);
    assert.match(stderr, /^2 ranks train together \(processes of one machine\), each with 3 pictures of a batch\.$/m);
    assert.deepEqual(stderr.match(/^epoch \d/gm), ['epoch 1', 'epoch 2']);
    assert.equal(stdout.match(/^Best: /gm)?.length, 1);
    const [one, two] = await Promise.all(
      ['alone', 'two'].map(async (run) => (await readFile(join(dir, run, 'metrics.jsonl'), 'utf8')).split('\n')),
    );
    const figures = (lines: readonly string[] = []): unknown[] =>
      lines
        .filter((line) => line.includes('"event":"epoch"'))
        .map((line) => ({ ...(JSON.parse(line) as object), seconds: 0 }));
    assert.deepEqual(figures(two), figures(one));
    assert.equal(figures(two).length, 2);
    const sessions = async (run: string): Promise<unknown> => {
      const file = JSON.parse(await readFile(join(dir, run, 'run.json'), 'utf8')) as {
        sessions: Record<string, unknown>[];
      };
      return file.sessions.map(({ ranks, transport, batchNorm }) => [ranks, transport, batchNorm]);
    };
    assert.deepEqual(await sessions('two'), [[2, 'processes of one machine', 'local']]);
    assert.deepEqual(await sessions('alone'), [[1, 'one process', 'local']]);
    // What ranks found each other by is gone.
    assert.deepEqual(await readdir(temporary), []);
  });

  test('mix pictures of both shares as one does', async () => {
    const mixing = ['--mixup', '0.4', '--cutmix', '1', '--rotation', '10'];
    await succeeds(['train', ...tinyRun, ...mixing, '--out', 'mixed'], dir);
    await succeeds(together('mixed-two', ...mixing), dir, apart);
    assert.equal(await learnedIn(join(dir, 'mixed-two')), await learnedIn(join(dir, 'mixed')));
  });

  test('stop both where one is asked to; one alone goes on with the same bits', { skip: needsProc }, async () => {
    const { code, stdout } = await stopped('stopped', (_, other) => process.kill(other, 'SIGTERM'));
    assert.equal(code, 130);
    assert.match(stdout, /^Stopped in epoch \d+ and saved; resume with: poster train --resume /m);
    const last = join('stopped', 'last.safetensors');
    const epochs = (JSON.parse(await learnedIn(join(dir, 'stopped'))) as { epoch: number }).epoch + 1;
    const more = ['--epochs', String(epochs), '--threads', '1', '--workers', '0', '--no-tensorboard'];
    await succeeds(['train', '--resume', last, ...more, '--out', 'one-goes-on'], dir);
    await succeeds(['train', '--resume', last, ...more, '--out', 'two-go-on', '--ranks', '2'], dir, apart);
    assert.equal(await learnedIn(join(dir, 'two-go-on')), await learnedIn(join(dir, 'one-goes-on')));
  });

  test('both end where one is killed, with one sentence; what was saved goes on', { skip: needsProc }, async () => {
    const result = await stopped('killed', (_, other) => process.kill(other, 'SIGKILL'));
    checkFailure(result, 4, /^poster: Rank 1 ended unexpectedly: .*\(--resume\)?/m);
    const args = ['train', '--resume', join('killed', 'last.safetensors')];
    const { epoch } = JSON.parse(await learnedIn(join(dir, 'killed'))) as { epoch: number };
    assert.ok(epoch >= 1);
    const epochs = ['--epochs', String(epoch + 1), '--threads', '1', '--workers', '0', '--no-tensorboard'];
    await succeeds([...args, ...epochs, '--ranks', '2'], dir, apart);
  });

  const patience = { skip: needsProc, timeout: 120_000 };
  test('the other one ends too where the first is killed', patience, async ({ signal }) => {
    let other = 0;
    const { code } = await stopped('first-killed', (first, pid) => {
      other = pid;
      first.kill('SIGKILL');
    });
    assert.equal(code, null);
    const isThere = async (): Promise<boolean> => {
      const state = await readFile(`/proc/${other}/stat`, 'utf8').catch(() => ') Z ');
      return !state.includes(') Z ');
    };
    while (await isThere()) await sleep(50, undefined, { signal });
  });
});

describe('what two ranks cannot do is one sentence, and both are gone:', () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['a batch smaller than the ranks', ['--batch-size', '1'], 2, /A batch of 1 picture cannot be shared by 2 ranks/],
    ['a folder that is not there', ['--data', 'nowhere'], 3, /nowhere/],
    ['a run in the folder', ['--out', 'alone'], 2, /already holds a run/],
    ['folds of a cross-validation', ['--folds', '3'], 2, /Several ranks train one network; give --fold too/],
    ['too few processes', ['--ranks', '0'], 2, /--ranks/],
  ];
  for (const [what, more, code, sentence] of cases) {
    test(what, async () => {
      await fails(together('wrong', ...more), dir, code, sentence, apart);
      assert.equal(existsSync(join(dir, 'wrong')), false);
    });
  }

  test('a dataset that is not there, before anything is told of the device', async () => {
    const args = together('wrong', '--data', 'nowhere', '--device', 'auto');
    const { stderr } = await fails(args, dir, 3, /nowhere/, apart);
    assert.match(stderr, /^poster: [^\n]*\n$/);
  });

  test('a folder that another run writes into, which goes on', async () => {
    const { child, finished } = start(together('busy', '--epochs', '60'), dir);
    await firstEpochOf(child);
    const second = await apart(together('busy'), dir);
    child.kill('SIGTERM');
    assert.equal((await finished).code, 130);
    checkFailure(second, 2, /^poster: Process \d+ has been writing into busy since .*; wait until it ends/);
  });

  test('pictures of which none can be read', async () => {
    const faces = join(dir, 'broken', 'train');
    for (const name of ['happy', 'sad']) {
      await mkdir(join(faces, name), { recursive: true });
      for (let i = 0; i < 6; i++) await writeFile(join(faces, name, `${i}.png`), 'no picture');
    }
    const args = together('broken-run', '--data', 'broken');
    await fails(args, dir, 3, /None of the 10 pictures of .*train could be read; the first: /, apart);
  });
});
