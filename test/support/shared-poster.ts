import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface HostRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface HostAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const host = fileURLToPath(new URL('./poster-host.js', import.meta.url));
let child: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Runs `poster` in a process that it shares with the other calls of this test file, one after the other. */
export function sharedPoster(args: readonly string[], cwd: string): Promise<HostAnswer> {
  const request = { args, cwd, environment: { ...process.env } };
  const answer = last.then(() => ask(request));
  last = answer.catch(() => undefined);
  return answer;
}

function ask(request: HostRequest): Promise<HostAnswer> {
  const running = child ?? startHost();
  child = running;
  // It keeps these tests from ending only while they wait for it.
  running.ref();
  running.channel?.ref();
  return new Promise<HostAnswer>((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void => {
      child = undefined;
      reject(new Error(`poster ${request.args.join(' ')} ended its process: ${signal ?? code}`));
    };
    running.once('exit', ended);
    running.once('message', (message: HostAnswer) => {
      running.off('exit', ended);
      running.unref();
      running.channel?.unref();
      resolve(message);
    });
    running.send(request);
  });
}

const startHost = (): ChildProcess => fork(host, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
