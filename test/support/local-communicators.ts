import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { LoopbackTransport } from '../../src/node/ranks/loopback-transport.js';
import { type Meeting, meet } from '../../src/node/ranks/meeting.js';

/** Ranks of this very process, connected over sockets as those of several are. */
export async function withCommunicators<T>(
  size: number,
  work: (ranks: readonly Communicator[], meeting: Meeting) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-test-ranks-'));
  const meeting = { size, folder, token: randomBytes(32).toString('hex') };
  const meetings = Array.from({ length: size }, (_, rank) => ({ ...meeting, rank }));
  const peers = await Promise.all(meetings.map((one) => meet(one)));
  // A bucket of few elements: arrays of a test have several.
  const transports = peers.map((all, rank) => new LoopbackTransport(rank, all, 7));
  try {
    return await work(
      transports.map((transport) => new Communicator(transport)),
      { ...meeting, rank: 0 },
    );
  } finally {
    await Promise.all(transports.map((transport) => transport.close()));
    await rm(folder, { recursive: true, force: true });
  }
}
