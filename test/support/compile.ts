import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of TypeScript: the one that compiles this project, and the oldest supported one where POSTER_TYPESCRIPT names it. */
export const newestTypeScript = fileURLToPath(new URL('../../../node_modules/typescript', import.meta.url));
export const oldestTypeScript: string | undefined = process.env['POSTER_TYPESCRIPT'];

/** An error that the compiler tells: in which file, in which line (from 1 on), and its code, `TS2345`. */
export interface CompilerError {
  readonly file: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** What the compiler tells of files with these options. Anything else that it writes is an error. */
export function compileErrors(typescript: string, folder: string, args: readonly string[]): CompilerError[] {
  const tsc = join(typescript, 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '--pretty', 'false', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
  return lines.map((text) => {
    const [, file, line, code, message] = /^(.+)\((\d+),\d+\): error (TS\d+): (.*)$/.exec(text) ?? [];
    if (file === undefined || code === undefined || message === undefined) throw new Error(`${tsc} says: ${text}`);
    return { file, line: Number(line), code, message };
  });
}
