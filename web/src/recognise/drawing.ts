import type { CropTemplate, Recognition } from 'poster-v2';
import { nextTurn } from '../files/turns.js';
import type { OpenedPicture, ReadResult } from './pictures.js';

/** What the worker that draws is asked for, and what it then asks for. */
export type DrawRequest =
  | { readonly type: 'draw'; readonly file: Blob; readonly recognition: Recognition; readonly template: CropTemplate }
  /** A part of the labels, whose top is so far down. */
  | { readonly type: 'labels'; readonly labels: ImageBitmap; readonly top: number }
  | { readonly type: 'end' };

export type DrawReply =
  /** Workers cannot draw SVG: the page does that. */
  | { readonly type: 'labels'; readonly svg: string; readonly width: number; readonly height: number }
  | { readonly type: 'drawn'; readonly png: Blob }
  | { readonly type: 'failed'; readonly reason: string };

/** Pixels of labels that are drawn in one turn: some milliseconds. */
const bandPixels = 500_000;

/** What `poster predict --draw` draws. The picture is decoded, drawn and encoded in a worker. */
export async function annotatedPng({ file }: OpenedPicture, { recognition, recognizer }: ReadResult): Promise<Blob> {
  const worker = new Worker(new URL('./drawing-worker.js', import.meta.url), { type: 'module' });
  const send = (request: DrawRequest, transfer: Transferable[] = []): void => worker.postMessage(request, transfer);
  // Neither its faces' pixels nor the picture's are drawn.
  const faces = recognition.faces.map(({ crop: _, portrait: __, ...face }) => face);
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('error', ({ message }) => reject(new Error(message || 'its program is missing')));
      worker.addEventListener('message', ({ data }: MessageEvent<DrawReply>) => {
        if (data.type === 'drawn') resolve(data.png);
        else if (data.type === 'failed') reject(new Error(data.reason));
        else sendLabels(data, send).catch(reject);
      });
      send({ type: 'draw', file, recognition: { ...recognition, faces }, template: recognizer.template });
    });
  } finally {
    worker.terminate();
  }
}

type Labels = Extract<DrawReply, { readonly type: 'labels' }>;

async function sendLabels(
  { svg, width, height }: Labels,
  send: (request: DrawRequest, transfer?: Transferable[]) => void,
): Promise<void> {
  const image = await loadedImage(new Blob([svg], { type: 'image/svg+xml' }));
  const rows = Math.max(1, Math.floor(bandPixels / width));
  for (let top = 0; top < height; top += rows) {
    const labels = await createImageBitmap(image, 0, top, width, Math.min(rows, height - top));
    send({ type: 'labels', labels, top }, [labels]);
    await nextTurn();
  }
  send({ type: 'end' });
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
