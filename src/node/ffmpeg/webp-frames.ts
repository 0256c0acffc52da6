import { UserError } from '../../common/errors.js';
import { decodeWithAlpha } from '../decode/decode.js';
import { ByteReader } from './byte-reader.js';

/** A frame of an animation: a part of the canvas that changes. */
export interface AnimationFrame {
  /** Pixels of the canvas from its top left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** For how long it is shown, at least 20. */
  readonly milliseconds: number;
  /** It is laid over what is there by its transparency; otherwise it takes its place. */
  readonly blend: boolean;
  /** Its part of the canvas becomes transparent after it. */
  readonly cleared: boolean;
}

/** The same with its picture: RGBA, `4 * width * height` bytes. */
export interface DecodedFrame extends AnimationFrame {
  readonly data: Uint8Array;
}

interface StoredFrame extends AnimationFrame {
  /** The picture as a file of its own. */
  readonly file: Buffer;
}

export interface Canvas {
  readonly width: number;
  readonly height: number;
}

/** As browsers do: a shorter time is none that anybody meant. */
const [leastMilliseconds, usualMilliseconds] = [20, 100] as const;
/** Chunks besides frames. */
const maxOthers = 1000;

/**
 * Reads an animated WebP as it comes, a frame at a time: memory does not grow with their number, and time not faster than it. libvips goes through all
 * frames before the one that it is asked for.
 */
export class WebpFrames {
  readonly #reader: ByteReader;
  readonly #name: string;
  readonly #maxPixels: number;

  /**
   * @param name what messages call it
   * @param maxPixels of the canvas
   */
  constructor(bytes: AsyncIterable<Uint8Array>, name: string, maxPixels: number) {
    this.#reader = new ByteReader(bytes);
    this.#name = name;
    this.#maxPixels = maxPixels;
  }

  /** To be called first. @throws UserError where it is no animated WebP, or its canvas is too large */
  async canvas(): Promise<Canvas> {
    try {
      return await this.#canvas();
    } catch (error) {
      await this.#reader.close();
      throw error;
    }
  }

  async #canvas(): Promise<Canvas> {
    // RIFF, its length, WEBP, and a first chunk of 10 bytes that says what follows.
    const head = (await this.#reader.read(30)) ?? Buffer.alloc(30);
    if (head.toString('latin1', 8, 16) !== 'WEBPVP8X') throw this.#failure('is no animated WebP; give it as a picture');
    const [width, height] = [1 + head.readUIntLE(24, 3), 1 + head.readUIntLE(27, 3)];
    if (width * height > this.#maxPixels) {
      throw this.#failure(`has frames of more than ${this.#maxPixels} pixels, which are not read; make it smaller`);
    }
    return { width, height };
  }

  /** The frames without their pictures. @throws UserError after the last whole frame, where the file ends early or is damaged */
  async *times(canvas: Canvas): AsyncGenerator<AnimationFrame, void, void> {
    yield* this.#stored(canvas);
  }

  /** @throws UserError as `times` does, and where a picture cannot be decoded */
  async *frames(canvas: Canvas): AsyncGenerator<DecodedFrame, void, void> {
    let count = 0;
    for await (const { file, ...frame } of this.#stored(canvas)) {
      const picture = await decodeWithAlpha(file, { name: `Frame ${++count} of ${this.#name}` });
      if (picture.width !== frame.width || picture.height !== frame.height) {
        throw this.#failure(`is damaged (frame ${count} is not as large as it says)`);
      }
      yield { ...frame, data: picture.data };
    }
  }

  async *#stored(canvas: Canvas): AsyncGenerator<StoredFrame, void, void> {
    try {
      yield* this.#storedIn(canvas);
    } finally {
      await this.#reader.close();
    }
  }

  async *#storedIn(canvas: Canvas): AsyncGenerator<StoredFrame, void, void> {
    let others = 0;
    for (;;) {
      const head = await this.#reader.read(8);
      if (head === undefined) return;
      const [type, length] = [head.toString('latin1', 0, 4), head.readUInt32LE(4)];
      const padded = length + (length % 2);
      if (type !== 'ANMF') {
        if (++others > maxOthers) throw this.#failure(`is damaged (more than ${maxOthers} chunks that are no frames)`);
        if (!(await this.#reader.skip(padded))) return;
        continue;
      }
      // No coded frame is larger than its pixels are, and some bytes.
      if (length < 24 || length > 4 * canvas.width * canvas.height + 65_536) {
        throw this.#failure(`is damaged (a frame of ${length} bytes)`);
      }
      const chunk = await this.#reader.read(length);
      if (chunk === undefined) throw this.#failure('is cut short; what came before was read');
      await this.#reader.skip(padded - length);
      yield this.#frameOf(chunk, canvas);
    }
  }

  #frameOf(chunk: Buffer, canvas: Canvas): StoredFrame {
    const [x, y] = [2 * chunk.readUIntLE(0, 3), 2 * chunk.readUIntLE(3, 3)];
    const [width, height] = [1 + chunk.readUIntLE(6, 3), 1 + chunk.readUIntLE(9, 3)];
    if (x + width > canvas.width || y + height > canvas.height) {
      throw this.#failure('is damaged (a frame reaches beyond its canvas)');
    }
    const time = chunk.readUIntLE(12, 3);
    const flags = chunk.readUInt8(15);
    return {
      ...{ x, y, width, height },
      milliseconds: time < leastMilliseconds ? usualMilliseconds : time,
      blend: (flags & 2) === 0,
      cleared: (flags & 1) !== 0,
      file: stillOf(chunk.subarray(16), width, height),
    };
  }

  #failure(what: string): UserError {
    return new UserError(`${this.#name} ${what}.`);
  }
}

/** A WebP of one picture, of the chunks of a frame: its transparency and its pixels. */
function stillOf(chunks: Buffer, width: number, height: number): Buffer {
  const parts = new Map<string, Buffer>();
  for (let at = 0; at + 8 <= chunks.length; ) {
    const [type, length] = [chunks.toString('latin1', at, at + 4), chunks.readUInt32LE(at + 4)];
    const end = at + 8 + length + (length % 2);
    if (/^(ALPH|VP8 |VP8L)$/.test(type) && !parts.has(type)) parts.set(type, chunks.subarray(at, end));
    at = end;
  }
  const about = Buffer.alloc(18);
  about.write('VP8X', 'latin1');
  about.writeUInt32LE(10, 4);
  about.writeUInt8(0x10, 8);
  about.writeUIntLE(width - 1, 12, 3);
  about.writeUIntLE(height - 1, 15, 3);
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), about, ...parts.values()]);
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}
