import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import CRC32 from 'crc-32';
import type { Canvas, DecodedFrame } from './webp-frames.js';

/**
 * The bytes of an animated PNG, a frame at a time: frames that ffmpeg cannot decode reach it in this form, with their times. It has the same ways
 * to lay one frame over another as WebP.
 */
export async function* animatedPng(
  { width, height }: Canvas,
  frames: AsyncIterable<DecodedFrame>,
): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  yield chunk('IHDR', u32(width, height), Buffer.of(8, 6, 0, 0, 0));
  // How many there will be is not known; readers do not need it.
  yield chunk('acTL', u32(2 ** 31 - 1, 1));
  let sequence = 0;
  try {
    for await (const given of frames) {
      const isFirst = sequence === 0;
      // The first fills the canvas.
      const frame = isFirst ? onCanvas(given, width, height) : given;
      yield chunk('fcTL', u32(sequence++, frame.width, frame.height, frame.x, frame.y), control(frame));
      const rows = await compress(rowsOf(frame), { level: 0 });
      yield isFirst ? chunk('IDAT', rows) : chunk('fdAT', u32(sequence++), rows);
    }
  } catch (error) {
    // A reader knows the last frame as whole by what follows it.
    yield chunk('IEND');
    throw error;
  }
  yield chunk('IEND');
}

const compress = promisify<Uint8Array, { readonly level: number }, Buffer>(deflate);

function control({ milliseconds, blend, cleared }: DecodedFrame): Buffer {
  const bytes = Buffer.alloc(6);
  // Milliseconds, or seconds of what is longer than 16 bits hold.
  const isLong = milliseconds >= 2 ** 16;
  bytes.writeUInt16BE(isLong ? Math.round(milliseconds / 1000) : milliseconds, 0);
  bytes.writeUInt16BE(isLong ? 1 : 1000, 2);
  bytes.writeUInt8(cleared ? 1 : 0, 4);
  bytes.writeUInt8(blend ? 1 : 0, 5);
  return bytes;
}

/** Rows as they are, each after the number of its filter, which is none. */
function rowsOf({ width, height, data }: DecodedFrame): Uint8Array {
  const row = 4 * width;
  const rows = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return rows;
}

function onCanvas(frame: DecodedFrame, width: number, height: number): DecodedFrame {
  if (frame.width === width && frame.height === height) return frame;
  const data = new Uint8Array(4 * width * height);
  const row = 4 * frame.width;
  for (let y = 0; y < frame.height; y++) {
    data.set(frame.data.subarray(y * row, (y + 1) * row), 4 * ((frame.y + y) * width + frame.x));
  }
  return { ...frame, x: 0, y: 0, width, height, data };
}

function chunk(type: string, ...data: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...data]);
  return Buffer.concat([u32(body.length - 4), body, u32(CRC32.buf(body) >>> 0)]);
}

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}
