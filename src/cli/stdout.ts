import { explainFileError } from '../node/files/files.js';
import { ExitCode } from './exit-code.js';

const listeners = new Set<() => void>();
let closed = false;
let failure: unknown;

/**
 * Tells when whoever read our standard output has left, as `head` does after its lines. Without a listener the process ends.
 * @returns to be called once nobody listens any more
 */
export function whenStdoutCloses(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** From here on no failure of standard output is an uncaught one. @param report says what else it may be, a full disk */
export function watchStdout(report: (error: unknown) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!isClosed(error)) {
      report(failureOf(error));
    } else if (!closed) {
      closed = true;
      if (listeners.size === 0) process.exit(process.exitCode ?? ExitCode.ok);
      for (const listener of listeners) listener();
    }
  });
}

/**
 * Text to stdout, no faster than it is read at the other end. Where nobody reads any more it is dropped.
 * @throws UserError where it cannot be written, such as on a full disk.
 */
export async function writeOut(text: string): Promise<void> {
  if (closed) return;
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(text, resolve);
  });
  if (error instanceof Error && !isClosed(error)) throw failureOf(error);
}

/** A terminal that is gone answers EIO. */
function isClosed({ code = '' }: NodeJS.ErrnoException): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes(code) || (code === 'EIO' && process.stdout.isTTY);
}

/** The same each time, so that it is told once. */
function failureOf(error: unknown): unknown {
  failure ??= explainFileError(error, 'write', 'standard output');
  return failure;
}

/** Whether nothing more can be told on standard output because of this. */
export const isStdoutFailure = (error: unknown): boolean => error !== undefined && error === failure;
