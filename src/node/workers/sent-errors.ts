import { type ErrorKind, UserError } from '../../common/errors.js';

/** Something thrown, on its way to another thread: a `UserError` is there an `Error` without its kind. */
export interface SentError {
  readonly error: unknown;
  /** Of a `UserError`. */
  readonly kind: ErrorKind | null;
}

export function sentError(error: unknown): SentError {
  return { error, kind: error instanceof UserError ? error.kind : null };
}

/** The same as it was thrown. */
export function errorOf({ error, kind }: SentError): unknown {
  if (kind === null || !(error instanceof Error)) return error;
  return new UserError(error.message, kind, { cause: error.cause });
}
