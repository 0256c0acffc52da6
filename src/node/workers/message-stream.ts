import type { Duplex } from 'node:stream';
import { Deserializer, Serializer } from 'node:v8';
import type { Transferred } from '../../common/parcel.js';
import { transferList } from './thread-data.js';

/*
 * Messages over a stream between two processes, as structured clones. Memory that is given along, such as pictures, is written as it
 * is, beside the rest of its message. The channel of `fork` copies it several times, and the garbage that this leaves pauses the event loop.
 *
 * A message is the number of its parts, the bytes of each, and the parts: the clone first, then what is given along.
 */

/** Bytes of a number. */
const word = 4;

/** Writes a message; memory that is given along must stay as it is until it is written. @throws for what cannot be cloned */
export function writeMessage(stream: Duplex, message: unknown, transfer: readonly Transferred[] = []): void {
  const memory = transferList(transfer);
  const serializer = new Serializer();
  for (const [i, buffer] of memory.entries()) serializer.transferArrayBuffer(i, buffer);
  serializer.writeHeader();
  serializer.writeValue(message);
  const parts = [serializer.releaseBuffer(), ...memory.map((buffer) => Buffer.from(buffer))];
  const head = Buffer.alloc(word * (1 + parts.length));
  head.writeUInt32LE(parts.length);
  for (const [i, { length }] of parts.entries()) head.writeUInt32LE(length, word * (1 + i));
  stream.cork();
  for (const part of [head, ...parts]) stream.write(part);
  stream.uncork();
}

/** Calls back with each message that comes. */
export function readMessages(stream: Duplex, callback: (message: unknown) => void): void {
  const reader = new MessageReader(callback);
  stream.on('data', (piece: Buffer) => reader.take(piece));
}

/** Memory of one part of a message, which comes in pieces. */
class Part {
  readonly bytes: Buffer<ArrayBuffer>;
  #filled = 0;

  constructor(length: number) {
    // Of its own: memory of Node's pool cannot be given along.
    this.bytes = Buffer.from(new ArrayBuffer(length));
  }

  get isWhole(): boolean {
    return this.#filled === this.bytes.length;
  }

  /** @returns the bytes of a piece that are not for it */
  take(piece: Buffer): Buffer {
    const used = piece.copy(this.bytes, this.#filled);
    this.#filled += used;
    return piece.subarray(used);
  }
}

class MessageReader {
  readonly #callback: (message: unknown) => void;
  #part = new Part(word);
  /** Those that are whole. */
  #parts: Part[] = [];
  /** Bytes of those that follow the one that comes; undefined where that has the number or the bytes of the parts. */
  #lengths: number[] | undefined;
  #isCount = true;

  constructor(callback: (message: unknown) => void) {
    this.#callback = callback;
  }

  take(piece: Buffer): void {
    let rest = piece;
    do {
      rest = this.#part.take(rest);
      if (this.#part.isWhole) this.#next();
    } while (rest.length > 0);
  }

  #next(): void {
    const { bytes } = this.#part;
    if (this.#isCount) {
      this.#isCount = false;
      this.#part = new Part(word * bytes.readUInt32LE());
      return;
    }
    if (this.#lengths === undefined) {
      this.#lengths = Array.from({ length: bytes.length / word }, (_, i) => bytes.readUInt32LE(word * i));
    } else this.#parts.push(this.#part);
    const length = this.#lengths.shift();
    if (length !== undefined) this.#part = new Part(length);
    else this.#end();
    // Of no bytes: nothing comes for it.
    if (!this.#isCount && this.#part.isWhole) this.#next();
  }

  #end(): void {
    const [clone, ...memory] = this.#parts;
    [this.#part, this.#parts, this.#lengths, this.#isCount] = [new Part(word), [], undefined, true];
    if (clone === undefined) throw new Error('a message without a part');
    const deserializer = new Deserializer(clone.bytes);
    for (const [i, { bytes }] of memory.entries()) deserializer.transferArrayBuffer(i, bytes.buffer);
    deserializer.readHeader();
    this.#callback(deserializer.readValue());
  }
}
