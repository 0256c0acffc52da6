import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { sharedPoster } from './shared-poster.js';

/** The command as the package has it, which starts sooner than its modules would; compiled tests lie in dist/test. */
export const main = fileURLToPath(new URL('../../cli/poster.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function start(args: readonly string[], cwd: string): { child: ChildProcess; finished: Promise<Finished> } {
  return collect(spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** The same under a limit on the size of files, which stands in for a full disk. */
export function startLimited(args: readonly string[], cwd: string, kibibytes: number): Promise<Finished> {
  const words = ['-c', `ulimit -f ${kibibytes}; exec "$0" "$@"`, process.execPath, main, ...args];
  return collect(spawn('bash', words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })).finished;
}

function collect(child: ChildProcess): { child: ChildProcess; finished: Promise<Finished> } {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, finished };
}

/**
 * Runs a command line in a process that it shares with the other calls of this test file: starting one takes longer than most commands. What
 * a process of its own decides, signals, native output, whether it ends, is for `start` and `apart`.
 */
export const poster = (args: readonly string[], cwd: string): Promise<Finished> => sharedPoster(args, cwd);

/** The same in a process of its own. */
export const apart = (args: readonly string[], cwd: string): Promise<Finished> => start(args, cwd).finished;

/** That a command works. @param by `apart` for a process of its own @returns what it printed */
export async function succeeds(args: readonly string[], cwd: string, by = poster): Promise<Finished> {
  const result = await by(args, cwd);
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
  return result;
}

/** That a command fails with this exit code and one clear sentence, without a stack trace. */
export async function fails(
  args: readonly string[],
  cwd: string,
  code: number,
  sentence: RegExp,
  by = poster,
): Promise<Finished> {
  return checkFailure(await by(args, cwd), code, sentence);
}

export function checkFailure(result: Finished, code: number, sentence: RegExp): Finished {
  assert.equal(result.code, code, result.stderr);
  assert.match(result.stderr, sentence);
  assert.equal(result.stderr.match(/^poster: .*$/gm)?.length, 1, `one sentence in: ${result.stderr}`);
  assert.doesNotMatch(result.stderr, /^\s+at /m, 'no stack trace');
  assert.equal(result.stdout, '', 'stdout is for results');
  return result;
}

/** Folders of small patterned pictures, easy to tell apart by their brightness. */
export async function writeClasses(root: string, folders: readonly string[], count: number): Promise<void> {
  for (const [k, folder] of folders.entries()) {
    await mkdir(join(root, folder), { recursive: true });
    for (let i = 0; i < count; i++) {
      const pixel = (_: unknown, at: number): number => 40 + 80 * k + (((at % 24) * (k + 1) + at * i) % 40);
      const data = Uint8Array.from({ length: 24 * 24 }, pixel);
      await sharp(data, { raw: { width: 24, height: 24, channels: 1 } })
        .png()
        .toFile(join(root, folder, `${i}.png`));
    }
  }
}
