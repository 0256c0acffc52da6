import { defined } from '../../common/defined.js';
import { messageOf, UserError } from '../../common/errors.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import { printable, shownAddress } from '../../common/printable.js';
import { baseAddress } from './base-address.js';

export interface FetchOptions extends ProgressOptions {
  readonly signal?: AbortSignal;
  /** Bytes that are taken at most, and the error where there are more: the rest is not read. Default: any number. */
  readonly limit?: { readonly bytes: number; readonly error: () => UserError };
  /** What to do where the file cannot be had: the end of a sentence. Default: to check the address. */
  readonly advice?: string;
  /** Whether the browser's cache may answer unasked. */
  readonly cache?: RequestCache;
}

/** A thing and its address, as errors name it. */
export const addressed = (what: string, address: string | URL): string =>
  `${what} ${printable(shownAddress(String(address)), 4096)}`;

/**
 * The bytes at an address.
 * @param what to call them in errors
 * @throws UserError where there is no answer, or another one than the file; the signal's reason
 */
export async function fetchBytes(
  address: string | URL,
  what: string,
  { signal, limit, cache, onProgress, advice = 'check the address' }: FetchOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const from = addressed(what, address);
  try {
    const response = await fetch(new URL(address, baseAddress()), defined({ signal, cache }));
    if (!response.ok)
      throw new UserError(`${from} cannot be loaded: the server answered ${response.status}; ${advice}.`);
    const counting = limit !== undefined || onProgress !== undefined;
    if (!counting || response.body === null) return new Uint8Array(await response.arrayBuffer());
    const total = lengthOf(response);
    const file = fileName(address);
    return await bytesOf(response.body, {
      ...defined({ limit }),
      count: (loaded) => onProgress?.({ file, loaded, total }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${from} cannot be loaded (${printable(messageOf(error))}); ${advice}.`, 'input', {
      cause: error,
    });
  }
}

/** What a server says: of a compressed answer that is another length. */
function lengthOf({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

/** The last part of an address's path. */
const fileName = (address: string | URL): string => /[^/?#]*(?=$|[?#])/.exec(String(address))?.[0] ?? '';

/** A server may say any length: what comes is counted. */
async function bytesOf(
  body: ReadableStream<Uint8Array>,
  { limit, count }: Pick<FetchOptions, 'limit'> & { readonly count: (bytes: number) => void },
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
    size += next.value.length;
    if (limit !== undefined && size > limit.bytes) {
      await reader.cancel();
      throw limit.error();
    }
    pieces.push(next.value);
    count(size);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
