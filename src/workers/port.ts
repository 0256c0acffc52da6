import { UserError } from '../common/errors.js';
import type { Transferred } from '../common/parcel.js';
import type { Reply, Request } from './messages.js';

/** A thread that was started, as whoever started it has it. On Node it may be a process too. */
export interface Port {
  /** @throws what cannot be cloned, as a DataCloneError */
  post(request: Request, transfer: readonly Transferred[]): void;
  /** Whether somebody waits for an answer: a process need not stay alive for a thread that nobody waits for. */
  setWaiting(waiting: boolean): void;
  /** Ends the thread, at once or after what must not be cut off; resolves when it has ended. */
  end(): Promise<void>;
}

/** What a thread does to whoever started it. */
export interface PortEvents {
  reply(reply: Reply): void;
  /** It answers nothing more. Called once. */
  ended(reason: Error): void;
}

/** Starts a thread that loads a recognizer; the first reply says that it is loaded, or why it is not. */
export type StartThread = (events: PortEvents) => Port;

/** The other end, in the thread. */
export interface OwnerPort {
  post(reply: Reply, transfer: readonly Transferred[]): void;
  listen(callback: (request: Request) => void): void;
  /** Ends the thread, as far as it can do so itself. */
  close(): void;
}

/**
 * Why a thread answers nothing more that had begun to.
 * @param detail in brackets; none where it is empty
 */
export function threadEnded(detail: string): UserError {
  const brackets = detail === '' ? '' : ` (${detail})`;
  return new UserError(
    `The thread that recognises pictures has ended${brackets}; the next call starts another one.`,
    'resources',
  );
}
