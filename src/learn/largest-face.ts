import type { RecognizedFace } from '../recognize/index.js';

/** The face that counts in a picture of one person: the largest; undefined where there is none. */
export function largestFace(faces: readonly RecognizedFace[]): RecognizedFace | undefined {
  const area = ({ box }: RecognizedFace): number => box.width * box.height;
  return faces.toSorted((a, b) => area(b) - area(a))[0];
}
