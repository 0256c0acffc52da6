import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import { printable, shownAddress } from '../../common/printable.js';

/**
 * The bytes at an address.
 * @param what to call them in errors
 * @throws UserError where there is no answer, or another one than the file; the signal's reason
 */
export async function fetchBytes(
  address: string | URL,
  what: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const from = `${what} ${printable(shownAddress(String(address)), 4096)}`;
  try {
    const response = await fetch(address, defined({ signal }));
    if (!response.ok)
      throw new UserError(`${from} cannot be loaded: the server answered ${response.status}; check the address.`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${from} cannot be loaded (${printable(messageOf(error))}); check the address.`, 'input', {
      cause: error,
    });
  }
}
