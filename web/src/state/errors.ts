import type { ErrorKind } from 'poster-v2';

/** The sentence of anything thrown: those of the package are made for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether something thrown is one of the package's errors of a kind: `device`, `input`. */
export const isOfKind = (error: unknown, kind: ErrorKind): boolean =>
  error instanceof Error && 'kind' in error && error.kind === kind;

/** What the package says of a picture that it knows by its number alone, below the picture's name. */
export const aboutPicture = (error: unknown): string => messageOf(error).replace(/^Picture \d+ /, 'It ');
