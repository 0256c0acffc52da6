import { UserError } from '../common/errors.js';
import { printable } from '../common/files.js';

/** A line of the FER+ release's `label.csv`. */
export interface FerPlusEntry {
  /** File name in the folder of the label file. */
  readonly image: string;
  /** Crop box: left, top, right, bottom. */
  readonly box: readonly [number, number, number, number];
  /** Ten taggers' votes: the eight emotions in FER+ order, unknown, not a face. */
  readonly votes: readonly number[];
}

/** Emotions in a vote line; behind them come "unknown" and "NF" (not a face). */
export const emotionCount = 8;
const voteCount = 10;

/** The fields of one CSV line (RFC 4180: quotes around a field, doubled within). Undefined where a quote is left open. */
export function csvFields(line: string): string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? '';
    if (quoted) {
      if (char !== '"') field += char;
      else if (line[i + 1] === '"') {
        field += '"';
        i++;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      fields.push(field);
      field = '';
    } else field += char;
  }
  fields.push(field);
  return quoted ? undefined : fields;
}

/**
 * Parses a `label.csv` (no header): image, crop box `"(0, 0, 48, 48)"`, ten votes.
 * @param source what errors call the file
 * @throws UserError with the number of the first line that does not fit.
 */
export function parseFerPlusLabels(text: string, source: string): FerPlusEntry[] {
  const entries: FerPlusEntry[] = [];
  const names = new Set<string>();
  let number = 0;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    number++;
    if (line.trim() === '') continue;
    const fail = (why: string): UserError =>
      new UserError(`${source}, line ${number}, ${why}; take the file from the FER+ release again.`);
    const fields = csvFields(line)?.map((field) => field.trim());
    if (fields === undefined) throw fail('has a quote that is not closed');
    if (fields.length !== 2 + voteCount) {
      throw fail(`has ${fields.length} fields instead of ${2 + voteCount} (image, crop box, ten votes)`);
    }
    const [image = '', box = '', ...votes] = fields;
    // The name becomes a path here and in the output: nothing but a plain file name.
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(image)) {
      throw fail(`names the picture '${printable(image, 40)}', which is not a plain file name`);
    }
    if (names.has(image)) throw fail(`repeats the picture '${image}'`);
    names.add(image);
    const corners = /^\((\d{1,5}), *(\d{1,5}), *(\d{1,5}), *(\d{1,5})\)$/.exec(box)?.slice(1).map(Number);
    const [left = 0, top = 0, right = 0, bottom = 0] = corners ?? [];
    if (corners === undefined || left >= right || top >= bottom) throw fail(`has no crop box '(x, y, x, y)'`);
    const counts = votes.map((vote) => (/^\d{1,4}$/.test(vote) ? Number(vote) : Number.NaN));
    if (counts.some(Number.isNaN)) throw fail('has a vote that is not a whole number');
    entries.push({ image, box: [left, top, right, bottom], votes: counts });
  }
  if (entries.length === 0) throw new UserError(`${source} has no lines; take the file from the FER+ release again.`);
  return entries;
}

/** What FER+'s rules make of one picture's votes. */
export interface FerPlusLabel {
  /** The emotion with most votes, the first of several. */
  readonly label: number;
  /** Whether it has more than half of all votes that count: FER+'s "majority" rule. */
  readonly majority: boolean;
  /** Votes that count, for the eight emotions. */
  readonly votes: readonly number[];
}

/**
 * FER+'s rules (arXiv 1608.01041): a single vote counts as none; "majority" asks for more than half of the votes that
 * count, those for unknown and NF included. Undefined where the most votes went to unknown or NF, or no vote counts; on
 * a draw between an emotion and one of them the emotion wins. The votes for unknown and NF are then dropped.
 */
export function ferPlusLabel(votes: readonly number[]): FerPlusLabel | undefined {
  const counted = votes.map((vote) => (vote > 1 ? vote : 0));
  const total = counted.reduce((sum, vote) => sum + vote, 0);
  const most = Math.max(...counted);
  const label = counted.indexOf(most);
  if (total === 0 || label >= emotionCount) return undefined;
  return { label, majority: most > total / 2, votes: counted.slice(0, emotionCount) };
}
