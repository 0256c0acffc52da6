import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';

/** A worker of the package, as sentences name it. */
export interface WorkerProgram {
  /** What it does: `recognises pictures`. */
  readonly does: string;
  /** Its file, beside the bundle. */
  readonly file: string;
  /** What a page may do without it, such as `load the recognizer with worker: false`; undefined: nothing. */
  readonly otherwise?: string;
}

/**
 * Starts a worker.
 * @param make calls `new Worker` with the address of a file that stands there as it is: bundlers know workers by this form
 * @throws UserError (kind `resources`) where the browser refuses it at once, as some do where a policy forbids it
 */
export function startWorker(make: () => Worker, program: WorkerProgram): Worker {
  try {
    return make();
  } catch (error) {
    throw workerNotStarted(program, messageOf(error));
  }
}

/** @param detail what the browser says, if it says anything: of a file that is not loaded there is no message */
export function workerNotStarted({ does, file, otherwise }: WorkerProgram, detail: string | undefined): UserError {
  const brackets = detail === undefined || detail === '' ? '' : ` (${printable(detail)})`;
  return new UserError(
    `The worker that ${does} does not start${brackets}: its file ${file} is missing beside the bundle, or the page's ` +
      'content security policy or isolation forbids it; serve it as docs/browser.md says' +
      `${otherwise === undefined ? '' : `, or ${otherwise}`}.`,
    'resources',
  );
}
