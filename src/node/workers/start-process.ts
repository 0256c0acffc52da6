import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { messageOf, UserError } from '../../common/errors.js';
import type { Transferred } from '../../common/parcel.js';
import type { ThreadOptions } from '../../workers/messages.js';
import type { Port, PortEvents } from '../../workers/port.js';
import { threadProgram } from '../files/package-files.js';
import { readMessages, writeMessage } from './message-stream.js';
import { type FromProcess, ownerStream, type ProcessUsage, type ToProcess } from './process-messages.js';
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
  const program = threadProgram('dist/src/node/workers/recognition-process.js');
  const child = spawn(process.execPath, [program], {
    // Standard output is for the lines of whoever starts it.
    stdio: ['ignore', 2, 2, 'overlapped'],
    // Ctrl-C goes to all processes of a terminal's group, and this one must not end before what is in hand is answered.
    detached: process.platform !== 'win32',
  });
  const stream = child.stdio[ownerStream];
  if (!(stream instanceof Socket)) throw new Error('a process without a connection');
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
  // Its end is told by the process; what is written to one that has ended is lost.
  stream.on('error', () => undefined);
  // It answers nothing any more.
  stream.once('close', () => setTimeout(kill, patience).unref());
  readMessages(stream, (received) => {
    const message = received as FromProcess;
    if (isOver) return;
    if ('work' in message) workChannel.publish(message.work);
    else if ('usage' in message) used(message.usage);
    else {
      if (message.reply.type === 'loaded') isLoaded = true;
      reply(message.reply);
    }
  });
  const post = (message: ToProcess, transfer: readonly Transferred[] = []): void => {
    if (stream.writable) writeMessage(stream, message, transfer);
  };
  post({ type: 'setup', options });
  return {
    pid: child.pid,
    post,
    setWaiting(waiting) {
      for (const one of [child, stream]) {
        if (waiting) one.ref();
        else one.unref();
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
