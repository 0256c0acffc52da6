import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A launcher of MPI that is installed here. */
export interface Launcher {
  readonly name: 'Open MPI' | 'MPICH';
  readonly command: string;
  readonly options: readonly string[];
}

function isThere(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** Both by the names that Debian gives them. Ranks are not bound to cores: other tests run beside. */
export const launchers: readonly Launcher[] = [
  { name: 'Open MPI', command: 'mpirun.openmpi', options: ['--oversubscribe', '--bind-to', 'none'] },
  { name: 'MPICH', command: 'mpirun.mpich', options: [] },
];

/** Why the tests of a launcher are skipped; false where they are not. */
export const skipOf = ({ command }: Launcher): string | false =>
  isThere(command) ? false : `${command} is not installed (Debian: openmpi-bin, mpich)`;

/** What launchers ask of those who run them as root, in containers. */
export const asRoot = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** Runs one of this project's programs in several ranks. Never throws. */
export async function mpirun(
  { command, options }: Launcher,
  ranks: number,
  program: string,
  args: readonly string[],
  cwd = process.cwd(),
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const path = fileURLToPath(new URL(`../../${program}`, import.meta.url));
  const all = [...options, '-n', String(ranks), process.execPath, path, ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(command, all, { cwd, env: { ...process.env, ...asRoot } });
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}
