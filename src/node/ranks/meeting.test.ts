import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Meeting, meet } from './meeting.js';
import { Peer } from './peer.js';

async function withFolder(work: (meeting: Omit<Meeting, 'rank'>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-meeting-'));
  try {
    await work({ size: 2, folder, token: randomBytes(32).toString('hex') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Connects as soon as somebody listens. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      await sleep(5);
    }
  }
}

test('whoever does not show the token is turned away, and the ranks find each other all the same', async () => {
  await withFolder(async (meeting) => {
    const first = meet({ ...meeting, rank: 0 });
    const right = Buffer.from(meeting.token, 'hex');
    const strangers = [
      Buffer.concat([randomBytes(32), Buffer.from([1, 0, 0, 0])]),
      // The token, and a rank that is not due.
      Buffer.concat([right, Buffer.from([0, 0, 0, 0])]),
      Buffer.concat([right, Buffer.from([2, 0, 0, 0])]),
      Buffer.concat([right, Buffer.from([255, 255, 255, 255])]),
      randomBytes(1000),
    ];
    for (const bytes of strangers) {
      const socket = await connected(join(meeting.folder, '0.sock'));
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(bytes);
      await once(socket, 'close');
    }
    // Goes again without a word.
    (await connected(join(meeting.folder, '0.sock'))).destroy();
    const second = await meet({ ...meeting, rank: 1 });
    const peers = await first;
    assert.deepEqual(
      [peers, second].map((all) => all.map((peer) => peer !== undefined)),
      [
        [false, true],
        [true, false],
      ],
    );
    await Promise.all([...peers, ...second].map((peer) => peer?.close()));
  });
});

test('the folder of the sockets is nobody else to enter', async () => {
  await withFolder(async ({ folder }) => {
    assert.equal((await stat(folder)).mode & 0o077, 0);
  });
});

/** Both ends of a connection. */
async function connection(): Promise<{ readonly peer: Peer; readonly other: Socket; readonly end: () => void }> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const other = connect(address.port);
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { peer: new Peer(socket, 1), other, end: () => [socket, other].forEach((one) => void one.destroy()) };
}

test('a message of another length than is due is an error, whatever it says', async () => {
  for (const prefix of [
    [0, 0, 0, 0],
    [3, 0, 0, 0],
    [255, 255, 255, 255],
  ]) {
    const { peer, other, end } = await connection();
    other.write(Buffer.from([...prefix, 1, 2, 3, 4]));
    await assert.rejects(peer.receive(new Uint8Array(4)), /rank 1 sent \d+ bytes where 4 were due/);
    end();
  }
});

test('messages come whole, however they were cut on their way', async () => {
  const { peer, other, end } = await connection();
  const bytes = randomBytes(1000);
  for (const byte of Buffer.concat([Buffer.from([232, 3, 0, 0]), bytes])) other.write(Buffer.from([byte]));
  const into = new Uint8Array(1000);
  await peer.receive(into);
  assert.deepEqual(Buffer.from(into), bytes);
  end();
});

test('a rank that has gone is a sentence, in the middle of a message too', async () => {
  const { peer, other, end } = await connection();
  other.write(Buffer.from([4, 0, 0, 0, 1]));
  const due = peer.receive(new Uint8Array(4));
  other.destroy();
  const gone = { name: 'UserError', kind: 'resources', message: /^Rank 1 ended unexpectedly/ };
  await assert.rejects(due, gone);
  await assert.rejects(peer.receive(new Uint8Array(4)), gone);
  end();
});
