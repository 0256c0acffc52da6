/**
 * node dist/test/fuzz/rank-kills.js [COUNT [mpirun.openmpi | mpirun.mpich]]: trains a small network with two ranks, kills a rank at a random
 * moment COUNT times (default 20) and goes on each time, until the run is at its end. What was learned must have the bits of
 * a run that was never killed, and of one process.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, succeeds } from '../support/cli.js';
import { asRoot } from '../support/mpirun.js';
import { learnedIn, tinyRun, writeFaces } from '../support/tiny-run.js';

const [count = '20', launcher = ''] = process.argv.slice(2);
const epochs = ['--epochs', '40', '--save-every', '0.2'];
const dir = await mkdtemp(join(tmpdir(), 'poster-rank-kills-'));
const last = join('run', 'last.safetensors');

/** When the run was saved last; 0: never. */
const savedAt = async (): Promise<number> => (await stat(join(dir, last)).catch(() => undefined))?.mtimeMs ?? 0;

/** All processes below one, deepest last. */
async function below(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.trim() === '' ? [] : text.trim().split(' ').map(Number);
  return [...children, ...(await Promise.all(children.map(below))).flat()];
}

/** Processes that train, among those of a launcher. */
async function ranksOf(pid: number): Promise<number[]> {
  const all = [pid, ...(await below(pid))];
  const commands = await Promise.all(all.map((one) => readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '')));
  return all.filter((_, i) => commands[i]?.split('\0', 1)[0] === process.execPath);
}

function start(args: readonly string[]) {
  const words = [process.execPath, main, 'train', ...args];
  const bind = launcher.endsWith('openmpi') ? ['--oversubscribe', '--bind-to', 'none'] : [];
  const [command = '', ...more] =
    launcher === '' ? [...words, '--ranks', '2'] : [launcher, ...bind, '-n', '2', ...words];
  const child = spawn(command, more, { cwd: dir, env: { ...process.env, ...asRoot }, stdio: 'ignore' });
  return { pid: child.pid ?? 0, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
}

try {
  await writeFaces(dir);
  await succeeds(['train', ...tinyRun, ...epochs, '--out', 'alone'], dir);
  let killed = 0;
  for (let code: number | null = 1; code !== 0; ) {
    const args = existsSync(join(dir, last))
      ? ['--resume', last, '--threads', '1', '--workers', '0', '--no-tensorboard']
      : [...tinyRun, ...epochs, '--out', 'run'];
    const { pid, ended } = start([...args, '--save-every', '0.2']);
    const since = Date.now();
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    if (killed < Number(count)) {
      // Some before the run goes on, most while it does.
      if (Math.random() < 0.8) while (!isOver && (await savedAt()) <= since) await sleep(20);
      await sleep(2000 * Math.random());
      const ranks = isOver ? [] : await ranksOf(pid);
      const one = ranks[Math.floor(ranks.length * Math.random())];
      if (one !== undefined) process.kill(one, 'SIGKILL');
      killed++;
    }
    code = await Promise.race([ended, sleep(600_000, 'hangs' as const)]).then((end) => {
      assert.notEqual(end, 'hangs', 'the other rank ends within a minute');
      return end === 'hangs' ? null : end;
    });
    const at = existsSync(join(dir, last)) ? await learnedIn(join(dir, 'run')) : 'nothing saved';
    console.log(`${code === 0 ? 'finished' : 'killed'}: ${at}`);
  }
  assert.equal(await learnedIn(join(dir, 'run')), await learnedIn(join(dir, 'alone')));
  console.log(`the same bits after ${killed} kills`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
