import { fork } from 'node:child_process';
import { messageOf, UserError } from '../../common/errors.js';
import type { ThreadOptions } from '../../workers/messages.js';
import type { Port, PortEvents } from '../../workers/port.js';
import { threadProgram } from '../files/package-files.js';
import type { FromProcess, ProcessUsage, ToProcess } from './process-messages.js';
import { workChannel } from './work-done.js';

/** Milliseconds that a process may take to end by itself. */
const patience = 30_000;

export interface ProcessEvents extends PortEvents {
  /** What it uses of the machine, every few seconds. */
  used(usage: ProcessUsage): void;
}

/** A process that was started. */
export interface ProcessPort extends Port {
  /** Undefined where none could be started. */
  readonly pid: number | undefined;
}

/** Starts a process that loads a recognizer: what kills native code ends that one only. */
export function startProcess(options: ThreadOptions, { reply, ended, used }: ProcessEvents): ProcessPort {
  const child = fork(threadProgram('dist/src/node/workers/recognition-process.js'), [], {
    serialization: 'advanced',
    // Such as --input-type, with which no file can be run.
    execArgv: [],
    // Standard output is for the lines of whoever starts it.
    stdio: ['ignore', 2, 2, 'ipc'],
    // Ctrl-C goes to all processes of a terminal's group, and this one must not end before what is in hand is answered.
    detached: process.platform !== 'win32',
  });
  let [isLoaded, isOver] = [false, false];
  let timer: NodeJS.Timeout | undefined;
  const kill = (): boolean => child.kill('SIGKILL');
  const exited = new Promise<void>((resolve) => {
    const end = (detail: string): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      ended(processEnded(detail));
      resolve();
    };
    child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    child.on('error', (error) => {
      // Of one that runs only a message was lost, and its end is told.
      if (child.pid === undefined) end(messageOf(error));
    });
  });
  // It answers nothing any more.
  child.once('disconnect', () => setTimeout(kill, patience).unref());
  child.on('message', (message: FromProcess) => {
    if (isOver) return;
    if ('work' in message) workChannel.publish(message.work);
    else if ('usage' in message) used(message.usage);
    else {
      if (message.reply.type === 'loaded') isLoaded = true;
      reply(message.reply);
    }
  });
  const post = (message: ToProcess): void => {
    // What cannot be sent is lost with the process, whose end is told.
    if (child.connected) child.send(message, () => undefined);
  };
  post({ type: 'setup', options });
  return {
    pid: child.pid,
    post,
    setWaiting(waiting) {
      for (const one of [child, child.channel]) {
        if (waiting) one?.ref();
        else one?.unref();
      }
    },
    async end() {
      child.ref();
      if (isLoaded) {
        post({ type: 'dispose' });
        timer = setTimeout(kill, patience);
      } else kill();
      await exited;
    },
  };
}

function processEnded(detail: string): UserError {
  return new UserError(
    `The process that recognises pictures has ended (${detail}); another one is started, so ask again.`,
    'resources',
  );
}
