import { labelColours } from 'poster-v2';

/** A colour for each label, as drawings of the command line have it. */
export function coloursOf(labels: readonly string[]): ReadonlyMap<string, string> {
  const colours = labelColours(labels);
  return new Map(labels.flatMap((label, i) => (colours[i] === undefined ? [] : [[label, colours[i]] as const])));
}
