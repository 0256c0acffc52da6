import { annotateRecognition, facesTable, predictionsDocument } from 'poster-v2';
import { csvOf } from '../files/csv.js';
import { jsonOf } from '../files/json.js';
import type { OpenedPicture, ReadResult } from './pictures.js';

/** Results as files, in the forms that `poster predict` writes. */

interface ReadPicture {
  readonly name: string;
  readonly result: ReadResult;
}

const readOnes = (all: readonly OpenedPicture[]): ReadPicture[] =>
  all.flatMap(({ name, result }) => (result.phase === 'read' ? [{ name, result }] : []));

/** What `poster predict --json` prints. */
export function predictionsJson(all: readonly OpenedPicture[]): Blob {
  const read = readOnes(all);
  const [first] = read;
  if (first === undefined) throw new Error('no picture has been read yet.');
  const { checkpoint, recognizer } = first.result;
  return jsonOf(
    predictionsDocument(
      checkpoint,
      recognizer.classifier.description,
      read.map(({ name, result }) => ({ image: name, recognition: result.recognition })),
      all.flatMap(({ name, result }) => (result.phase === 'failed' ? [{ image: name, reason: result.reason }] : [])),
    ),
  );
}

/** What `poster predict --csv` writes. */
export function facesCsv(all: readonly OpenedPicture[]): Blob {
  const read = readOnes(all);
  const [first] = read;
  if (first === undefined) throw new Error('no picture has been read yet.');
  const { head, rowsOf } = facesTable(first.result.recognizer.labels.labels);
  const rows = read.flatMap(({ name, result }) => rowsOf(name, result.recognition));
  return csvOf([head, ...rows]);
}

/** What `poster predict --draw` draws. */
export async function annotatedPng({ file }: OpenedPicture, { recognition, recognizer }: ReadResult): Promise<Blob> {
  const { width, height, picture, svg } = annotateRecognition(recognition, recognizer.template);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas.');
  context.fillStyle = '#22262d';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  for (const [source, size] of [
    [file, picture],
    [new Blob([svg], { type: 'image/svg+xml' }), { width, height }],
  ] as const) {
    const image = await loadedImage(source);
    context.drawImage(image, 0, 0, size.width, size.height);
  }
  return canvas.convertToBlob({ type: 'image/png' });
}

async function loadedImage(file: Blob): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
