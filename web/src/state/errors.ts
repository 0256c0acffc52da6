import type { ErrorKind } from 'poster-v2';

/** The sentence of anything thrown: those of the package are made for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether something thrown is one of the package's errors of a kind: `device`, `input`. */
export const isOfKind = (error: unknown, kind: ErrorKind): boolean =>
  error instanceof Error && 'kind' in error && error.kind === kind;
