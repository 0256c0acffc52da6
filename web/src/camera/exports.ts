import { frameDocument, videoColumns, videoRows } from 'poster-v2';
import { csvOf } from '../files/csv.js';
import { jsonItems, jsonOf } from '../files/json.js';
import type { History } from './history.js';

/** All frames in one document, each as `poster predict` writes it. */
export const framesJson = async (video: string, history: History): Promise<Blob> =>
  jsonOf({ video }, { frames: await jsonItems(history, frameDocument) });

/** A row for each face of each frame, as of `poster predict`. */
export const framesCsv = (labels: readonly string[], history: History): Promise<Blob> =>
  csvOf(videoColumns(labels), history, (frame) => videoRows(frame, labels));
