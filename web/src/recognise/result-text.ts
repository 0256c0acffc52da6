import type { Recognition } from 'poster-v2';
import { percentText } from '../ui/index.js';

/** What a picture shows, in a sentence. */
export function resultText({ faces }: Pick<Recognition, 'faces'>): string {
  if (faces.length === 0) return '0 faces found';
  const words = faces.map(({ expression, probability }) => `${expression} ${percentText(probability)}`);
  return `${faces.length === 1 ? '1 face' : `${faces.length} faces`}: ${words.join(', ')}`;
}
