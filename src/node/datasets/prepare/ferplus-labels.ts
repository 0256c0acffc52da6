import { ferplus } from '../../../common/label-sets.js';
import { printable } from '../../../common/printable.js';

/** A line of the FER+ release's `label.csv`. */
export interface FerPlusEntry {
  /** File name in the folder of the label file. */
  readonly image: string;
  /** Ten taggers' votes: the eight emotions in FER+ order, unknown, not a face. */
  readonly votes: readonly number[];
}

/** Emotions in a vote line; behind them come "unknown" and "NF" (not a face). */
const emotionCount = 8;
/** Names of the votes in `fer2013new.csv`, in the order of `label.csv`, which has no header. */
export const voteColumns = [...ferplus.labels, 'unknown', 'NF'];
const voteCount = voteColumns.length;
/** Why a picture is left out. */
export const noEmotion = 'no face, unknown, or no two votes alike';

/** Side of the release's pictures. */
const side = 48;

/**
 * What a line of a `label.csv` (no header) says: image, crop box `"(0, 0, 48, 48)"`, ten votes.
 * @returns the entry, or what is wrong with the line.
 */
export function parseFerPlusEntry(fields: readonly string[]): FerPlusEntry | string {
  if (fields.length !== 2 + voteCount) {
    return `has ${fields.length} fields instead of ${2 + voteCount} (image, crop box, ten votes)`;
  }
  const [image = '', box = '', ...votes] = fields;
  const corners = /^\((\d{1,5}), *(\d{1,5}), *(\d{1,5}), *(\d{1,5})\)$/.exec(box)?.slice(1).map(Number);
  const [left = 0, top = 0, right = 0, bottom = 0] = corners ?? [];
  if (corners === undefined || left >= right || top >= bottom) return `has no crop box '(x, y, x, y)'`;
  if (corners.join() !== `0,0,${side},${side}`) {
    return `crops ${image} to (${corners.join(', ')}), where the release has whole ${side}x${side} pictures only`;
  }
  return parseFerPlusVotes(image, votes);
}

/** The same of the picture's name and its votes alone. */
export function parseFerPlusVotes(image: string, votes: readonly string[]): FerPlusEntry | string {
  // The name becomes a path here and in the output: nothing but a plain file name.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$/.test(image)) {
    return `names the picture '${printable(image, 40)}', which is not a plain file name`;
  }
  const counts = votes.map((vote) => (/^\d{1,4}$/.test(vote) ? Number(vote) : Number.NaN));
  if (counts.some(Number.isNaN)) return 'has a vote that is not a whole number';
  return { image, votes: counts };
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
