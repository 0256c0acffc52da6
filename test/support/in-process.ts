import type { Command } from 'commander';

export interface InProcess {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the command line in this process: what a process of its own adds is not what the test is about. */
export async function inProcess(command: Command, args: readonly string[]): Promise<InProcess> {
  const { stdout, stderr } = process;
  const originals = { stdout: stdout.write, stderr: stderr.write };
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: unknown, ...more: unknown[]): boolean => {
      // What the test runner tells is no text.
      if (typeof chunk !== 'string') return Reflect.apply(originals[name], process[name], [chunk, ...more]) === true;
      output[name] += chunk;
      for (const callback of more) if (typeof callback === 'function') callback();
      return true;
    };
  }
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await command.exitOverride().parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode), ...output };
  } finally {
    stdout.write = originals.stdout;
    stderr.write = originals.stderr;
    process.exitCode = before;
  }
}
