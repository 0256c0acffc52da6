import { UserError } from '../common/errors.js';

/** @throws UserError (kind `usage`) */
export function checkBatchSize(batchSize: number): void {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  throw new UserError(`A batch cannot have ${batchSize} faces; batchSize is a whole number from 1.`, 'usage');
}
