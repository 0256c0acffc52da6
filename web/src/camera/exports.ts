import { frameDocument, videoColumns, videoRows } from 'poster-v2';
import type { History } from './history.js';

/** All frames in one document, each as `poster predict` writes it. */
export function jsonOf(video: string, history: History): Blob {
  const text = JSON.stringify({ video, frames: history.map(frameDocument) });
  return new Blob([text], { type: 'application/json' });
}

/** A row for each face of each frame, as of `poster predict`. */
export function csvOf(labels: readonly string[], history: History): Blob {
  const rows = [videoColumns(labels), ...history.flatMap((frame) => videoRows(frame, labels))];
  return new Blob([rows.map((row) => `${row.map(cell).join(',')}\n`).join('')], { type: 'text/csv' });
}

/** Spreadsheets take what begins with these for a formula. */
const formula = /^[=+\-@\t\r]/;

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hands a file to the visitor. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** `holiday.mp4` gives `holiday.csv`. */
export const savedName = (video: string, ending: string): string =>
  `${video.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'video'}.${ending}`;
