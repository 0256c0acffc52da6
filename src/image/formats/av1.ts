import { type Bytes, HeaderError } from './bytes.js';
import type { Extent } from './heif-items.js';

/** What a stream of AV1 makes the decoder do. */
export interface Av1Stream {
  /** The largest frame of any sequence header; 0 without one. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Bytes of memory that a pixel takes while decoding. */
  readonly pixelBytes: number;
}

/** How much of AV1 is still read of a file: its streams may all name the same bytes, which a limit for each does not see. */
export interface Av1Budget {
  units: number;
  /** Reading one takes as long as some ten other units. */
  sequenceHeaders: number;
}

const maxUnits = 100_000;
const maxSequenceHeaders = 10_000;

/** Bytes of a file for each sequence header: a tile takes more, with its pixels and its place among the items. */
const tileBytes = 32;

/** For all streams of a file: no more than there can be side by side in its bytes, so that the work grows with these only. */
export const av1Budget = (file: Bytes): Av1Budget => ({
  units: Math.min(maxUnits, file.length),
  sequenceHeaders: Math.min(maxSequenceHeaders, Math.ceil(file.length / tileBytes)),
});

/**
 * Size and number of the frames of a stream (AV1 specification, 5.3 to 5.5): a file may say another size outside of it.
 * @param budget of all streams of the file
 * @throws HeaderError where it is damaged, or there is more in the file than the budget allows
 */
export function av1Stream(file: Bytes, extents: readonly Extent[], budget: Av1Budget): Av1Stream {
  let [width, height, frames, pixelBytes] = [0, 0, 0, 0];
  for (const { start, end } of extents) {
    for (let at = start; at < end; ) {
      budget.units -= 1;
      if (budget.units < 0) throw new HeaderError('more units of AV1 than its bytes are worth');
      const header = file.u8(at);
      const type = (header >> 3) & 15;
      at += (header & 4) === 0 ? 1 : 2;
      let length = end - at;
      if ((header & 2) !== 0) {
        const size = leb128(file, at);
        at += size.bytes;
        length = size.value;
      }
      if (type === 1) {
        budget.sequenceHeaders -= 1;
        if (budget.sequenceHeaders < 0) throw new HeaderError('more headers of AV1 than its bytes are worth');
        const sequence = sequenceHeader(file, at);
        width = Math.max(width, sequence.width);
        height = Math.max(height, sequence.height);
        pixelBytes = Math.max(pixelBytes, sequence.pixelBytes);
      }
      // Frame headers, and frames with theirs.
      if (type === 3 || type === 6) frames++;
      at += length;
    }
  }
  return { width, height, frames, pixelBytes };
}

function leb128(file: Bytes, start: number): { readonly value: number; readonly bytes: number } {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = file.u8(start + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) === 0) return { value, bytes: i + 1 };
  }
  throw new HeaderError('a length of AV1 without end');
}

/** Bits from a place on, the highest first. */
class BitReader {
  readonly #file: Bytes;
  #at: number;

  constructor(file: Bytes, start: number) {
    this.#file = file;
    this.#at = start * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value = value * 2 + ((this.#file.u8(this.#at >> 3) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.#at += count;
  }
}

/** 5.5.1, up to the size. */
function sequenceHeader(file: Bytes, start: number): Pick<Av1Stream, 'width' | 'height' | 'pixelBytes'> {
  const bits = new BitReader(file, start);
  const profile = bits.read(3);
  bits.skip(1);
  if (bits.flag()) bits.skip(5);
  else skipOperatingPoints(bits);
  const [widthBits, heightBits] = [bits.read(4) + 1, bits.read(4) + 1];
  // 8 bits and colours at half the resolution, or all else.
  return { width: bits.read(widthBits) + 1, height: bits.read(heightBits) + 1, pixelBytes: profile === 0 ? 20 : 30 };
}

function skipOperatingPoints(bits: BitReader): void {
  let [delayBits, decoderModel] = [0, false];
  if (bits.flag()) {
    bits.skip(64);
    if (bits.flag()) {
      let zeros = 0;
      while (!bits.flag() && zeros < 32) zeros++;
      bits.skip(zeros);
    }
    decoderModel = bits.flag();
    if (decoderModel) {
      delayBits = bits.read(5) + 1;
      bits.skip(32 + 10);
    }
  }
  const initialDelay = bits.flag();
  const points = bits.read(5) + 1;
  for (let i = 0; i < points; i++) {
    bits.skip(12);
    if (bits.read(5) > 7) bits.skip(1);
    if (decoderModel && bits.flag()) bits.skip(2 * delayBits + 1);
    if (initialDelay && bits.flag()) bits.skip(4);
  }
}
