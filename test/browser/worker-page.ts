/*
 * What test/browser-worker.test.ts has a browser do: recognise in the worker that the package starts, beside the same in the
 * page's own thread.
 */
import {
  configureRuntime,
  explainFaces,
  type ImageSource,
  imageClassification,
  type Recognition,
  Recognizer,
  type RecognizerOptions,
  recognizeFrames,
  UserError,
} from '../../src/entries/web.js';
import { countedWork, type PageWork } from './counted-work.js';
import { type CountedWorkers, countedWorkers } from './counted-workers.js';

/** An error, as the page that caught it sees it. */
export interface CaughtError {
  readonly sentence: string;
  readonly kind: string;
  readonly settings: readonly string[];
}

/** One thing done in the page's thread, and in a worker. */
export interface Both<T> {
  readonly here: T;
  readonly there: T;
}

export interface WorkerStory {
  /** What the page's thread did while pictures were recognised and explained in a worker. */
  readonly pageWork: PageWork;
  readonly recognition: Both<Recognition>;
  /** Of a large file, in the page's thread; of an element that shows it, in a worker. */
  readonly large: Both<Recognition>;
  readonly pixels: Both<number>;
  /** What is left of a picture that was given. */
  readonly kept: { readonly bitmap: number; readonly frame: number };
  readonly explained: Both<string>;
  readonly frames: Both<string>;
  readonly classified: string | undefined;
  readonly atOnce: readonly string[];
  readonly endless: { readonly read: number; readonly left: boolean };
  readonly aborted: readonly string[];
  readonly sourceFailed: string;
  readonly errors: Readonly<Record<string, CaughtError>>;
  readonly workers: Readonly<Record<string, number>>;
  readonly died: { readonly error: CaughtError; readonly afterwards: number };
  readonly disposed: readonly CaughtError[];
  /** Loads that were given up before, at once and half way: the reasons, and how many of the workers that they started are left. */
  readonly givenUp: { readonly reasons: readonly string[]; readonly started: number; readonly left: number };
  /** Workers that still are. */
  readonly running: number;
}

export interface PageReport {
  readonly story: WorkerStory;
  /** Why no worker starts in a page whose content security policy forbids it. */
  readonly forbidden: CaughtError;
  /** In a page with threads. */
  readonly isolated: Recognition;
}

/** A cheap look at the portrait: one scale, nothing turned. */
const detect = { scales: [192], turned: false };
const load = (options: RecognizerOptions = {}): Promise<Recognizer> => Recognizer.load({ detect, ...options });

async function errorOf(work: () => Promise<unknown>): Promise<CaughtError> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof UserError)) return { sentence: String(error), kind: 'none', settings: [] };
    return { sentence: String(error), kind: error.kind, settings: error.settings };
  }
  return { sentence: 'nothing was thrown', kind: 'none', settings: [] };
}

const expressions = ({ faces }: Recognition): string => faces.map(({ expression }) => expression).join();

/** The portrait without end, and how often it was read. */
function endlessPictures(picture: ImageSource): {
  readonly pictures: () => AsyncGenerator<ImageSource, void, void>;
  readonly progress: { read: number; left: boolean };
} {
  const progress = { read: 0, left: false };
  return {
    progress,
    async *pictures() {
      try {
        for (;;) {
          progress.read++;
          yield picture;
        }
      } finally {
        progress.left = true;
      }
    },
  };
}

async function aborts(recognizer: Recognizer, picture: ImageSource): Promise<string[]> {
  const stop = new AbortController();
  const { pictures } = endlessPictures(picture);
  const stream = errorOf(async () => {
    const options = { signal: stop.signal, batchSize: 1 };
    for await (const _ of recognizer.recognize(pictures(), options)) stop.abort(new RangeError('enough'));
  });
  const later = (await stream).sentence;
  return [later, (await errorOf(() => recognizer.recognize(picture, { signal: stop.signal }))).sentence];
}

async function failingSource(recognizer: Recognizer, picture: ImageSource): Promise<string> {
  async function* failing(): AsyncGenerator<ImageSource, void, void> {
    yield picture;
    throw new RangeError('unplugged');
  }
  let count = 0;
  const { sentence } = await errorOf(async () => {
    for await (const _ of recognizer.recognize(failing())) count++;
  });
  return `${count}: ${sentence}`;
}

async function followed(recognizer: Recognizer, picture: ImageData): Promise<string> {
  async function* frames() {
    for (let frame = 0; frame < 3; frame++) yield { time: frame / 10, frame, picture };
  }
  const ids: string[] = [];
  for await (const { faces } of recognizeFrames(recognizer, frames())) {
    ids.push(faces.map(({ id, expression }) => `${id} ${expression}`).join());
  }
  return ids.join('; ');
}

async function explained(recognizer: Recognizer, picture: ImageSource): Promise<string> {
  return JSON.stringify(await explainFaces(recognizer, picture, { target: 'anger' }));
}

async function givenUp(workers: CountedWorkers): Promise<WorkerStory['givenUp']> {
  const [started, terminated] = [workers.started.length, workers.terminated()];
  const before = errorOf(() => load({ signal: AbortSignal.abort(new RangeError('before')) }));
  const atOnce = new AbortController();
  const first = errorOf(() => load({ signal: atOnce.signal }));
  atOnce.abort(new RangeError('at once'));
  const later = new AbortController();
  const onProgress = (): void => later.abort(new RangeError('half way'));
  const second = errorOf(() => load({ signal: later.signal, onProgress }));
  const here = new AbortController();
  const third = errorOf(() => load({ worker: false, signal: here.signal }));
  here.abort(new RangeError('here'));
  const reasons = (await Promise.all([before, first, second, third])).map(({ sentence }) => sentence);
  const all = workers.started.length - started;
  return { reasons, started: all, left: all - (workers.terminated() - terminated) };
}

