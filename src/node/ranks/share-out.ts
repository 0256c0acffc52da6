import * as z from 'zod';
import { isOfKind, UserError } from '../../common/errors.js';
import { Feed } from '../../common/feed.js';
import { itemAt } from '../../common/item-at.js';
import { whenAborted } from '../../common/signals.js';
import type { Communicator } from './communicator.js';

/**
 * Units of work given to ranks as they become free, the first rank among them, whose results the first rank gets in the order of the units.
 */

/**
 * Works on units as they come.
 * @param stop ends a unit early, where one takes long; all units that come have a result all the same
 * @returns a document for each, in their order
 */
export type UnitWork<Unit> = (units: AsyncIterable<Unit>, stop: AbortSignal) => AsyncIterable<object>;

export interface WorkToShare<Unit> {
  /** Documents. */
  readonly units: readonly Unit[];
  /** Units that a rank has at a time: one is worked on, others are read. */
  readonly ahead: number;
  readonly work: UnitWork<Unit>;
  /** Ends the work behind the units that ranks have. */
  readonly stop: AbortSignal;
}

/** What became of a unit, as JSON. */
export interface UnitResult {
  readonly unit: number;
  readonly json: string;
  /** What to call it in errors. */
  readonly source: string;
}

const toRank = z.discriminatedUnion('type', [
  z.object({ type: z.literal('unit'), unit: z.json() }),
  z.object({ type: z.literal('stop') }),
  z.object({ type: z.literal('end') }),
]);
const toFirst = z.discriminatedUnion('type', [
  z.object({ type: z.literal('result'), json: z.string() }),
  z.object({ type: z.literal('stop') }),
  /** It cannot go on; why, it tells when all ranks do something together next. */
  z.object({ type: z.literal('failed') }),
  /** Behind everything else that it sends. */
  z.object({ type: z.literal('left') }),
]);

/** Bytes of results that wait for an earlier one: with so many no more units are given out. */
const mostHeld = 64 * 1024 * 1024;

/**
 * Gives out the units, in their order, and the results in the same order. Results of later units wait for earlier ones in memory that
 * is bounded. For rank 0, while all others call `takePart`.
 * @throws UserError where another rank has failed or is lost, with its sentence
 */
export async function* shareOut<Unit>(
  ranks: Communicator,
  { units, ahead, work, stop }: WorkToShare<Unit>,
  held = mostHeld,
): AsyncGenerator<UnitResult, void, void> {
  const others = Array.from({ length: ranks.size - 1 }, (_, i) => i + 1);
  /** Units of each rank that have no result, in the order in which it gives them. */
  const given = Array.from({ length: ranks.size }, (): number[] => []);
  const waiting = new Map<number, UnitResult>();
  const own = new Feed<Unit>();
  const stopping = new AbortController();
  let [next, due, bytes] = [0, 0, 0];
  let failure: { readonly error: unknown } | undefined;
  let isDone = false;
  let changed: () => void = () => undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    changed();
  };

  const give = (rank: number, unit: Unit): void => {
    if (rank === 0) own.add(unit);
    else ranks.send(rank, { type: 'unit', unit }).catch(fail);
  };
  const giveOut = (): void => {
    while (!stopping.signal.aborted && failure === undefined && next < units.length && bytes < held) {
      // Towards the end ranks have few, so that none has many when the others have none.
      const most = Math.max(1, Math.min(ahead, Math.ceil((units.length - next) / (2 * ranks.size))));
      const counts = given.map(({ length }) => length);
      const least = Math.min(...counts);
      if (least >= most) return;
      const rank = counts.indexOf(least);
      itemAt(given, rank).push(next);
      give(rank, itemAt(units, next++));
    }
  };
  const arrived = (rank: number, json: string): void => {
    const unit = itemAt(given, rank).shift();
    if (unit === undefined) {
      fail(new Error(`rank ${rank} has a result of nothing`));
      return;
    }
    waiting.set(unit, { unit, json, source: `What rank ${rank} sent` });
    bytes += json.length;
    giveOut();
    changed();
  };
  const stopAll = (): void => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    for (const rank of others) ranks.send(rank, { type: 'stop' }).catch(fail);
    changed();
  };
  /** Until a rank has left, or is lost. */
  const listen = async (rank: number): Promise<void> => {
    for (;;) {
      const message = await ranks.receive(toFirst, rank);
      if (message.type === 'result') arrived(rank, message.json);
      else if (message.type === 'stop') stopAll();
      else if (message.type === 'failed') fail(undefined);
      else return;
    }
  };
  const working = (async () => {
    for await (const result of work(own, stopping.signal)) arrived(0, JSON.stringify(result));
  })();
  working.catch(fail);
  const release = whenAborted(stop, stopAll);
  const left = others.map((rank) => listen(rank).catch((error: unknown) => fail(lost(rank, error))));
  try {
    if (stop.aborted) stopAll();
    giveOut();
    while (failure === undefined) {
      const result = waiting.get(due);
      if (result !== undefined) {
        waiting.delete(due++);
        bytes -= result.json.length;
        giveOut();
        yield result;
      } else if (given.every(({ length }) => length === 0)) {
        isDone = true;
        break;
      } else {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    }
  } finally {
    release();
    own.drop();
    // Whoever ends here early wants nothing of what is under way.
    if (!isDone) stopping.abort();
    for (const rank of others) ranks.send(rank, { type: 'end' }).catch(fail);
    await Promise.all(left);
    await working.catch(fail);
  }
  if (failure?.error !== undefined) throw failure.error;
  // Where a rank has failed, it tells here why.
  await ranks.documents(z.null(), null);
}

/** A rank that is gone, for those who have nothing to go on from. */
function lost(rank: number, error: unknown): unknown {
  if (!isOfKind(error, 'resources')) return error;
  const sentence = `Rank ${rank} ended unexpectedly: it was killed, or memory ran out; do all of it again.`;
  return new UserError(sentence, 'resources', { cause: error });
}

/**
 * Works on what the first rank gives out.
 * @param unit what a unit looks like
 */
export async function takePart<Unit>(
  ranks: Communicator,
  unit: z.ZodType<Unit>,
  { work, stop }: Pick<WorkToShare<Unit>, 'work' | 'stop'>,
): Promise<void> {
  const own = new Feed<Unit>();
  const stopping = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  let last = Promise.resolve();
  let isEnded = false;
  const tell = (message: z.infer<typeof toFirst>): Promise<void> => {
    last = last.then(() => ranks.send(0, message));
    return last;
  };
  const fail = (error: unknown): void => {
    if (failure !== undefined || isEnded) return;
    failure = { error };
    tell({ type: 'failed' }).catch(() => undefined);
  };
  const working = (async () => {
    for await (const result of work(own, stopping.signal)) {
      if (isEnded) return;
      await tell({ type: 'result', json: JSON.stringify(result) });
    }
  })().catch(fail);
  const release = whenAborted(stop, () => void tell({ type: 'stop' }).catch(fail));
  try {
    if (stop.aborted) await tell({ type: 'stop' });
    for (;;) {
      const message = await ranks.receive(toRank, 0);
      if (message.type === 'end') break;
      if (message.type === 'stop') stopping.abort();
      else own.add(unit.parse(message.unit));
    }
  } finally {
    isEnded = true;
    release();
    own.drop();
    stopping.abort();
  }
  await tell({ type: 'left' });
  await working;
  if (failure !== undefined) throw failure.error;
  await ranks.documents(z.null(), null);
}
