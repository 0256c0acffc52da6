import { crc32 } from 'node:zlib';

/** A zip archive of stored entries, taken apart to be put together wrongly. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Buffer;
}

/** The entries of an archive as PyTorch writes it: small, stored, without comments. */
export function unzip(bytes: Buffer): ZipEntry[] {
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const entries: ZipEntry[] = [];
  for (let at = bytes.readUInt32LE(end + 16); at < end && bytes.readUInt32LE(at) === 0x02014b50; ) {
    const [size, nameLength, extra, comment] = [
      bytes.readUInt32LE(at + 24),
      ...[28, 30, 32].map((i) => bytes.readUInt16LE(at + i)),
    ];
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + (nameLength ?? 0));
    entries.push({ name, data: Buffer.from(bytes.subarray(start, start + (size ?? 0))) });
    at += 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  return entries;
}

/**
 * Entries of the same bytes lie at one place, which an honest archive never does.
 * @param checksums false: zeros, as PyTorch writes where they are turned off
 */
export function zip(entries: readonly ZipEntry[], checksums: boolean): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const offsets = new Map<Buffer, number>();
  let offset = 0;
  for (const { name, data } of entries) {
    const bytes = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800, 2);
    fields.writeUInt32LE(checksums ? crc32(data) : 0, 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(bytes.length, 22);
    const start = offsets.get(data) ?? offset;
    offsets.set(data, start);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(start, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0'), fields, rest, bytes);
    if (start < offset) continue;
    parts.push(Buffer.from('PK\x03\x04'), fields, bytes, data);
    offset += 30 + bytes.length + data.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
