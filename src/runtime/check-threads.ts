import { UserError } from '../common/errors.js';

/** The runtime makes as many as it is told to, and with thousands it is busy with nothing else. */
const maxThreads = 512;

/** @throws UserError (kind `usage`) for a number of threads that cannot be */
export function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isSafeInteger(threads) && threads >= 1 && threads <= maxThreads)) return;
  throw new UserError(
    `A network cannot run on ${threads} threads; give a whole number from 1 to ${maxThreads}.`,
    'usage',
  );
}
