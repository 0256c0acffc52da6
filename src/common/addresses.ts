import { UserError } from './errors.js';
import { printable, shownAddress } from './printable.js';

/** Whether a text is an `http:`, `https:`, `file:` or `data:` address rather than a path. */
export const isAddress = (text: string): boolean => /^(https?:\/\/|file:\/\/|data:)/i.test(text);

/**
 * What a text stands for: a URL where it is an address, else a path.
 * @throws UserError for an address that is not a valid one
 */
export function pathOrAddress(text: string): string | URL {
  if (!isAddress(text)) return text;
  if (URL.canParse(text)) return new URL(text);
  throw new UserError(`${printable(shownAddress(text))} is no valid address; check how it is spelled.`);
}
