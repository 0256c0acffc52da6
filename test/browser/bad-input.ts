/* What visitors and servers do wrong, one after the other; after each, the next call must work. */
import { bundledCheckpoint, type ImageSource, type Recognition, Recognizer } from '../../src/entries/web.js';
import { lostDevice } from './lost-device.js';

/** What is told of a bad input, and what the portrait shows afterwards. */
export interface BadInput {
  readonly message: string;
  readonly afterwards: string;
}

/** What a promise is rejected with, in words. */
const refusalOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing was refused', String);

const expressionsOf = ({ faces }: Recognition): string => faces.map(({ expression }) => expression).join();

async function partOf(address: string, share: number): Promise<Blob> {
  const whole = await (await fetch(address)).blob();
  return whole.slice(0, Math.round(whole.size * share));
}

/** Ends what is asked for after a moment, as a visitor does who has waited long enough. */
function impatient(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('the visitor has gone on')), 100);
  return controller.signal;
}

/** Something of the browser in another form for as long as some work takes. */
async function replacing<T extends object, K extends keyof T, R>(
  holder: T,
  name: K,
  instead: T[K],
  work: () => Promise<R>,
): Promise<R> {
  const own = Object.getOwnPropertyDescriptor(holder, name);
  Object.defineProperty(holder, name, { value: instead, configurable: true, writable: true });
  try {
    return await work();
  } finally {
    if (own === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, own);
  }
}

const forbidden = () => Promise.reject(new DOMException('storage is forbidden', 'SecurityError'));
const full = () => Promise.reject(new DOMException('storage is full', 'QuotaExceededError'));

/** How many bytes of weights come where the browser keeps nothing. */
const bytesWith = async (work: () => Promise<Uint8Array>): Promise<string> => `${(await work()).length} bytes came`;

/** @param portrait address of a picture with one face, in which the next call finds it */
export async function badInputs(portrait: string): Promise<Record<string, BadInput>> {
  const recognizer = await Recognizer.load();
  const picture = (image: ImageSource, signal?: AbortSignal): Promise<string> =>
    refusalOf(recognizer.recognize(image, signal === undefined ? {} : { signal }));
  const load = (options: Parameters<typeof Recognizer.load>[0]): Promise<string> =>
    refusalOf(Recognizer.load({ worker: false, ...options }));
  const cases: Record<string, () => Promise<string>> = {
    'not a picture': () => picture(new Blob(['<html>Sign in to the network of this café</html>'])),
    'no bytes': () => picture(new File([], 'empty.jpg')),
    'PNG cut in half': async () => picture(await partOf(portrait, 0.5)),
    'JPEG cut in half': async () => picture(await partOf('turned.jpg', 0.5)),
    'header alone': async () => picture(await partOf(portrait, 0.0005)),
    'header of 60,000 x 60,000': () => picture('sixty.png'),
    // Not bad: its first frame is read.
    animation: async () => expressionsOf(await recognizer.recognize('animated.webp')),
    'address that is not there': () => picture('nowhere.png'),
    'server that is not there': () => picture('http://127.0.0.1:9/portrait.png'),
    'answer that never ends': () => picture('endless.png', impatient()),
    'answer that never comes': () => picture('never.png', impatient()),
    'weights that are no file of weights': () => load({ checkpoint: portrait }),
    'weights at no address': () => load({ checkpoint: 'nowhere.safetensors' }),
    'detector that is another file': () => load({ detectorWeights: portrait }),
    'no WebGPU': () => replacing(Navigator.prototype, 'gpu', undefined as never, () => load({ device: 'webgpu' })),
    'no adapter of WebGPU': () =>
      replacing(
        GPU.prototype,
        'requestAdapter',
        () => Promise.resolve(null),
        () => load({ device: 'webgpu' }),
      ),
    'lost graphics processor': lostDevice,
    'storage forbidden': () => replacing(caches, 'open', forbidden, () => bytesWith(bundledCheckpoint)),
    'no storage at all': () => replacing(globalThis, 'caches', undefined as never, () => bytesWith(bundledCheckpoint)),
    'storage full': () =>
      replacing(
        Cache.prototype,
        'match',
        () => Promise.resolve(undefined),
        () => replacing(Cache.prototype, 'put', full, () => bytesWith(bundledCheckpoint)),
      ),
    'storage with room again': () => bytesWith(bundledCheckpoint),
  };
  const all: Record<string, BadInput> = {};
  for (const [name, work] of Object.entries(cases)) {
    const message = await work().catch((error: unknown) => `uncaught ${String(error)}`);
    all[name] = { message, afterwards: expressionsOf(await recognizer.recognize(portrait)) };
  }
  await recognizer.dispose();
  return all;
}
