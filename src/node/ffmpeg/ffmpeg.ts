import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { UserError } from '../../common/errors.js';
import { printable, shownAddress } from '../../common/printable.js';
import { whenAborted } from '../../common/signals.js';
import { undoneAtExit } from '../files/ending.js';

/** Programs of the system's ffmpeg. */
export interface FfmpegPaths {
  /** Default: `ffmpeg` of the PATH. */
  readonly ffmpeg?: string;
  /** Default: `ffprobe` of the PATH. */
  readonly ffprobe?: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  /** The last that it said on stderr, in lines without the names of ffmpeg's parts. */
  readonly stderrLines: readonly string[];
}

export interface RunningProgram {
  readonly child: ChildProcess;
  /** Settles when it has ended and all that it wrote was read. */
  readonly ended: Promise<Ending>;
}

/** Of what a program says, the last so many characters are kept: whatever it is fed, memory stays. */
const keptCharacters = 4096;

/**
 * Starts ffmpeg or ffprobe, without a shell and in a process group of its own: Ctrl-C in a terminal reaches us only, and we
 * decide how it ends.
 *
 * @param onLine gets what it says line by line, where it says of each line how bad that is (`-loglevel level+info`); of those only errors
 * count as said then
 */
export function startProgram(
  program: string,
  args: readonly string[],
  stdin: 'pipe' | 'ignore',
  stdout: 'pipe' | 'ignore' = 'pipe',
  onLine?: (line: string) => void,
): RunningProgram {
  const child = spawn(program, args, {
    stdio: [stdin, stdout, 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  let text = '';
  const keep = (more: string): void => {
    text = (text + more).slice(-keptCharacters);
  };
  const take = onLine === undefined ? keep : byLine(onLine, keep);
  child.stderr?.setEncoding('utf8').on('data', take);
  const ended = (async (): Promise<Ending> => {
    try {
      const [code] = await once(child, 'close');
      return { code: typeof code === 'number' ? code : null, stderrLines: linesOf(text) };
    } catch (error) {
      throw notStarted(error, program);
    }
  })();
  // No program outlives us. Whoever waits for its end sees a failure; until then it is no unhandled one.
  const settled = undoneAtExit(() => child.kill('SIGKILL'));
  ended.then(settled, settled);
  return { child, ended };
}

/** Of a line, however long, so many characters count. */
const longestLine = 4096;

/** Cuts text into lines: those that tell of errors are kept, all are handed on. */
function byLine(onLine: (line: string) => void, keep: (text: string) => void): (more: string) => void {
  let line = '';
  let isError = false;
  const end = (): void => {
    const [, level] = /^(?:\[[^\]]* @ [^\]]*\] )*\[(\w+)\] /.exec(line) ?? [];
    // A message of several lines has its level in the first.
    if (level !== undefined) isError = /^(error|fatal|panic)$/.test(level);
    if (isError) keep(`${line.replace(/\[(error|fatal|panic)\] /, '')}\n`);
    onLine(line);
    line = '';
  };
  return (more) => {
    const parts = more.split(/[\r\n]/);
    parts.forEach((part, i) => {
      line += part.slice(0, longestLine - line.length);
      if (i < parts.length - 1 && line !== '') end();
    });
  };
}

function notStarted(error: unknown, program: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const name = printable(program);
  if (error.code === 'ENOENT') {
    return new UserError(
      `Videos are read by ${name}, which is not installed; install ffmpeg (ffmpeg.org, or your system's packages), or say where it is.`,
      'resources',
      { settings: ['ffmpeg'] },
    );
  }
  return new UserError(
    `${name} cannot be started (${printable(String(error.code))}); check its installation.`,
    'resources',
  );
}

/** Lines in the order they were said, without `[mov,mp4 @ 0x5581]` before, passwords in addresses, and repetitions. */
function linesOf(text: string): string[] {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^(\[[^\]]*\]\s*)+/, '').trim())
    .map((line) => line.replace(/[a-z]+:\/\/\S+/gi, shownAddress))
    .filter((line) => line !== '' && !/^Last message repeated/.test(line));
  return [...new Set(lines)];
}

/** What ffmpeg said, short enough for a sentence; the name of its input is ours to say. */
export function reasonOf({ stderrLines }: Ending): string {
  const lines = stderrLines
    .map((line) =>
      line.replace(/^.*: (?=Invalid data|No such|Permission|Connection|Server returned|Input\/output)/, ''),
    )
    .map((line) => line.replace(/[.:\s]+$/, ''))
    .slice(-2);
  return printable([...new Set(lines)].join('; '), 200);
}

/** Seconds that a short-lived program may take, and that one may say nothing while its pictures are waited for. */
export const programSeconds = 60;

/**
 * Everything that a short-lived program writes, at most 1 MiB, as text.
 * @param input what it reads, as messages call it
 * @throws UserError where it does not end in time; the signal's reason
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  input: string,
  signal?: AbortSignal,
): Promise<Ending & { readonly text: string }> {
  signal?.throwIfAborted();
  const { child, ended } = startProgram(program, args, 'ignore');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    if (text.length < 2 ** 20) text += more;
  });
  let isLate = false;
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, 1000 * programSeconds);
  const release = signal === undefined ? undefined : whenAborted(signal, kill);
  try {
    const ending = await ended;
    signal?.throwIfAborted();
    if (isLate) throw new UserError(silent(input));
    return { ...ending, text };
  } finally {
    clearTimeout(timer);
    release?.();
  }
}

export const silent = (input: string): string =>
  `${input} cannot be read: nothing came of it for ${programSeconds} s; check that it is whole, and the disk it is on.`;

/** Ends a program whose output nobody wants any more. */
export async function killProgram({ child, ended }: RunningProgram): Promise<void> {
  child.stdout?.destroy();
  child.kill('SIGKILL');
  await ended.catch(() => undefined);
}
