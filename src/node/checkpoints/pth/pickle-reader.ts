/** Something is wrong with a pickle. `truncated`: its bytes end before it does, more of the file may help. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
  readonly truncated: boolean;
  constructor(message: string, truncated = false) {
    super(message);
    this.truncated = truncated;
  }
}

/** Longest integer: PyTorch writes none above 10 bytes. Reading long ones takes more than linear time. */
const maxIntegerBytes = 64;
const maxIntegerDigits = 150;

/** Integers are numbers where these are exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Reads the arguments of pickle's operations, never beyond the bytes that are there. */
export class PickleReader {
  readonly #bytes: Buffer;
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** Position of the next `length` bytes, which are then behind. */
  #take(length: number): number {
    const start = this.position;
    if (length > this.#bytes.length - start) throw new PickleError(`it ends at byte ${this.#bytes.length}`, true);
    this.position = start + length;
    return start;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A length; beyond 2^53 it is longer than any file, and stays so when rounded. */
  uint64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  /** Big-endian, as an exception. */
  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  utf8(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A `str` of Python 2, which has no encoding; names are ASCII. */
  oldString(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  /** Little-endian, two's complement. */
  integer(length: number): number | bigint {
    if (length > maxIntegerBytes) throw new PickleError(`it has an integer of ${length} bytes`);
    if (length === 0) return 0;
    const bigEndian = Buffer.from(this.bytes(length)).reverse();
    return exact(BigInt.asIntN(length * 8, BigInt(`0x${bigEndian.toString('hex')}`)));
  }

  /** Up to the next line feed, which is skipped. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end === -1) throw new PickleError('one of its lines has no end', true);
    const text = this.oldString(end - this.position);
    this.position = end + 1;
    return text;
  }

  /** A line with a decimal integer; `L` at its end is Python 2's. */
  integerLine(): number | bigint {
    const text = this.line().trim().replace(/L$/, '');
    if (text.length > maxIntegerDigits || !/^[+-]?\d+$/.test(text)) {
      throw new PickleError('it has a line that should be an integer');
    }
    return exact(BigInt(text.replace(/^\+/, '')));
  }

  floatLine(): number {
    const text = this.line().trim();
    const special = /^([+-]?)(inf|nan)(inity)?$/i.exec(text);
    if (special !== null) {
      return special[2]?.toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
    }
    const value = Number(text);
    if (text === '' || Number.isNaN(value)) throw new PickleError('it has a line that should be a number');
    return value;
  }
}
