import CRC32 from 'crc-32';
import { UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import { withFile } from '../files.js';

/*
 * A shard file is lines of text: a checksum, a name, a JSON document. The first line's name is `poster-shard`, its document the
 * header. The name of each other line is the number of a unit, its document what became of that unit.
 */

/** Bytes of a line; a batch of a thousand feature vectors has 4 MB. */
const longestLine = 64 * 1024 * 1024;
/** Bytes that are read at once. */
const piece = 256 * 1024;
const headerName = 'poster-shard';

export interface ShardLine {
  /** Undefined for the header. */
  readonly unit: number | undefined;
  readonly json: string;
  /** Where the next line begins in the file. */
  readonly end: number;
}

/** @param unit undefined for the header */
export function shardLine(unit: number | undefined, document: object): Buffer {
  const rest = Buffer.from(`${unit ?? headerName} ${JSON.stringify(document)}\n`);
  if (rest.length > longestLine - 9) {
    throw new UserError(`A result takes ${rest.length} bytes, too many for a shard; choose a smaller batch.`, 'usage', {
      settings: ['batchSize'],
    });
  }
  return Buffer.concat([Buffer.from(`${checksum(rest.subarray(0, -1))} `), rest]);
}

const checksum = (bytes: Uint8Array): string => (CRC32.buf(bytes) >>> 0).toString(16).padStart(8, '0');

/**
 * The lines of a file up to the first that is not whole: one that a killed process wrote halfway, or that is damaged. The file is
 * opened for each piece, so that thousands of them can be read at once.
 * @throws UserError where it cannot be read.
 */
export async function* shardLines(path: string): AsyncGenerator<ShardLine, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  for (;;) {
    const from = offset + rest.length;
    // Twice as much each time, so that a long line is not copied over and over.
    const wanted = Math.max(piece, rest.length);
    const more = await withFile(path, (file) => file.read(from, Math.max(0, Math.min(wanted, file.size - from))));
    if (more.length === 0) return;
    rest = Buffer.concat([rest, more]);
    let start = 0;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10, start)) {
      const line = parseLine(rest.subarray(start, at));
      if (line === undefined) return;
      start = at + 1;
      yield { ...line, end: offset + start };
    }
    offset += start;
    rest = rest.subarray(start);
    if (rest.length > longestLine) return;
  }
}

function parseLine(bytes: Buffer): Pick<ShardLine, 'unit' | 'json'> | undefined {
  const [start = '', sum = '', name = ''] =
    /^([0-9a-f]{8}) (poster-shard|\d{1,10}) /.exec(bytes.toString('latin1', 0, 32)) ?? [];
  if (start === '' || checksum(bytes.subarray(9)) !== sum) return undefined;
  return { unit: name === headerName ? undefined : Number(name), json: bytes.toString('utf8', start.length) };
}

export const notAShard = (path: string): UserError =>
  new UserError(`${printable(path, 4096)} does not begin as a shard file does; it is another file, or damaged.`);
