import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, platform } from 'node:os';
import { promisify } from 'node:util';

/** Which machine, and which of its lists of processes: what a process number belongs to. Null where a system does not tell. */
export interface MachineIdentity {
  readonly host: string;
  /** Stays as long as the system is installed. */
  readonly machine: string | null;
  /** Changes with every start of the system. */
  readonly boot: string | null;
  /** Containers of one machine have processes of the same number. */
  readonly namespace: string | null;
}

/** Tells a process from any other, also from a later one of the same number. */
export interface ProcessIdentity extends MachineIdentity {
  readonly pid: number;
  /** When it started, in the system's own terms. */
  readonly started: string | null;
}

const orNull = (read: () => string): string | null => {
  try {
    return read().trim();
  } catch {
    return null;
  }
};

let machine: MachineIdentity | undefined;

/** Where this process runs. */
function thisMachine(): MachineIdentity {
  machine ??= {
    host: hostname(),
    machine: orNull(() => readFileSync('/etc/machine-id', 'utf8')),
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
  };
  return machine;
}

/** The same in eight hexadecimal digits, for names of files. */
export function machineHash(): string {
  return createHash('sha256').update(JSON.stringify(thisMachine())).digest('hex').slice(0, 8);
}

export async function thisProcess(): Promise<ProcessIdentity> {
  return { ...thisMachine(), pid: process.pid, started: await startOf(process.pid) };
}

/** Whether this machine has a process of that number, which may be another than the one meant. */
export function isPidInUse(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Of another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** `elsewhere`: on a machine, or in a container, whose processes cannot be seen from here. */
export type ProcessState = 'running' | 'gone' | 'elsewhere';

export async function stateOf(process: ProcessIdentity, here: MachineIdentity = thisMachine()): Promise<ProcessState> {
  if (process.host !== here.host || process.machine !== here.machine) return 'elsewhere';
  if (process.boot !== here.boot) return isStartedAgain(process, here) ? 'gone' : 'elsewhere';
  if (process.namespace !== here.namespace) return 'elsewhere';
  if (!isPidInUse(process.pid)) return 'gone';
  const started = await startOf(process.pid);
  if (started === ended) return 'gone';
  return process.started !== null && started !== null && started !== process.started ? 'gone' : 'running';
}

/**
 * Whether a machine of one name is certainly the same at both starts, and so was started again: containers of one host name, which often
 * have no machine's identity, may run on two machines.
 */
const isStartedAgain = (before: MachineIdentity, now: MachineIdentity): boolean =>
  isTold(now.machine) && isTold(before.boot) && isTold(now.boot);

/** Images of systems have an empty identity, or this word, until their first start. */
const isTold = (identity: string | null): boolean => identity !== null && !['', 'uninitialized'].includes(identity);

/** In place of a start: a process that has ended, and that its parent has not asked about yet. */
const ended = 'ended';

/** When a process started; null where that cannot be found out. */
async function startOf(pid: number): Promise<string | null> {
  try {
    if (platform() === 'linux') {
      // The second field is the program's name in parentheses, and may hold both of them and spaces.
      const fields = (await readFile(`/proc/${pid}/stat`, 'latin1')).replace(/^.*\) /s, '').split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? ended : (fields[19] ?? null);
    }
    if (platform() === 'win32') return null;
    const env = { ...process.env, LC_ALL: 'C' };
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], { env, timeout: 5000 });
    return stdout.trim() === '' ? null : stdout.trim();
  } catch {
    return null;
  }
}
