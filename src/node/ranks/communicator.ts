import * as z from 'zod';
import { messageOf, UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { parseJson } from '../../common/json.js';
import type { Reducer } from '../../train/reducer.js';
import { decodeHeader, encodeHeader, type Header, type HeaderKind, headerLength, shortLength } from './header.js';
import { longestMessage, type Transport } from './transport.js';

/** Bytes of a document that a rank may send: lists of what was left out may be long. */
const longestDocument = 2 ** 28;

/** Why a rank cannot go on. */
const failureSchema = z.object({
  message: z.string(),
  /** Of a `UserError`; null for a defect. */
  kind: z.enum(['input', 'usage', 'device', 'resources', 'diverged', 'interrupted']).nullable(),
});
type Failure = z.infer<typeof failureSchema>;

/**
 * The ranks of one program, which make the same calls in the same order. Whatever they do together begins with a word from each: so
 * a rank that fails tells all others, and none of them waits for it.
 */
export class Communicator implements Reducer {
  readonly #transport: Transport;
  #sequence = 0;
  /** Whether ranks have failed or taken leave: nothing is done together any more. */
  #ended = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get rank(): number {
    return this.#transport.rank;
  }

  get size(): number {
    return this.#transport.size;
  }

  /** What carries the bytes, in words. */
  get name(): string {
    return this.#transport.name;
  }

  /** @throws UserError where another rank has failed, with its sentence */
  async sum(flat: Float32Array): Promise<void> {
    if (this.size === 1) return;
    if (flat.length > shortLength) {
      await this.#meet('sum', flat.length);
      return this.#endedBy(this.#transport.sum(flat));
    }
    const headers = await this.#meet('sum', flat.length, flat);
    flat.set(itemAt(headers, 0).elements);
    for (const { elements } of headers.slice(1)) {
      for (const [i, value] of elements.entries()) flat[i] = itemAt(flat, i) + value;
    }
  }

  /**
   * A document of each rank, by rank.
   * @throws UserError where another rank has failed, with its sentence
   */
  async documents<T>(schema: z.ZodType<T>, own: T): Promise<T[]> {
    if (this.size === 1) return [own];
    const bytes = encoded(own);
    const headers = await this.#meet('documents', bytes.length);
    const texts = await this.#texts(headers, bytes);
    return texts.map((text, rank) => parseJson(text, schema, `What rank ${rank} sent`));
  }

  /** What rank 0 works out, for all. Where it fails, all do. It may be long: what a rank receives does not grow with their number. */
  async fromFirst<T>(schema: z.ZodType<T>, work: () => Promise<T>): Promise<T> {
    const own = this.rank === 0 ? await work() : undefined;
    if (this.size === 1 && own !== undefined) return own;
    const bytes = own === undefined ? new Uint8Array() : encoded(own);
    const length = itemAt(await this.documents(z.int().min(0).max(longestDocument), bytes.length), 0);
    // A sum to which the others add nothing. Whole numbers below 2^16 come through it as they are.
    const flat = new Float32Array(Math.ceil(length / 2));
    bytes.forEach((byte, i) => {
      flat[i >> 1] = itemAt(flat, i >> 1) + byte * 256 ** (i % 2);
    });
    await this.sum(flat);
    const all = Uint8Array.from({ length }, (_, i) => Math.floor(itemAt(flat, i >> 1) / 256 ** (i % 2)) % 256);
    return parseJson(new TextDecoder().decode(all), schema, 'What rank 0 sent');
  }

  /** Sends a document to one other rank, between what all do together. */
  async send(to: number, document: unknown): Promise<void> {
    const bytes = encoded(document);
    if (bytes.length > longestMessage) {
      throw new UserError(`A result takes ${bytes.length} bytes, too many for ranks; use one process.`, 'usage');
    }
    await this.#endedBy(this.#transport.send(to, bytes));
  }

  /** The next document that another rank sends. @throws UserError where it has gone */
  async receive<T>(schema: z.ZodType<T>, from: number): Promise<T> {
    const bytes = await this.#endedBy(this.#transport.receive(from));
    return parseJson(new TextDecoder().decode(bytes), schema, `What rank ${from} sent`);
  }

  /**
   * Tells the other ranks that this one cannot go on, wherever they are: they throw its sentence. Nothing where they know, or have failed
   * themselves. It never throws.
   */
  async fail(error: unknown): Promise<void> {
    if (this.#ended || this.size === 1) return;
    const kind = error instanceof UserError ? error.kind : null;
    const bytes = encoded({ message: messageOf(error), kind } satisfies Failure);
    try {
      await this.#meet('failed', bytes.length, undefined, bytes);
    } catch {
      // What the others say is theirs to tell.
    }
  }

  /** Takes leave of the other ranks, once all of them do; safe to call again. */
  async close(): Promise<void> {
    if (!this.#ended && this.size > 1) {
      await this.#meet('close', 0);
      this.#ended = true;
    }
    await this.#transport.close();
  }

  /** @param failure of this rank, told to all */
  async #meet(kind: HeaderKind, length: number, elements?: Float32Array, failure?: Uint8Array): Promise<Header[]> {
    if (this.#ended) throw new Error('the ranks of this program have parted');
    const sequence = this.#sequence++;
    const own = encodeHeader({ kind, sequence, length, elements: elements ?? new Float32Array() });
    const all = await this.#endedBy(this.#transport.allgather(own));
    const headers = Array.from({ length: this.size }, (_, rank) =>
      decodeHeader(all.subarray(rank * headerLength, (rank + 1) * headerLength)),
    );
    if (headers.some((header) => header.kind === 'failed')) await this.#failed(headers, failure);
    for (const [rank, header] of headers.entries()) {
      const isSame = header.kind === kind && header.sequence === sequence;
      if (isSame && (header.length === length || kind === 'documents')) continue;
      this.#ended = true;
      throw new Error(
        `rank ${this.rank} is at ${kind} ${sequence} of ${length}, rank ${rank} at ${header.kind} ${header.sequence} of ${header.length}`,
      );
    }
    return headers;
  }

  /** A transport that fails has lost somebody: nothing is done together any more. */
  async #endedBy<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  /** @throws the sentence of the first rank that failed, unless this one has failed itself */
  async #failed(headers: readonly Header[], failure: Uint8Array | undefined): Promise<void> {
    this.#ended = true;
    const lengths = headers.map((header) => ({ length: header.kind === 'failed' ? header.length : 0 }));
    const texts = await this.#texts(lengths, failure ?? new Uint8Array());
    const rank = headers.findIndex((header) => header.kind === 'failed');
    const { message, kind } = parseJson(itemAt(texts, rank), failureSchema, `What rank ${rank} sent`);
    const sentence = rank === this.rank ? message : `Rank ${rank}: ${message}`;
    throw kind === null ? new Error(sentence) : new UserError(sentence, kind);
  }

  /** What all ranks send, whose lengths are known. */
  async #texts(lengths: readonly { readonly length: number }[], own: Uint8Array): Promise<string[]> {
    const longest = Math.max(...lengths.map(({ length }) => length));
    if (longest > longestDocument) throw new Error(`a rank sends ${longest} bytes`);
    const padded = new Uint8Array(longest);
    padded.set(own);
    const all = await this.#endedBy(this.#transport.allgather(padded));
    const decoder = new TextDecoder();
    return lengths.map(({ length }, rank) => decoder.decode(all.subarray(rank * longest, rank * longest + length)));
  }
}

const encoded = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));
