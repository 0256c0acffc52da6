import type { Score } from 'poster-v2';
import { coloursOf } from '../ui/index.js';

/** A colour for each label of a face's scores. */
export const faceColours = (scores: readonly Score[]): ReadonlyMap<string, string> =>
  coloursOf(scores.map(({ label }) => label).sort());
