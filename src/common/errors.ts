/**
 * What is to blame for an error that the user can mend. Programs branch on it; the command line makes an exit code of it, a
 * service a status.
 *
 * - `input`: a file, picture, dataset or checkpoint that cannot be used.
 * - `usage`: what was asked for is wrong in itself: an argument, or two that contradict each other.
 * - `device`: the device asked for is not there.
 * - `resources`: memory, disk, open files or a program of the system are lacking.
 * - `diverged`: training stopped because its numbers left the finite range.
 * - `interrupted`: the user stopped it; what can be saved is saved.
 */
export type ErrorKind = 'input' | 'usage' | 'device' | 'resources' | 'diverged' | 'interrupted';

/** Something the user can mend. The message is one sentence that says what was wrong, where, and what to do. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly kind: ErrorKind;
  constructor(message: string, kind: ErrorKind = 'input', options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Whether something thrown is a {@link UserError} of this kind. */
export function isOfKind(error: unknown, kind: ErrorKind): error is UserError {
  return error instanceof UserError && error.kind === kind;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
