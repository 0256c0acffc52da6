import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from '../../image/resize.js';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** By channels. */
const colourTypes = { 1: 0, 3: 2 } as const;

/** A small picture as PNG (https://www.w3.org/TR/png-3/). A face crop takes 0.1 ms; sharp sets up a pipeline for each, for 2 ms. */
export function pngOf({ width, height, channels, data }: Picture): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits; deflate, no filter that adapts and no interlacing are zeros.
  header.set([8, colourTypes[channels]], 8);
  const row = width * channels;
  // Each row begins with the number of its filter: none.
  const rows = Buffer.alloc(height * (row + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
