/**
 * node dist/test/fuzz/rank-kills.js [COUNT [mpirun.openmpi | mpirun.mpich]]: trains POSTER V2's small network for two epochs, and kills a rank
 * of two at a random moment COUNT times (default 20); each time the two go on. All of these must learn the same bits:
 * one process with two micro-batches, two ranks, two ranks again, the two that were killed, and one process that goes on
 * from where those were halfway.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, succeeds, writeClasses } from '../support/cli.js';
import { asRoot } from '../support/mpirun.js';
import { learnedIn, tinyRun } from '../support/tiny-run.js';

const [count = '20', launcher = ''] = process.argv.slice(2);
/** Two epochs of as many steps as there are kills: most of them find a run under way. */
const nano = [...tinyRun, '--model', 'poster-v2-nano', '--epochs', '2', '--save-every', '0.2'];
const pictures = Math.ceil((Number(count) * 6) / 0.8);
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

const log = (what: string, learned: string): void => console.log(`${new Date().toISOString()} ${what}: ${learned}`);

/** Trains to the end. */
async function whole(out: string): Promise<string> {
  assert.equal(await start([...nano, '--out', out]).ended, 0);
  return learnedIn(join(dir, out));
}

try {
  await writeClasses(join(dir, 'faces', 'train'), ['happy', 'neutral', 'sad'], Math.ceil(pictures / 3));
  await succeeds(['train', ...nano, '--out', 'alone'], dir);
  const alone = await learnedIn(join(dir, 'alone'));
  log('one process', alone);
  for (const out of ['two', 'again']) {
    const learned = await whole(out);
    log('two ranks', learned);
    assert.equal(learned, alone);
  }
  const going = ['--threads', '1', '--workers', '0', '--no-tensorboard', '--save-every', '0.2'];
  let killed = 0;
  let halfway = false;
  for (let code: number | null = 1; code !== 0; ) {
    const args = existsSync(join(dir, last)) ? ['--resume', last, ...going] : [...nano, '--out', 'run'];
    const { pid, ended } = start(args);
    const since = Date.now();
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    if (killed < Number(count)) {
      // Some before the run goes on, most while it does.
      if (Math.random() < 0.8) while (!isOver && (await savedAt()) <= since) await sleep(20);
      await sleep(1000 * Math.random());
      const ranks = isOver ? [] : await ranksOf(pid);
      const one = ranks[Math.floor(ranks.length * Math.random())];
      if (one !== undefined) {
        process.kill(one, 'SIGKILL');
        killed++;
      }
    }
    code = await Promise.race([ended, sleep(600_000, 'hangs' as const)]).then((end) => {
      assert.notEqual(end, 'hangs', 'the other rank ends within ten minutes');
      return end === 'hangs' ? null : end;
    });
    const isSaved = existsSync(join(dir, last));
    log(code === 0 ? 'finished' : `killed ${killed}`, isSaved ? await learnedIn(join(dir, 'run')) : 'nothing saved');
    if (!halfway && isSaved && killed >= Number(count) / 2) {
      halfway = true;
      await cp(join(dir, 'run'), join(dir, 'halfway'), { recursive: true });
    }
  }
  assert.equal(await learnedIn(join(dir, 'run')), alone);
  assert.ok(halfway, 'the run was killed half of the times before its end');
  await succeeds(['train', '--resume', join('halfway', 'last.safetensors'), ...going], dir);
  log('one process goes on', await learnedIn(join(dir, 'halfway')));
  assert.equal(await learnedIn(join(dir, 'halfway')), alone);
  console.log(`the same bits after ${killed} kills`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
