import { itemAt } from '../../common/item-at.js';
import type { Peer } from './peer.js';
import { addInOrder, bucketLength, segmentLength } from './rank-order.js';
import type { Transport } from './transport.js';

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Ranks on one machine, each connected with every other one: for machines without MPI, and for tests. */
export class LoopbackTransport implements Transport {
  readonly name = 'processes of one machine';
  readonly rank: number;
  readonly size: number;
  /** By rank; undefined is this one. */
  readonly #peers: readonly (Peer | undefined)[];
  readonly #bucket: number;
  #closing: Promise<void> | undefined;

  constructor(rank: number, peers: readonly (Peer | undefined)[], bucket = bucketLength) {
    this.rank = rank;
    this.size = peers.length;
    this.#peers = peers;
    this.#bucket = bucket;
  }

  async allgather(own: Uint8Array): Promise<Uint8Array> {
    const { length } = own;
    const all = new Uint8Array(length * this.size);
    all.set(own, this.rank * length);
    await this.#withEach(
      () => own,
      (rank) => all.subarray(rank * length, (rank + 1) * length),
    );
    return all;
  }

  async sum(flat: Float32Array): Promise<void> {
    for (let from = 0; from < flat.length; from += this.#bucket) {
      await this.#sumBucket(flat.subarray(from, from + this.#bucket));
    }
  }

  send(to: number, bytes: Uint8Array): Promise<void> {
    return this.#other(to).send(bytes);
  }

  receive(from: number): Promise<Uint8Array> {
    return this.#other(from).receiveAny();
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#peers.map((peer) => peer?.close())).then(() => undefined);
    return this.#closing;
  }

  #other(rank: number): Peer {
    const peer = itemAt(this.#peers, rank);
    if (peer === undefined) throw new Error('a rank sends itself nothing');
    return peer;
  }

  async #sumBucket(bucket: Float32Array): Promise<void> {
    const segment = segmentLength(bucket.length, this.size);
    const of = (rank: number): Float32Array => bucket.subarray(rank * segment, (rank + 1) * segment);
    const own = of(this.rank);
    const parts = new Float32Array(own.length * this.size);
    const part = (rank: number): Float32Array => parts.subarray(rank * own.length, (rank + 1) * own.length);
    part(this.rank).set(own);
    await this.#withEach(
      (rank) => bytesOf(of(rank)),
      (rank) => bytesOf(part(rank)),
    );
    if (own.length > 0) addInOrder(parts, own);
    await this.#withEach(
      () => bytesOf(own),
      (rank) => bytesOf(of(rank)),
    );
  }

  /** Sends every other rank something and receives as much as is due, all at the same time. */
  async #withEach(sent: (rank: number) => Uint8Array, received: (rank: number) => Uint8Array): Promise<void> {
    const works: Promise<void>[] = [];
    for (let rank = 0; rank < this.size; rank++) {
      const peer = itemAt(this.#peers, rank);
      if (peer === undefined) continue;
      works.push(peer.receive(received(rank)), peer.send(sent(rank)));
    }
    await Promise.all(works);
  }
}
