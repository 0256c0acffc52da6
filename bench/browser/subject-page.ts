/** What every page of the benchmark gives: somebody who reads expressions, ready. Times are in milliseconds. */
export interface SubjectPage {
  /** Where it computes, such as `WASM, 2 threads`. */
  readonly backend: string;
  /** From a face crop, in the page's memory, to its scores. */
  crop(): Promise<number>;
  /** From a canvas with the sample portrait to its faces and their expressions. */
  picture(): Promise<number>;
  /** How many faces were found in that. */
  readonly faces: () => number;
}

declare global {
  var subject: SubjectPage;
}

/** Makes the page's subject what the benchmark calls. */
export function offer(subject: SubjectPage): void {
  globalThis.subject = subject;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** A picture of the package, drawn on a canvas. */
export async function canvasAt(address: string): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(await (await fetch(address)).blob());
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  contextOf(canvas).drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('there is no canvas');
  return context;
}

/** All of a canvas. */
export const pixelsOf = (canvas: HTMLCanvasElement): ImageData =>
  contextOf(canvas).getImageData(0, 0, canvas.width, canvas.height);

export const portraitAddress = '/assets/astronaut.png';
/** A face crop, 224 x 224. */
export const cropAddress = '/assets/astronaut-face.png';

/** Backends of TensorFlow.js that the rivals may choose from here. */
export type Backend = 'wasm' | 'webgl';

/**
 * The fastest, for a face crop, of a rival's backends that start here.
 * @param open makes it ready on one of them
 */
export async function fastest(
  open: (backend: Backend) => Promise<{ crop(): Promise<unknown> }>,
): Promise<{ readonly backend: Backend; readonly left: string }> {
  const failures: string[] = [];
  let best: { readonly backend: Backend; readonly time: number } | undefined;
  for (const backend of ['webgl', 'wasm'] as const) {
    try {
      const subject = await open(backend);
      for (let i = 0; i < 2; i++) await subject.crop();
      const time = await timed(async () => {
        for (let i = 0; i < 3; i++) await subject.crop();
      });
      if (best === undefined || time < best.time) best = { backend, time };
    } catch (error) {
      failures.push(`${backend}: ${String(error)}`);
    }
  }
  if (best === undefined) throw new Error(`no backend starts here (${failures.join('; ')})`);
  return { backend: best.backend, left: failures.join('; ') };
}
