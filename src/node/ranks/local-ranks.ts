import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { localRankVariable as variable } from './launcher.js';
import { LoopbackTransport } from './loopback-transport.js';
import { type Meeting, meet } from './meeting.js';
import type { Transport } from './transport.js';

const meetingSchema = z.object({
  rank: z.int().min(1),
  size: z.int().min(2).max(1024),
  folder: z.string().min(1),
  token: z.string().regex(/^[0-9a-f]{64}$/),
});

/** How this process was started, if as a rank of another one. @throws UserError where the environment was tampered with */
export function localRank(env: Readonly<Record<string, string | undefined>>): Meeting | undefined {
  const text = env[variable];
  return text === undefined ? undefined : parseJson(text, meetingSchema, `The variable ${variable}`);
}

/** Joins the ranks of the process that started this one. Without that process this one ends. */
export async function joinLocal(meeting: Meeting, bucket?: number): Promise<Transport> {
  const orphaned = (): void => {
    process.exit(1);
  };
  process.once('disconnect', orphaned);
  process.channel?.unref();
  const transport = new LoopbackTransport(meeting.rank, await meet(meeting), bucket);
  return withClosing(transport, async () => {
    process.removeListener('disconnect', orphaned);
    if (process.connected) process.disconnect();
  });
}

/**
 * Starts this program as often as is needed, with its own arguments, and joins the processes; this one is rank 0.
 * @throws UserError where one of them does not come
 */
export async function startLocal(size: number, bucket?: number): Promise<Transport> {
  // Nobody else may enter a folder of `mkdtemp`.
  const folder = await mkdtemp(join(tmpdir(), 'poster-ranks-'));
  const token = randomBytes(32).toString('hex');
  const failed = new AbortController();
  const children = Array.from({ length: size - 1 }, (_, i) => {
    const rank = i + 1;
    const child = startRank({ rank, size, folder, token });
    child.once('error', (error) => failed.abort(error));
    child.once('exit', () =>
      failed.abort(new UserError(`Rank ${rank} ended before it started; see its message.`, 'resources')),
    );
    return child;
  });
  const removed = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const transport = new LoopbackTransport(0, await meet({ rank: 0, size, folder, token }, failed.signal), bucket);
    return withClosing(transport, () => allEnded(children));
  } catch (error) {
    for (const child of children) child.kill();
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await removed();
  }
}

function startRank(meeting: Meeting): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, [variable]: JSON.stringify(meeting) },
    // Rank 0 alone speaks; what the system says about another one, somebody should see.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function withClosing(transport: Transport, then: () => Promise<void>): Transport {
  let closing: Promise<void> | undefined;
  return {
    rank: transport.rank,
    size: transport.size,
    name: transport.name,
    allgather: (own) => transport.allgather(own),
    sum: (flat) => transport.sum(flat),
    send: (to, bytes) => transport.send(to, bytes),
    receive: (from) => transport.receive(from),
    close: () => {
      closing ??= transport.close().then(then);
      return closing;
    },
  };
}

/** How long a process may take to end after it has taken leave. */
const patienceMs = 5000;

async function allEnded(children: readonly ChildProcess[]): Promise<void> {
  const ended = children.map(
    (child) =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
        child.once('exit', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  );
  await Promise.all(ended);
}
