/** Exit codes of the command line; `UserError` carries the one that fits. */
export const ExitCode = {
  ok: 0,
  /** A defect of this program. */
  internal: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** A file, picture, dataset or checkpoint could not be used. */
  input: 3,
  /** The device asked for is not there, or ran out of memory or disk. */
  resource: 4,
  /** Training stopped because its numbers left the finite range. */
  diverged: 5,
  /** Stopped by the user (Ctrl-C); state was saved. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * Something the user can mend. The message is one sentence that says what was wrong, where, and what to do;
 * the command line prints it without a stack trace and leaves with `exitCode`.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = ExitCode.input, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
