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

const maxUnits = 10_000;

/**
 * Size and number of the frames of a stream (AV1 specification, 5.3 to 5.5): a file may say another size outside of it.
 * @throws HeaderError where it is damaged
 */
export function av1Stream(file: Bytes, extents: readonly Extent[]): Av1Stream {
  let [width, height, frames, pixelBytes, units] = [0, 0, 0, 0, 0];
  for (const { start, end } of extents) {
    for (let at = start; at < end; ) {
      if (++units > maxUnits) throw new HeaderError(`more than ${maxUnits} units of AV1`);
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
function bitReader(file: Bytes, start: number): (count: number) => number {
  let at = start * 8;
  return (count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value = value * 2 + ((file.u8(at >> 3) >> (7 - (at & 7))) & 1);
    return value;
  };
}

/** 5.5.1, up to the size. */
function sequenceHeader(file: Bytes, start: number): Pick<Av1Stream, 'width' | 'height' | 'pixelBytes'> {
  const bits = bitReader(file, start);
  const profile = bits(3);
  bits(1);
  if (bits(1) === 1) bits(5);
  else skipOperatingPoints(bits);
  const [widthBits, heightBits] = [bits(4) + 1, bits(4) + 1];
  // 8 bits and colours at half the resolution, or all else.
  return { width: bits(widthBits) + 1, height: bits(heightBits) + 1, pixelBytes: profile === 0 ? 20 : 30 };
}

function skipOperatingPoints(bits: (count: number) => number): void {
  let [delayBits, decoderModel] = [0, false];
  if (bits(1) === 1) {
    bits(64);
    if (bits(1) === 1) {
      let zeros = 0;
      while (bits(1) === 0 && zeros < 32) zeros++;
      bits(zeros);
    }
    decoderModel = bits(1) === 1;
    if (decoderModel) {
      delayBits = bits(5) + 1;
      bits(32);
      bits(10);
    }
  }
  const initialDelay = bits(1) === 1;
  const points = bits(5) + 1;
  for (let i = 0; i < points; i++) {
    bits(12);
    if (bits(5) > 7) bits(1);
    if (decoderModel && bits(1) === 1) bits(2 * delayBits + 1);
    if (initialDelay && bits(1) === 1) bits(4);
  }
}
