import { entryOf } from '../common/item-at.js';
import type { Recognition } from './recognition.js';
import { hundredths } from './recognition-document.js';

/** Rows of a table of faces, as `poster predict` writes it as CSV. */
export interface FacesTable {
  /** Names of the columns. */
  readonly head: readonly string[];
  /** A row a face, the surest first; a picture without a face has one with all but its name empty, so that none is missing. */
  rowsOf(image: string, recognition: Pick<Recognition, 'faces'>): readonly (readonly (string | number)[])[];
}

/**
 * A table with a row a face: `image`, `face` (1 is the surest), box in pixels, `detection_score`, `expression`, `probability` and
 * `p_<label>` of each label, and `low_contrast` (`true` or `false`).
 * @param labels of the network, in its order
 */
export function facesTable(labels: readonly string[]): FacesTable {
  const columns = ['image', 'face', 'x', 'y', 'width', 'height', 'detection_score', 'expression', 'probability'];
  const head = [...columns, ...labels.map((label) => `p_${label}`), 'low_contrast'];
  return {
    head,
    rowsOf(image, { faces }) {
      if (faces.length === 0) return [[image, ...Array.from({ length: head.length - 1 }, () => '')]];
      return faces.map(({ box, detectionScore, expression, probability, scores, lowContrast }, i) => {
        const by = new Map(scores.map((score) => [score.label, score.probability]));
        return [
          image,
          i + 1,
          ...[box.x, box.y, box.width, box.height].map(hundredths),
          detectionScore === null ? '' : detectionScore.toFixed(4),
          expression,
          digits(probability),
          ...labels.map((label) => digits(entryOf(by, label))),
          String(lowContrast),
        ];
      });
    },
  };
}

const digits = (value: number): string => String(Number(value.toPrecision(7)));
