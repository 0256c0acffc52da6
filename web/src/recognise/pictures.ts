import type { Recognition, Recognizer } from 'poster-v2';
import { nextFrame } from '../files/turns.js';
import { aboutPicture } from '../state/errors.js';
import { announce } from '../state/notices.js';
import { checkpointName, getRecognizer, recognizerState, wasReplaced } from '../state/recognizer.js';
import { createStore } from '../state/store.js';
import { resultText } from './result-text.js';

/** A picture that the visitor opened, and how far it is. */
export interface OpenedPicture {
  readonly id: number;
  readonly name: string;
  readonly file: Blob;
  /** Of the file, for `<img>`. */
  readonly url: string;
  readonly result: PictureResult;
}

export type PictureResult =
  | { readonly phase: 'waiting' }
  | { readonly phase: 'reading' }
  | { readonly phase: 'failed'; readonly reason: string }
  | ReadResult;

/** Another recognizer reads it anew: what decides about the result is kept with it. */
export interface ReadResult {
  readonly phase: 'read';
  /** With crops and portraits. */
  readonly recognition: Recognition;
  readonly recognizer: Recognizer;
  /** Name of the weights' file. */
  readonly checkpoint: string;
}

export interface Pictures {
  readonly all: readonly OpenedPicture[];
  readonly chosen: number | undefined;
  /** Index of the face that is shown in full, of the chosen picture. */
  readonly face: number;
}

export const pictures = createStore<Pictures>({ all: [], chosen: undefined, face: 0 });

/** Side of portraits, in pixels. */
const portraitSide = 224;

let count = 0;
let isReading = false;

/** Opens files, reads them one after the other, and shows the first of them. */
export function openPictures(files: readonly File[]): void {
  void openInTurns(files);
}

/** Pictures that come to the page at once: with hundreds of them it stands still while it is laid out. */
const atOnce = 20;

async function openInTurns(files: readonly File[]): Promise<void> {
  for (let from = 0; from < files.length; from += atOnce) {
    if (from > 0) await nextFrame();
    const opened = files.slice(from, from + atOnce).map(waiting);
    const [first] = opened;
    if (first === undefined) return;
    pictures.update(({ all, chosen, face }) =>
      from === 0 || chosen === undefined
        ? { all: [...all, ...opened], chosen: first.id, face: 0 }
        : { all: [...all, ...opened], chosen, face },
    );
    void readAll();
  }
}

const waiting = (file: File): OpenedPicture => ({
  id: ++count,
  name: file.name,
  file,
  url: URL.createObjectURL(file),
  result: { phase: 'waiting' },
});

export const choosePicture = (id: number): void => pictures.update(({ all }) => ({ all, chosen: id, face: 0 }));

export const chooseFace = (face: number): void => pictures.update((now) => ({ ...now, face }));

export function closePicture(id: number): void {
  const index = pictures.value.all.findIndex((picture) => picture.id === id);
  const closed = pictures.value.all[index];
  if (closed === undefined) return;
  URL.revokeObjectURL(closed.url);
  pictures.update(({ all, chosen, face }) => {
    const left = all.filter((picture) => picture !== closed);
    const next = left[Math.min(index, left.length - 1)]?.id;
    return chosen === id ? { all: left, chosen: next, face: 0 } : { all: left, chosen, face };
  });
}

/** Reads a picture that failed once more. */
export function readAgain(id: number): void {
  setResult(id, { phase: 'waiting' });
  void readAll();
}

function setResult(id: number, result: PictureResult): void {
  pictures.update((now) => ({
    ...now,
    all: now.all.map((picture) => (picture.id === id ? { ...picture, result } : picture)),
  }));
}

async function readAll(): Promise<void> {
  if (isReading) return;
  isReading = true;
  try {
    for (;;) {
      const next = pictures.value.all.find(({ result }) => result.phase === 'waiting');
      if (next === undefined) break;
      setResult(next.id, { phase: 'reading' });
      // Without a network they wait, and are read once there is one.
      const recognizer = await getRecognizer().catch(() => undefined);
      setResult(next.id, recognizer === undefined ? { phase: 'waiting' } : await read(next, recognizer));
      if (recognizer === undefined) break;
    }
  } finally {
    isReading = false;
  }
}

async function read({ file, name }: OpenedPicture, recognizer: Recognizer): Promise<PictureResult> {
  try {
    const recognition = await recognizer.recognize(file, { crops: true, portraits: portraitSide });
    // The settings may have been changed just then: the last choice counts.
    if ((await getRecognizer().catch(() => undefined)) !== recognizer) return { phase: 'waiting' };
    announce(`${name}: ${resultText(recognition)}`);
    return { phase: 'read', recognition, recognizer, checkpoint: checkpointName() };
  } catch (error) {
    if (await wasReplaced(error, recognizer)) return { phase: 'waiting' };
    announce(`${name} could not be read.`);
    return { phase: 'failed', reason: aboutPicture(error) };
  }
}

// With another model or backend everything that is open is read anew.
recognizerState.subscribe((state) => {
  if (state.phase !== 'ready') return;
  const { recognizer } = state;
  const stale = ({ result }: OpenedPicture): boolean =>
    result.phase === 'waiting' ||
    result.phase === 'failed' ||
    (result.phase === 'read' && result.recognizer !== recognizer);
  if (!pictures.value.all.some(stale)) return;
  pictures.update((now) => ({
    ...now,
    all: now.all.map((picture) => (stale(picture) ? { ...picture, result: { phase: 'waiting' } } : picture)),
  }));
  void readAll();
});
