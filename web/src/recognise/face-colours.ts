import { labelColours, type Score } from 'poster-v2';

/** A colour for each label of a face's scores, as drawings of the command line have it. */
export function coloursOf(scores: readonly Score[]): ReadonlyMap<string, string> {
  const labels = scores.map(({ label }) => label).sort();
  const colours = labelColours(labels);
  return new Map(labels.flatMap((label, i) => (colours[i] === undefined ? [] : [[label, colours[i]] as const])));
}
