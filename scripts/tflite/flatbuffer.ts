/** The bytes are not what the format says. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/**
 * The bytes of a FlatBuffer (https://flatbuffers.dev/internals/), read strictly: every position is checked against the
 * end, every vector's length against the bytes that are left, so that nothing in a file makes us read or allocate beyond it.
 */
export class Flatbuffer {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param identifier four characters that say which format it is */
  root(identifier: string): Table {
    for (let i = 0; i < 4; i++) {
      if (this.uint8(4 + i) !== identifier.charCodeAt(i)) throw new FormatError(`it does not begin as ${identifier}`);
    }
    return new Table(this, this.follow(0));
  }

  /** An offset at `position` is relative to it, and leads forward. */
  follow(position: number): number {
    return position + this.uint32(position);
  }

  uint8(position: number): number {
    return this.#view.getUint8(this.#at(position, 1));
  }

  uint16(position: number): number {
    return this.#view.getUint16(this.#at(position, 2), true);
  }

  uint32(position: number): number {
    return this.#view.getUint32(this.#at(position, 4), true);
  }

  int32(position: number): number {
    return this.#view.getInt32(this.#at(position, 4), true);
  }

  /** Over the same memory. */
  bytes(position: number, length: number): Uint8Array {
    this.#at(position, length);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + position, length);
  }

  #at(position: number, length: number): number {
    if (position < 0 || position + length > this.#view.byteLength) {
      throw new FormatError(`it refers to byte ${position + length} of ${this.#view.byteLength}`);
    }
    return position;
  }
}

/** A table: fields by number, in the order of the schema; one that is absent has its default. */
export class Table {
  readonly #buffer: Flatbuffer;
  readonly #position: number;
  readonly #fields: number;
  readonly #fieldsEnd: number;

  constructor(buffer: Flatbuffer, position: number) {
    this.#buffer = buffer;
    this.#position = position;
    // Where the fields lie is told apart from the table, at a signed distance before it.
    this.#fields = position - buffer.int32(position);
    this.#fieldsEnd = this.#fields + buffer.uint16(this.#fields);
  }

  int8(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : (this.#buffer.uint8(at) << 24) >> 24;
  }

  uint8(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#buffer.uint8(at);
  }

  int32(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#buffer.int32(at);
  }

  uint32(field: number, otherwise = 0): number {
    const at = this.#field(field);
    return at === undefined ? otherwise : this.#buffer.uint32(at);
  }

  table(field: number): Table | undefined {
    const at = this.#field(field);
    return at === undefined ? undefined : new Table(this.#buffer, this.#buffer.follow(at));
  }

  /** @param most more are refused */
  tables(field: number, most: number): Table[] {
    const { start, length } = this.#vector(field, 4, most);
    return Array.from({ length }, (_, i) => new Table(this.#buffer, this.#buffer.follow(start + 4 * i)));
  }

  int32s(field: number, most: number): number[] {
    const { start, length } = this.#vector(field, 4, most);
    return Array.from({ length }, (_, i) => this.#buffer.int32(start + 4 * i));
  }

  /** Over the same memory. */
  bytes(field: number): Uint8Array {
    const { start, length } = this.#vector(field, 1, Number.POSITIVE_INFINITY);
    return this.#buffer.bytes(start, length);
  }

  /** UTF-8; what is not becomes U+FFFD. */
  string(field: number, most: number): string {
    const { start, length } = this.#vector(field, 1, most);
    return new TextDecoder().decode(this.#buffer.bytes(start, length));
  }

  #vector(field: number, elementBytes: number, most: number): { readonly start: number; readonly length: number } {
    const at = this.#field(field);
    if (at === undefined) return { start: 0, length: 0 };
    const position = this.#buffer.follow(at);
    const length = this.#buffer.uint32(position);
    if (length > most) throw new FormatError(`it lists ${length} where at most ${most} are read`);
    this.#buffer.bytes(position + 4, length * elementBytes);
    return { start: position + 4, length };
  }

  #field(field: number): number | undefined {
    const entry = this.#fields + 4 + 2 * field;
    if (entry + 2 > this.#fieldsEnd) return undefined;
    const offset = this.#buffer.uint16(entry);
    return offset === 0 ? undefined : this.#position + offset;
  }
}
