import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { inOneForm } from '../../common/labels.js';

/** Name of the file that keeps the votes of a split, in the split's folder. */
export const votesFile = 'votes.jsonl';

/** A line of `votes.jsonl`: how people labelled one picture. */
export interface PictureVotes {
  /** Path relative to the split's folder, `/` between its parts. */
  readonly image: string;
  /** Whether one label has the majority of the votes under the dataset's rule. */
  readonly majority: boolean;
  /** Votes per label, in the order of `labels` in `dataset.json`; counts or shares, not all zero. */
  readonly votes: readonly number[];
}

const lineSchema = z.strictObject({
  image: z.string().min(1).max(4096),
  majority: z.boolean(),
  votes: z
    .array(z.number().min(0).max(1e9))
    .refine((votes) => votes.some((vote) => vote > 0), { message: 'there is no vote above 0' }),
});

/**
 * Parses a vote file, by picture; its path is in one Unicode form (`inOneForm`).
 * @param labels number of labels, which every line must have
 * @param source what errors call the file
 * @throws UserError with the number of the first line that does not fit.
 */
export function parseVotes(text: string, labels: number, source: string): Map<string, PictureVotes> {
  const found = new Map<string, PictureVotes>();
  let number = 0;
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    number++;
    if (line.trim() === '') continue;
    const where = `${source}, line ${number},`;
    const entry = parseJson(line, lineSchema, where);
    if (entry.votes.length !== labels) {
      throw new UserError(
        `${where} has ${countText(entry.votes.length, 'vote')} where the dataset has ${labels} labels; mend it.`,
      );
    }
    const image = inOneForm(entry.image);
    if (found.has(image)) {
      throw new UserError(`${where} repeats a picture that an earlier line has; remove one.`);
    }
    found.set(image, entry);
  }
  return found;
}

/** One line per picture, as `parseVotes` reads it. */
export function formatVotes(entries: readonly PictureVotes[]): string {
  return entries.map(({ image, majority, votes }) => `${JSON.stringify({ image, majority, votes })}\n`).join('');
}
