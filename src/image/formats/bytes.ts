/** A header that contradicts itself, or that ends in the middle: told as a picture that is damaged. */
export class HeaderError extends Error {}

/** Numbers and text of a file's bytes, which may be hostile: what lies behind their end is a `HeaderError`. */
export class Bytes {
  readonly all: Uint8Array;
  readonly #view: DataView;

  constructor(all: Uint8Array) {
    this.all = all;
    this.#view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  }

  get length(): number {
    return this.all.byteLength;
  }

  u8(at: number): number {
    this.#check(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number, littleEndian = false): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, littleEndian);
  }

  u24(at: number, littleEndian = false): number {
    return littleEndian ? this.u16(at, true) + this.u8(at + 2) * 0x1_0000 : this.u8(at) * 0x1_0000 + this.u16(at + 1);
  }

  u32(at: number, littleEndian = false): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, littleEndian);
  }

  /** @throws HeaderError also for a number that is no exact one in JavaScript */
  u64(at: number, littleEndian = false): number {
    this.#check(at, 8);
    const value = Number(this.#view.getBigUint64(at, littleEndian));
    if (!Number.isSafeInteger(value)) throw new HeaderError(`a length of ${value} bytes`);
    return value;
  }

  /** One character for each byte; shorter at the end of the file. */
  text(at: number, length: number): string {
    return String.fromCharCode(...this.all.subarray(at, at + length));
  }

  #check(at: number, length: number): void {
    if (at < 0 || at + length > this.length) throw new HeaderError('its header ends early');
  }
}
