import { type ErrorKind, messageOf, type Setting, UserError } from './errors.js';

/** Something thrown, on its way to another thread: a `UserError` is there an `Error` without its kind. */
export interface SentError {
  readonly error: unknown;
  /** Of a `UserError`. */
  readonly kind: ErrorKind | null;
  readonly settings: readonly Setting[];
}

export function sentError(error: unknown): SentError {
  const { kind, settings } = error instanceof UserError ? error : { kind: null, settings: [] };
  return { error: isCloneable(error) ? error : new Error(messageOf(error)), kind, settings };
}

function isCloneable(error: unknown): boolean {
  try {
    structuredClone(error);
    return true;
  } catch {
    return false;
  }
}

/** The same as it was thrown. */
export function errorOf({ error, kind, settings }: SentError): unknown {
  if (kind === null || !(error instanceof Error)) return error;
  return new UserError(error.message, kind, { cause: error.cause, settings });
}
