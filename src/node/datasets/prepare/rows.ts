import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CsvError, parse } from 'csv-parse';
import * as z from 'zod';
import { UserError } from '../../../common/errors.js';
import { printable } from '../../../common/printable.js';
import { explainFileError } from '../../files/files.js';

/** A line of a list file. */
export interface Row {
  /** Number of its line in the file, from 1. */
  readonly line: number;
  /** Without white space around them. */
  readonly fields: readonly string[];
}

/** Longest line that is accepted, in characters: AffectNet's hold 68 landmarks, about 1,300. */
const longestLine = 65_536;

const recordSchema = z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) });

/**
 * The lines of a CSV file (RFC 4180), or of one with another delimiter, one at a time: files of any size take little
 * memory. Empty lines are passed over; lines may have different numbers of fields.
 * @throws UserError where there is no such file, or with the number of the line where its form breaks.
 */
export async function* readRows(path: string, delimiter: ',' | ' ' = ','): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    delimiter: delimiter === ' ' ? [' ', '\t'] : delimiter,
    info: true,
    max_record_size: longestLine,
    // Both may occur in one file, after somebody's editor.
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    // Lists that are no CSV know no quotes.
    quote: delimiter === ' ' ? null : '"',
  });
  let source: ReturnType<typeof createReadStream> | undefined;
  try {
    // Opening a pipe could wait forever.
    if (!(await stat(path)).isFile()) throw new UserError(`${path} is not a regular file; give the release's own.`);
    source = createReadStream(path);
    source.on('error', (error) => parser.destroy(error));
    source.pipe(parser);
    for await (const item of parser) {
      const { record, info } = recordSchema.parse(item);
      // Of a field that contains line breaks the last line counts.
      if (record.some((field) => field !== '')) yield { line: info.lines, fields: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw explainFileError(error, 'read', path);
    throw new UserError(`${path} ${formProblem(error)}; take the file from the release again.`, undefined, {
      cause: error,
    });
  } finally {
    source?.destroy();
    parser.destroy();
  }
}

function formProblem(error: CsvError): string {
  const at = z.object({ lines: z.number() }).safeParse(error);
  const where = at.success ? `breaks off in line ${at.data.lines}` : 'is not as it should be';
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return `${where}: a quote is not closed`;
    case 'CSV_MAX_RECORD_SIZE':
      return `${where}: it has more than ${longestLine} characters, or a quote is not closed`;
    default:
      return `${where} (${printable(error.message)})`;
  }
}
