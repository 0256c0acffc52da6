import { frameDocument, videoColumns, videoRows } from 'poster-v2';
import { csvOf } from '../files/csv.js';
import { jsonOf } from '../files/json.js';
import type { History } from './history.js';

/** All frames in one document, each as `poster predict` writes it. */
export const framesJson = (video: string, history: History): Blob =>
  jsonOf({ video, frames: history.map(frameDocument) });

/** A row for each face of each frame, as of `poster predict`. */
export const framesCsv = (labels: readonly string[], history: History): Blob =>
  csvOf([videoColumns(labels), ...history.flatMap((frame) => videoRows(frame, labels))]);
