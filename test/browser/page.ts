/*
 * What test/browser.test.ts has a browser do: find the faces in pictures and read their expressions, by the package as a page
 * imports it.
 */
import { env } from 'onnxruntime-web/wasm';
import { explainFaces, type Face, type LoadProgress, loadFaceDetector, type Recognition, Recognizer } from 'poster-v2';
import { configureRuntime, type ImageSource } from '../../src/entries/web.js';
import { type BadInput, badInputs } from './bad-input.js';
import { everyKind, unusable } from './pictures.js';
import { type RefusedWeights, refusedWeights } from './weights.js';

/** What the first page sends back. */
export interface PlainResults {
  readonly results: readonly Recognition[];
  /** Why a picture cannot be used. */
  readonly refused: readonly string[];
  /** Of one picture in every form. */
  readonly kinds: Readonly<Record<string, Recognition>>;
  /** The picture that lies on its side, in the form of an element. */
  readonly turnedImage: Recognition;
  readonly unusable: Readonly<Record<string, string>>;
  readonly progress: readonly LoadProgress[];
  readonly weights: RefusedWeights;
  readonly bad: Readonly<Record<string, BadInput>>;
}

/** What the second page sends back, which is isolated from other origins. */
export interface IsolatedResults {
  readonly result: Recognition;
  /** Of the detector alone, before anything else was loaded. */
  readonly faces: readonly Face[];
  /** Files of the runtime that were asked for by then, and once a face's expression was read. */
  readonly askedByDetector: readonly string[];
  readonly askedByRecognizer: readonly string[];
  /** The runtime's threads, and its files, once a face was explained. */
  readonly threads: number | undefined;
  readonly asked: readonly string[];
}

export interface PageReport {
  readonly plain?: PlainResults;
  readonly isolated?: IsolatedResults;
  readonly error?: string;
}

const blobsOf = (paths: readonly string[]): Promise<Blob[]> =>
  Promise.all(paths.map(async (path) => (await fetch(path)).blob()));

/** Why pictures are refused, one after the other. */
async function refusals(recognizer: Recognizer, pictures: readonly ImageSource[]): Promise<string[]> {
  const refused: string[] = [];
  for await (const result of recognizer.settle(pictures)) {
    refused.push(result.status === 'rejected' ? String(result.reason) : 'nothing was refused');
  }
  return refused;
}

async function runPlain(): Promise<PlainResults> {
  const progress: LoadProgress[] = [];
  const recognizer = await Recognizer.load({ onProgress: (one) => progress.push(one) });
  const results = await recognizer.recognize(await blobsOf(['portrait.png', 'turned.jpg', 'empty.png']));
  const refused = await refusals(recognizer, await blobsOf(['huge.png', 'text.png']));
  const kinds: Record<string, Recognition> = {};
  for (const [name, picture] of Object.entries(await everyKind('kinds.png'))) {
    kinds[name] = await recognizer.recognize(picture);
  }
  const turned = new Image();
  turned.src = 'turned.jpg';
  await turned.decode();
  const turnedImage = await recognizer.recognize(turned);
  const elsewhere = new URL('portrait.png', location.href);
  elsewhere.hostname = 'localhost';
  const wrong = Object.entries(await unusable('portrait.png', elsewhere.href));
  const messages: Record<string, string> = {};
  for (const [name, picture] of wrong) messages[name] = (await refusals(recognizer, [picture])).join();
  await recognizer.dispose();
  // From what the browser has kept.
  await (await Recognizer.load({ onProgress: (one) => progress.push(one) })).dispose();
  const weights = await refusedWeights();
  const bad = await badInputs('small.png');
  return { results, refused, kinds, turnedImage, unusable: messages, progress, weights, bad };
}

const runtimeFiles = (): string[] =>
  performance
    .getEntriesByType('resource')
    .map(({ name }) => new URL(name).pathname)
    .filter((path) => path.includes('ort-wasm'));

/** Faces by the detector alone. */
async function detected(path: string): Promise<readonly Face[]> {
  const bitmap = await createImageBitmap(await (await fetch(path)).blob());
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (context === null) throw new Error('this browser draws nothing');
  context.drawImage(bitmap, 0, 0);
  const colours = new Uint8Array(context.getImageData(0, 0, width, height).data);
  const detector = await loadFaceDetector();
  // Every fourth number says how opaque a pixel is.
  const faces = await detector.detect({ width, height, channels: 3, data: colours.filter((_, i) => i % 4 !== 3) });
  await detector.dispose();
  return faces;
}

async function runIsolated(): Promise<IsolatedResults> {
  configureRuntime({ wasmPaths: 'runtime' });
  const faces = await detected('portrait.png');
  const askedByDetector = runtimeFiles();
  const recognizer = await Recognizer.load({ threads: 2, worker: false });
  const result = await recognizer.recognize('portrait.png');
  const askedByRecognizer = runtimeFiles();
  await explainFaces(recognizer, 'portrait.png');
  await recognizer.dispose();
  const asked = { askedByDetector, askedByRecognizer, asked: runtimeFiles() };
  return { result, threads: env.wasm.numThreads, faces, ...asked };
}

const tell = (report: PageReport): Promise<Response> =>
  fetch('/seen', { method: 'POST', body: JSON.stringify(report) });

try {
  if (location.pathname === '/isolated') await tell({ isolated: await runIsolated() });
  else {
    await tell({ plain: await runPlain() });
    location.href = '/isolated';
  }
} catch (error) {
  await tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
