import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A launcher of MPI that is installed here. */
export interface Launcher {
  readonly name: 'Open MPI' | 'MPICH';
  readonly command: string;
  readonly options: readonly string[];
  /** Its library, by the name that programs ask for. */
  readonly library: string;
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
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    options: ['--oversubscribe', '--bind-to', 'none'],
    library: 'libmpi.so.40',
  },
  { name: 'MPICH', command: 'mpirun.mpich', options: [], library: 'libmpich.so.12' },
];

/** Why the tests of a launcher are skipped; false where they are not. */
export const skipOf = ({ command }: Launcher): string | false =>
  isThere(command) ? false : `${command} is not installed (Debian: openmpi-bin, mpich)`;

/** What launchers ask of those who run them as root, in containers. */
export const asRoot = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** What ranks end with, together. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of this project's programs in several ranks. Never throws. */
export const mpirun = (
  launcher: Launcher,
  ranks: number,
  program: string,
  args: readonly string[],
  cwd = process.cwd(),
): Promise<Ended> => run(launcher, ['-n', String(ranks), process.execPath, pathOf(program), ...args], cwd);

/** A rank with arguments of its own, and variables of the environment that the launcher has not. */
export interface OneRank {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The same for ranks that differ. */
export function mpirunEach(
  launcher: Launcher,
  program: string,
  ranks: readonly OneRank[],
  cwd: string,
): Promise<Ended> {
  const words = ranks.map(({ args, env = {} }) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return ['-n', '1', 'env', ...variables, process.execPath, pathOf(program), ...args];
  });
  return run(
    launcher,
    words.flatMap((own, rank) => (rank === 0 ? own : [':', ...own])),
    cwd,
  );
}

const pathOf = (program: string): string => fileURLToPath(new URL(`../../${program}`, import.meta.url));

async function run({ command, options }: Launcher, words: readonly string[], cwd: string): Promise<Ended> {
  const all = [...options, ...words];
  try {
    const { stdout, stderr } = await promisify(execFile)(command, all, { cwd, env: { ...process.env, ...asRoot } });
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}