/** Whether the runtime is there, asked of a bundle without it. */
async function withoutRuntime(): Promise<CaughtError> {
  const address = '/onnxruntime.js';
  const { loadOrt }: { loadOrt(use: { readonly device: 'cpu' }): Promise<unknown> } = await import(address);
  return errorOf(() => loadOrt({ device: 'cpu' }));
}

async function tell(report: Partial<PageReport> | { readonly error: string }): Promise<void> {
  await fetch('/seen', { method: 'POST', body: JSON.stringify(report) });
}

function canvasOf(image: HTMLImageElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext('2d')?.drawImage(image, 0, 0);
  return canvas;
}

async function story(): Promise<WorkerStory> {
  const blob = await (await fetch('portrait.png')).blob();
  const workers = countedWorkers();
  const started: Record<string, number> = {};
  const count = (name: string): void => {
    started[name] = workers.started.length;
  };
  const work = countedWork();
  const there = await load();
  count('a page');
  const loaded = new Image();
  loaded.src = 'large.jpg';
  await loaded.decode();
  for (const one of [blob, loaded, await createImageBitmap(blob), canvasOf(loaded)]) await there.recognize(one);
  await explainFaces(there, blob);
  const pageWork = work.stop();
  const here = await load({ worker: false });
  count('worker: false');
  await (await load({ decode: async () => Promise.reject(new Error('not asked')) })).dispose();
  count('a decoder of its own');
  const classify = await imageClassification({ detect });
  count('imageClassification');
  const classified = (await classify('portrait.png'))[0]?.label;
  await classify.dispose();

  const options = { picture: true, crops: true };
  const both = { here: await here.recognize(blob, options), there: await there.recognize(blob, options) };
  const sum = ({ picture, faces }: Recognition): number =>
    [...(picture?.data ?? []), ...(faces[0]?.crop?.data ?? [])].reduce((a, b) => a + b, 0);
  const bitmap = await createImageBitmap(blob);
  const frame = new VideoFrame(bitmap, { timestamp: 0 });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context?.drawImage(bitmap, 0, 0);
  const data = context?.getImageData(0, 0, bitmap.width, bitmap.height);
  if (data === undefined) throw new Error('there is no canvas');
  const atOnce = await Promise.all(
    [blob, bitmap, frame, data, blob, bitmap, frame, data].map((one) => there.recognize(one)),
  );
  const { pictures, progress } = endlessPictures(bitmap);
  for await (const _ of there.recognize(pictures(), { batchSize: 1 })) break;
  const file = await (await fetch('large.jpg')).blob();
  const large = { here: await here.recognize(file), there: await there.recognize(loaded) };

  const errors = {
    'a batch of none': await errorOf(() => there.recognize(blob, { batchSize: 0 })),
    'a preference that there is not': await errorOf(() => load({ prefer: JSON.parse('"nobody"') })),
    'weights that are not there': await errorOf(() => load({ checkpoint: 'nowhere.safetensors' })),
    'a decoder in a worker': await errorOf(() =>
      load({ worker: true, decode: async () => Promise.reject(new Error()) }),
    ),
    'a label that there is not': await errorOf(() => explainFaces(there, blob, { target: 'joyous' })),
    'a worker that is not there': await workers.elsewhere('/nowhere.js', () => errorOf(() => load())),
    'a forgotten runtime': await withoutRuntime(),
  };

  const stopped = await givenUp(workers);
  const mortal = await load();
  const victim = workers.started.at(-1);
  async function* stalled(): AsyncGenerator<ImageSource, void, void> {
    yield blob;
    await new Promise(() => undefined);
  }
  const results = mortal.recognize(stalled());
  await results.next();
  const dead = errorOf(() => results.next());
  victim?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
  const died = { error: await dead, afterwards: (await mortal.recognize(blob)).faces.length };

  const underWay = [errorOf(() => mortal.recognize(blob)), errorOf(() => explainFaces(mortal, blob))];
  await mortal.dispose();
  const disposed = [...(await Promise.all(underWay)), await errorOf(() => mortal.recognize(blob))];
  const outcome: Omit<WorkerStory, 'running'> = {
    pageWork,
    recognition: both,
    large,
    pixels: { here: sum(both.here), there: sum(both.there) },
    kept: { bitmap: bitmap.width, frame: frame.displayWidth },
    explained: { here: await explained(here, blob), there: await explained(there, bitmap) },
    frames: { here: await followed(here, data), there: await followed(there, data) },
    classified,
    atOnce: atOnce.map(expressions),
    endless: progress,
    aborted: await aborts(there, bitmap),
    sourceFailed: await failingSource(there, blob),
    errors,
    workers: started,
    givenUp: stopped,
    died,
    disposed,
  };
  frame.close();
  await here.dispose();
  await there.dispose();
  return { ...outcome, running: workers.started.length - workers.terminated() };
}

try {
  if (location.pathname === '/without-workers') {
    await tell({ forbidden: await errorOf(() => load()) });
    location.href = '/isolated';
  } else if (location.pathname === '/isolated') {
    configureRuntime({ wasmPaths: 'runtime' });
    const recognizer = await load({ threads: 2 });
    const isolated = await recognizer.recognize('portrait.png');
    // By the runtime.
    await explainFaces(recognizer, 'portrait.png');
    await tell({ isolated });
  } else {
    await tell({ story: await story() });
    location.href = '/without-workers';
  }
} catch (error) {
  await tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
