import { facesTable, predictionsDocument, recognitionDocument } from 'poster-v2';
import { csvOf } from '../files/csv.js';
import { jsonItems, jsonOf } from '../files/json.js';
import type { OpenedPicture, ReadResult } from './pictures.js';

/** Results as files, in the forms that `poster predict` writes. */

interface ReadPicture {
  readonly name: string;
  readonly result: ReadResult;
}

const readOnes = (all: readonly OpenedPicture[]): ReadPicture[] =>
  all.flatMap(({ name, result }) => (result.phase === 'read' ? [{ name, result }] : []));

/** What `poster predict --json` prints. */
export async function predictionsJson(all: readonly OpenedPicture[]): Promise<Blob> {
  const read = readOnes(all);
  const [first] = read;
  if (first === undefined) throw new Error('no picture has been read yet.');
  const { checkpoint, recognizer } = first.result;
  const {
    images: _,
    failed,
    ...head
  } = predictionsDocument(
    checkpoint,
    recognizer.classifier.description,
    [],
    all.flatMap(({ name, result }) => (result.phase === 'failed' ? [{ image: name, reason: result.reason }] : [])),
  );
  return jsonOf(head, {
    images: await jsonItems(read, ({ name, result }) => ({ image: name, ...recognitionDocument(result.recognition) })),
    failed: await jsonItems(failed, (one) => one),
  });
}

/** What `poster predict --csv` writes. */
export async function facesCsv(all: readonly OpenedPicture[]): Promise<Blob> {
  const read = readOnes(all);
  const [first] = read;
  if (first === undefined) throw new Error('no picture has been read yet.');
  const { head, rowsOf } = facesTable(first.result.recognizer.labels.labels);
  return csvOf(head, read, ({ name, result }) => rowsOf(name, result.recognition));
}
