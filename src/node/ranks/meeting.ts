import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../common/errors.js';
import { Peer } from './peer.js';

/** What ranks of one machine find each other by. */
export interface Meeting {
  readonly rank: number;
  readonly size: number;
  /** Of the sockets; nobody else's. */
  readonly folder: string;
  /** What each shows the others: 32 bytes as hexadecimal digits. */
  readonly token: string;
}

/** How long ranks wait for each other at the beginning: loading the program takes a second on an idle machine. */
const patienceMs = 120_000;
/** How long somebody who connects may take to show the token. */
const greetingMs = 10_000;
const greetingLength = 36;

/** The socket of a rank: a file, or on Windows a named pipe. */
const addressOf = ({ folder }: Meeting, rank: number): string =>
  process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll(/\W/g, '-')}-${rank}` : join(folder, `${rank}.sock`);

function greeting({ rank, token }: Meeting): Uint8Array {
  const bytes = Buffer.alloc(greetingLength);
  bytes.write(token, 'hex');
  bytes.writeUint32LE(rank, 32);
  return bytes;
}

/**
 * Connects this rank with all others: with those before it, and those after it come. Whoever does not show the token is turned away.
 * @returns by rank; undefined is this one
 * @throws UserError where not all come in time
 */
export async function meet(meeting: Meeting, signal?: AbortSignal): Promise<(Peer | undefined)[]> {
  const { rank, size } = meeting;
  const peers = new Map<number, Peer>();
  const limit = AbortSignal.any([AbortSignal.timeout(patienceMs), ...(signal === undefined ? [] : [signal])]);
  const server = createServer();
  try {
    const awaited = accept(server, meeting, peers, limit);
    server.listen(addressOf(meeting, rank));
    await once(server, 'listening', { signal: limit });
    for (let lower = 0; lower < rank; lower++) {
      const socket = await connected(addressOf(meeting, lower), limit);
      socket.write(greeting(meeting));
      peers.set(lower, new Peer(socket, lower));
    }
    await awaited;
  } catch (error) {
    for (const peer of peers.values()) void peer.close();
    if (!limit.aborted || signal?.aborted) throw error;
    throw new UserError(
      `Of ${size} ranks, ${peers.size + 1} found each other within ${patienceMs / 1000} s; see what the others say, or use fewer.`,
      'resources',
      { cause: error },
    );
  } finally {
    server.close();
  }
  return Array.from({ length: size }, (_, other) => peers.get(other));
}

/** Resolves once all ranks after this one are there. */
function accept(server: Server, meeting: Meeting, peers: Map<number, Peer>, limit: AbortSignal): Promise<void> {
  const due = new Set(Array.from({ length: meeting.size - meeting.rank - 1 }, (_, i) => meeting.rank + 1 + i));
  const all = new Promise<void>((resolve, reject) => {
    if (due.size === 0) resolve();
    limit.addEventListener('abort', () => reject(limit.reason));
    server.on('error', reject);
    server.on('connection', (socket) => {
      greet(socket, meeting, due, (other) => {
        due.delete(other);
        peers.set(other, new Peer(socket, other));
        if (due.size === 0) resolve();
      });
    });
  });
  // Awaited only after others have been connected with.
  all.catch(() => undefined);
  return all;
}

/** Reads who it is that connects; those who do not say it rightly are turned away. */
function greet(socket: Socket, meeting: Meeting, due: ReadonlySet<number>, welcome: (rank: number) => void): void {
  const timer = setTimeout(() => socket.destroy(), greetingMs);
  const turnAway = (): void => {
    clearTimeout(timer);
    socket.destroy();
  };
  socket.on('error', turnAway);
  socket.once('close', () => clearTimeout(timer));
  const read = (): void => {
    const bytes: unknown = socket.read(greetingLength);
    if (!(bytes instanceof Uint8Array)) return;
    socket.removeListener('readable', read);
    clearTimeout(timer);
    const isKnown =
      bytes.length === greetingLength && timingSafeEqual(bytes.subarray(0, 32), Buffer.from(meeting.token, 'hex'));
    const rank = isKnown ? Buffer.from(bytes).readUint32LE(32) : -1;
    if (due.has(rank)) welcome(rank);
    else turnAway();
  };
  socket.on('readable', read);
}

/** A connection to a rank that may not yet listen. */
async function connected(address: string, limit: AbortSignal): Promise<Socket> {
  for (;;) {
    const socket = connect(address);
    try {
      await once(socket, 'connect', { signal: limit });
      return socket;
    } catch (error) {
      socket.destroy();
      if (limit.aborted) throw error;
    }
    await sleep(20, undefined, { signal: limit });
  }
}
