import { UserError } from '../../common/errors.js';

/** @throws UserError */
export async function startEngine(): Promise<never> {
  throw new UserError(
    'In a browser a recognizer starts no worker; load it within a Worker of your own, without this option.',
    'usage',
  );
}
