import { UserError } from '../common/errors.js';

/** What running a session throws that has been disposed of. */
export const afterDisposal = (): UserError =>
  new UserError('A network was run after it had been disposed of; load it again.', 'usage');
