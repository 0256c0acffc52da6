import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { z } from 'zod';

/**
 * ONNX Runtime 1.30 searches /proc/self/cmdline when it starts, by a matcher that calls itself for each character: with about
 * 30 KB of file names, as a shell makes of *.jpg, that overflows the stack and ends the process.
 */
const mostBytes = 12 * 1024;

/** Tells the process that is started instead where its words are. */
const variable = 'POSTER_ARGUMENTS';
const descriptor = 3;

/**
 * The words of this process's command line. Where they are too many, another process gets them through a pipe and does the
 * work; this one then ends as that one does, and the promise never settles.
 */
export async function commandLine(): Promise<string[]> {
  const words = process.argv.slice(2);
  if (process.env[variable] === String(descriptor)) {
    delete process.env[variable];
    const given = z.array(z.string()).parse(JSON.parse(readFileSync(descriptor, 'utf8')));
    process.argv.push(...given);
    return given;
  }
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  if (process.platform !== 'linux' || bytes <= mostBytes) return words;
  return runInstead(words);
}

async function runInstead(words: readonly string[]): Promise<never> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? ''], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [variable]: String(descriptor) },
  });
  // A terminal sends Ctrl-C to both; without one, whoever signals this process means the other.
  const terminal = process.stdin.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => {
    if (!terminal) child.kill('SIGINT');
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const pipe = child.stdio[descriptor];
  if (pipe instanceof Writable) pipe.end(JSON.stringify(words));
  const [code, signal] = z.tuple([z.number().nullable(), z.string().nullable()]).parse(await once(child, 'close'));
  // As shells count signals: 128 and its number, of which 2 and 15 are caught by the process itself.
  process.exit(code ?? (signal === 'SIGKILL' ? 137 : 139));
}
