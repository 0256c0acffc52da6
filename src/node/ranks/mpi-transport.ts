import { Worker } from 'node:worker_threads';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { errorOf } from '../../common/sent-errors.js';
import { packageFile } from '../files/package-files.js';
import type { Launched } from './launcher.js';
import { beginning, type MpiAnswer, type MpiRequest, type MpiThreadData, type MpiWork } from './mpi-messages.js';
import { bucketLength } from './rank-order.js';
import type { Transport } from './transport.js';
import { setUpUcx } from './ucx-settings.js';

export interface MpiOptions {
  /** Who sums: this program, in the order of ranks (default), or the library, in an order of its own. */
  readonly allreduce?: 'rank-order' | 'native';
  /** Elements that are sent at once (default {@link bucketLength}). */
  readonly bucket?: number;
}

/** What is not yet answered. */
interface Waiting {
  readonly resolve: (answer: MpiAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** The thread that MPI's calls are made in, asked from here. */
class MpiThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = beginning;
  readonly exited: Promise<void>;
  readonly ready: Promise<MpiAnswer>;

  constructor(data: MpiThreadData) {
    this.#worker = new Worker(packageFile('dist/src/node/ranks/mpi-thread.js'), { workerData: data });
    this.exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (answer: MpiAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.type === 'failed') waiting?.reject(errorOf(answer.error));
      else waiting?.resolve(answer);
    });
    const end = (error: unknown): void => {
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#worker.on('error', end);
    this.#worker.on('exit', () => end(new Error('the thread of MPI ended unexpectedly')));
    this.ready = this.#answer(beginning);
  }

  ask(work: MpiWork): Promise<MpiAnswer> {
    const id = ++this.#asked;
    this.#worker.postMessage({ ...work, id } satisfies MpiRequest);
    return this.#answer(id);
  }

  #answer(id: number): Promise<MpiAnswer> {
    const answer = new Promise<MpiAnswer>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    // Whoever waits for an earlier one may have given up by then.
    answer.catch(() => undefined);
    return answer;
  }
}

/**
 * Joins the ranks that an MPI launcher started. Once a process, and before it starts other threads and processes.
 * @throws UserError where koffi or a fitting library is missing, or the launcher and the library do not know each other
 */
export async function joinMpi(
  launched: Launched,
  { allreduce = 'rank-order', bucket = bucketLength }: MpiOptions = {},
): Promise<Transport> {
  // Beside a bucket, room for segments that are longer than the last one needs, and for many ranks.
  const bytes = (bucket + 2 ** 20) * Float32Array.BYTES_PER_ELEMENT;
  const slots = [new SharedArrayBuffer(bytes), new SharedArrayBuffer(bytes)] as const;
  setUpUcx(process.env);
  const thread = new MpiThread({ vendor: launched.vendor, native: allreduce === 'native', slots });
  const ready = await thread.ready;
  if (ready.type !== 'ready') throw new Error('the thread of MPI did not begin');
  const { rank, size, name } = ready;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await thread.ask({ type: 'finish' });
    await thread.exited;
  };
  if (launched.size !== undefined && launched.size !== size) {
    await close();
    throw new UserError(
      `The launcher started ${launched.size} processes and ${name} knows of ${size}; use the launcher and the library of one vendor.`,
      'resources',
    );
  }
  const floats = slots.map((slot) => new Float32Array(slot, 0, bucket));
  return {
    rank,
    size,
    name,
    allgather: (own) => allgather(thread, slots, size, own),
    sum: (flat) => sum(thread, floats, flat),
    send: async (to, bytes) => {
      await thread.ask({ type: 'send', to, bytes });
    },
    receive: async (from) => {
      const answer = await thread.ask({ type: 'receive', from });
      if (answer.type !== 'received') throw new Error('the thread of MPI received nothing');
      return answer.bytes;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function allgather(
  thread: MpiThread,
  slots: MpiThreadData['slots'],
  size: number,
  own: Uint8Array,
): Promise<Uint8Array> {
  const all = new Uint8Array(own.length * size);
  const [sent, received] = [new Uint8Array(slots[0]), new Uint8Array(slots[1])];
  const most = Math.floor(received.length / size);
  for (let from = 0; from < own.length; from += most) {
    const part = own.subarray(from, from + most);
    sent.set(part);
    await thread.ask({ type: 'allgather', length: part.length });
    for (let rank = 0; rank < size; rank++) {
      all.set(received.subarray(rank * part.length, (rank + 1) * part.length), rank * own.length + from);
    }
  }
  return all;
}

/** While one bucket is under way, the next is copied into the other slot, and the one before out of it. */
async function sum(thread: MpiThread, slots: readonly Float32Array[], flat: Float32Array): Promise<void> {
  const { length } = itemAt(slots, 0);
  let before: (() => Promise<void>) | undefined;
  for (let from = 0; from < flat.length; from += length) {
    const bucket = flat.subarray(from, from + length);
    const slot = (from / length) % 2 === 0 ? 0 : 1;
    const memory = itemAt(slots, slot);
    memory.set(bucket);
    const done = thread.ask({ type: 'sum', slot, count: bucket.length });
    await before?.();
    before = async () => {
      await done;
      bucket.set(memory.subarray(0, bucket.length));
    };
  }
  await before?.();
}
