import { frameDocument, videoColumns, videoRows } from 'poster-v2';
import { csvOf } from '../files/csv.js';
import { inTurns } from '../files/turns.js';
import type { History } from './history.js';

/** All frames in one document, each as `poster predict` writes it. */
export async function framesJson(video: string, history: History): Promise<Blob> {
  const parts = await inTurns(history, (frames, index) => {
    const texts = frames.map(
      (frame) => `    ${JSON.stringify(frameDocument(frame), undefined, 2).replaceAll('\n', '\n    ')}`,
    );
    return `${index === 0 ? '' : ',\n'}${texts.join(',\n')}`;
  });
  const [head, end] = [`{\n  "video": ${JSON.stringify(video)},\n  "frames": [`, ']\n}\n'];
  return new Blob([head, ...(parts.length === 0 ? [] : ['\n', ...parts, '\n  ']), end], { type: 'application/json' });
}

/** A row for each face of each frame, as of `poster predict`. */
export const framesCsv = (labels: readonly string[], history: History): Promise<Blob> =>
  csvOf(videoColumns(labels), history, (frame) => videoRows(frame, labels));
