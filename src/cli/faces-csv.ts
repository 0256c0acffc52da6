import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { writeFileAtomic } from '../node/files/files.js';
import { facesTable } from '../recognize/index.js';
import type { PredictionOutput } from './prediction-output.js';
import { writeOut } from './stdout.js';

/**
 * The table of faces (`facesTable`). Cells that a spreadsheet would take for a formula begin with an apostrophe.
 *
 * @param target a file, which is there as a whole once the last picture is done, or `-` for standard output
 * @throws UserError when the file cannot be written.
 */
export function csvOutput(target: string, labels: readonly string[]): PredictionOutput {
  const write = target === '-' ? { line: writeOut, end: async () => undefined } : fileWriter(target);
  const { head, rowsOf } = facesTable(labels);
  let opened = false;
  const put = async (rows: readonly (readonly (string | number)[])[]): Promise<void> => {
    const all = opened ? rows : [head, ...rows];
    opened = true;
    if (all.length > 0) await write.line(stringify([...all], { escape_formulas: true }));
  };
  return {
    add: ({ image, faces }) => put(rowsOf(image, { faces })),
    fail: async () => undefined,
    async end() {
      await put([]);
      await write.end();
    },
  };
}

/** Writes a file atomically from text that comes bit by bit. */
function fileWriter(path: string): { line(text: string): Promise<void>; end(): Promise<void> } {
  const stream = new PassThrough();
  const written = writeFileAtomic(path, stream);
  // Both are told by whoever writes next.
  stream.on('error', () => undefined);
  written.catch(() => undefined);
  return {
    async line(text) {
      // A failure has ended the stream, and is thrown here.
      if (stream.destroyed) await written;
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), written]);
    },
    async end() {
      stream.end();
      await written;
    },
  };
}
