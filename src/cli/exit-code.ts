import type { ErrorKind } from '../common/errors.js';

/** How the program leaves. Scripts rely on these numbers: docs/library.md. */
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

const codes: Readonly<Record<ErrorKind, ExitCode>> = {
  input: ExitCode.input,
  usage: ExitCode.usage,
  device: ExitCode.resource,
  resources: ExitCode.resource,
  diverged: ExitCode.diverged,
  interrupted: ExitCode.interrupted,
};

export const exitCodeOf = ({ kind }: { readonly kind: ErrorKind }): ExitCode => codes[kind];
