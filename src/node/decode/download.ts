import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { linked } from '../../common/signals.js';
import { tooManyBytes } from '../../image/checked-header.js';
import { answerSeconds, maxFileBytes, maxRedirects, silenceSeconds } from '../../image/picture-limits.js';

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Seconds without anything of the answer after which a server is given up. */
  readonly silence?: number;
  /** Seconds that a whole answer may take, redirects among them. */
  readonly total?: number;
  /** Addresses that a redirect from any other address may not lead to. */
  readonly isPrivate?: (address: string) => boolean;
}

/** Hints that servers may send before an answer. */
const maxHints = 10;

/**
 * What is at an `http:` or `https:` address. Name and password in it are sent as browsers and curl send them. `fetch` is not
 * used: it undoes any number of encodings, and an answer that fails after it was given up ends the process.
 *
 * @param name what errors call it
 * @throws UserError that says why there is nothing, or the signal's reason.
 */
export async function download(address: URL, name: string, options: DownloadOptions = {}): Promise<Buffer> {
  const { signal, silence = silenceSeconds, total = answerSeconds } = options;
  const giveUp = new AbortController();
  const stop = linked([signal, giveUp.signal]);
  const after = (seconds: number, reason: string): ReturnType<typeof setTimeout> =>
    setTimeout(() => giveUp.abort(new Error(reason)), seconds * 1000);
  const timer = after(silence, `nothing came from the server for ${silence} s`);
  const limit = after(total, `the answer did not end within ${total} s`);
  try {
    const response = await followed(address, name, options.isPrivate ?? isPrivateAddress, stop.signal);
    return await bodyOf(response, name, stop.signal, () => timer.refresh());
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    // What a timer says is the reason why the connection was cut.
    const reason = giveUp.signal.aborted ? giveUp.signal.reason : error;
    throw new UserError(`${name} cannot be fetched (${printable(reasonOf(reason))}); check the address.`);
  } finally {
    clearTimeout(timer);
    clearTimeout(limit);
    // Of an answer that is refused the rest would keep the process alive.
    giveUp.abort();
    stop.release();
  }
}

function reasonOf(error: unknown): string {
  // One for each address of a name.
  const [first] = error instanceof AggregateError ? error.errors : [error];
  const message = messageOf(first);
  return message === 'aborted' ? 'the connection ended before the answer' : message;
}

/** The answer behind all redirects. */
async function followed(
  address: URL,
  name: string,
  isPrivate: (address: string) => boolean,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { url: start, authorization } = withoutCredentials(address);
  let url = start;
  let publicOnly = false;
  for (let redirects = 0; ; redirects++) {
    // Only where they were meant for.
    const headers = url.origin === start.origin && authorization !== undefined ? { authorization } : {};
    const refused = publicOnly ? isPrivate : undefined;
    const response = await answerOf(url, headers, refused, signal);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const { location } = response.headers;
    const from = response.socket.remoteAddress;
    response.destroy();
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      throw new UserError(`${name} cannot be fetched: the server answered ${status}; check the address.`);
    }
    if (redirects >= maxRedirects) throw new Error(`more than ${maxRedirects} redirects`);
    if (!URL.canParse(location, url)) throw new Error(`a redirect to no address: ${location}`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw new Error(`a redirect to ${next.protocol}`);
    // A server of the internet has no business with those of this network.
    publicOnly ||= from === undefined || !isPrivate(from);
    url = withoutCredentials(next).url;
  }
}

/** @param refused addresses that are not connected to */
function answerOf(
  url: URL,
  headers: Readonly<Record<string, string>>,
  refused: ((address: string) => boolean) | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (refused !== undefined && isIP(host) !== 0 && refused(host)) return Promise.reject(intoThisNetwork(host));
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(url, {
      // Pictures are compressed already.
      headers: { 'user-agent': 'poster-v2', accept: 'image/*, */*;q=0.5', 'accept-encoding': 'identity', ...headers },
      signal,
      ...(refused === undefined ? {} : { lookup: lookupOutside(refused) }),
    });
    let hints = 0;
    request.on('information', () => {
      if (++hints > maxHints) request.destroy(new Error(`more than ${maxHints} hints before an answer`));
    });
    request.on('response', (response) => {
      // A connection that was open before was made without the check above.
      const from = response.socket.remoteAddress;
      if (from !== undefined && refused?.(from) === true) request.destroy(intoThisNetwork(from));
      else resolve(response);
    });
    // Also what comes after the answer was given up, which would end the process if nobody listened.
    request.on('error', reject);
  });
}

const intoThisNetwork = (address: string): Error => new Error(`a redirect into this machine's network, ${address}`);

function lookupOutside(refused: (address: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    lookup(host, options, (error, address, family) => {
      const found = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address);
      const inside = found.find(refused);
      callback(error ?? (inside === undefined ? null : intoThisNetwork(inside)), address, family);
    });
  };
}

const decoders = new Map([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
]);

/** @param heard called when something came */
async function bodyOf(
  response: IncomingMessage,
  name: string,
  signal: AbortSignal,
  heard: () => void,
): Promise<Buffer> {
  response.on('error', () => undefined);
  if (Number(response.headers['content-length'] ?? 0) > maxFileBytes) {
    response.destroy();
    throw tooManyBytes(name);
  }
  const chunks: Buffer[] = [];
  // What a server says about the size binds it to nothing, and what is sent may expand.
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    let size = 0;
    for await (const chunk of source) {
      heard();
      size += chunk.length;
      if (size > maxFileBytes) throw tooManyBytes(name);
      yield chunk;
    }
  };
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of counted(source)) chunks.push(chunk);
  };
  const encodings = encodingsOf(response);
  const [encoding] = encodings;
  if (encoding === undefined) {
    await pipeline(response, collect, { signal });
    return Buffer.concat(chunks);
  }
  const decoder = decoders.get(encoding);
  if (encodings.length > 1 || decoder === undefined) {
    response.destroy();
    throw new Error(`the server sends it encoded as ${encodings.join(', ')}`);
  }
  await pipeline(response, counted, decoder(), collect, { signal });
  return Buffer.concat(chunks);
}

const encodingsOf = (response: IncomingMessage): string[] =>
  (response.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');

/** Requests take no name and password in an address. */
function withoutCredentials(address: URL): { readonly url: URL; readonly authorization?: string } {
  if (address.username === '' && address.password === '') return { url: address };
  const url = new URL(address);
  const words = [url.username, url.password].map(unescaped).join(':');
  [url.username, url.password] = ['', ''];
  return { url, authorization: `Basic ${Buffer.from(words).toString('base64')}` };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is of this machine, or of a network that the internet does not lead to (RFC 1918, 3927, 4193, 6598). */
export function isPrivateAddress(address: string): boolean {
  return privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
