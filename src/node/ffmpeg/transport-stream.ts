import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { UserError } from '../../common/errors.js';
import { firstBytesOf, kindBytes } from './kind.js';

/** Bytes of a packet of an MPEG transport stream, with its time where there is one; undefined for anything else. */
function packetBytes(first: Uint8Array): number | undefined {
  const sync = (...offsets: readonly number[]): boolean => offsets.every((offset) => first[offset] === 0x47);
  if (sync(0, 188)) return 188;
  return sync(4, 196) ? 192 : undefined;
}

const isCut = (first: Uint8Array, size: number): boolean => {
  const packet = packetBytes(first);
  return packet !== undefined && size % packet !== 0;
};

/**
 * Whether an MPEG transport stream ends within a packet. It says nowhere how long it is, so that ffmpeg takes its end for that
 * of the video wherever it is cut.
 */
export async function endsWithinPacket(path: string): Promise<boolean> {
  const first = await firstBytesOf(path);
  return first instanceof Uint8Array && isCut(first, (await stat(path)).size);
}

/** The same for bytes as they come: they are handed on as they are, and looked at in passing. */
export class PassingBytes implements AsyncIterable<Uint8Array> {
  readonly #given: AsyncIterable<Uint8Array>;
  readonly #source: AsyncIterator<Uint8Array>;
  /** Read to know the beginning, and not handed on yet. */
  readonly #held: Uint8Array[] = [];
  #first: Uint8Array = new Uint8Array(0);
  #size = 0;
  #ended = false;
  readonly #onDestroy: () => void;

  /** @param onDestroy of what the source is made of: it does not see that nothing more is wanted while it waits for that */
  constructor(source: AsyncIterable<Uint8Array>, onDestroy: () => void = () => undefined) {
    this.#given = source;
    this.#source = source[Symbol.asyncIterator]();
    this.#onDestroy = onDestroy;
  }

  /** Nothing more is wanted. A stream that says nothing, as a pipe whose writer sleeps, hears of it in no other way. */
  destroy(): void {
    this.#onDestroy();
    if (this.#given instanceof Readable) this.#given.destroy();
    else if (!this.#ended) void this.#return();
  }

  /** Others than streams hear of it once what they wait for has come; nobody waits for what they say to it. */
  async #return(): Promise<void> {
    try {
      await this.#source.return?.();
    } catch {
      // Nor would its failure change anything.
    }
  }

  /** The first `kindBytes`, or fewer where there are no more. They are handed on all the same. */
  async beginning(): Promise<Uint8Array> {
    while (this.#first.length < kindBytes && !this.#ended) {
      const chunk = await this.#next();
      if (chunk !== undefined) this.#held.push(chunk);
    }
    return this.#first;
  }

  /** Whether all have passed, and the last packet is not whole. */
  endWithinPacket(): boolean {
    return this.#ended && this.#held.length === 0 && isCut(this.#first, this.#size);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        const chunk = this.#held.shift() ?? (await this.#next());
        if (chunk === undefined) break;
        yield chunk;
      }
    } finally {
      if (!this.#ended) await this.#source.return?.();
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    const { done, value } = await this.#source.next();
    if (done === true) {
      this.#ended = true;
      return undefined;
    }
    if (!(value instanceof Uint8Array)) {
      throw new UserError(`A video's bytes come as Uint8Array, not as ${typeof value}; do not decode them.`, 'usage');
    }
    const missing = kindBytes - this.#first.length;
    if (missing > 0) this.#first = Buffer.concat([this.#first, value.subarray(0, missing)]);
    this.#size += value.length;
    return value;
  }
}
