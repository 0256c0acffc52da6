import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import { printable, shownAddress } from '../../common/printable.js';

export interface FetchOptions {
  readonly signal?: AbortSignal;
  /** Bytes that are taken at most, and the error where there are more: the rest is not read. Default: any number. */
  readonly limit?: { readonly bytes: number; readonly error: () => UserError };
}

/**
 * The bytes at an address.
 * @param what to call them in errors
 * @throws UserError where there is no answer, or another one than the file; the signal's reason
 */
export async function fetchBytes(
  address: string | URL,
  what: string,
  { signal, limit }: FetchOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const from = `${what} ${printable(shownAddress(String(address)), 4096)}`;
  try {
    const response = await fetch(address, defined({ signal }));
    if (!response.ok)
      throw new UserError(`${from} cannot be loaded: the server answered ${response.status}; check the address.`);
    if (limit === undefined || response.body === null) return new Uint8Array(await response.arrayBuffer());
    return await bytesOf(response.body, limit);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${from} cannot be loaded (${printable(messageOf(error))}); check the address.`, 'input', {
      cause: error,
    });
  }
}

/** A server may say any length: what comes is counted. */
async function bytesOf(
  body: ReadableStream<Uint8Array>,
  { bytes: most, error }: NonNullable<FetchOptions['limit']>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
    size += next.value.length;
    if (size > most) {
      await reader.cancel();
      throw error();
    }
    pieces.push(next.value);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
