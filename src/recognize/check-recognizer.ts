import { UserError } from '../common/errors.js';
import type { Recognizer } from './recognizer.js';

/** Whether a value has what a recognizer has, of whichever copy of this package it is. */
const isRecognizer = (value: unknown): value is Recognizer =>
  typeof value === 'object' && value !== null && 'engine' in value && 'crops' in value && 'detect' in value;

/**
 * Programs without types may pass anything.
 * @param of the function that takes it, for errors
 * @throws UserError (kind `usage`) for what is no recognizer
 */
export function checkRecognizer(recognizer: unknown, of: string): asserts recognizer is Recognizer {
  if (isRecognizer(recognizer)) return;
  throw new UserError(`${of} needs a recognizer; give what Recognizer.load resolves to.`, 'usage');
}
