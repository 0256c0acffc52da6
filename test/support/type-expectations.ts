/** A use of the package, as the statements of a program, and the code of the error that the compiler has to find in it. */
export interface Expectation {
  readonly code: string;
  /** Without: it compiles. */
  readonly error?: `TS${number}`;
}

/** What the uses have in scope. */
export const scope = `
import { isOfKind, Recognizer, UserError, recognizeVideo, rafdb } from 'poster-v2';
import type { Box, ErrorKind, ImageSource, LabelSet, Recognition, RecognizedFace, RecognizerOptions } from 'poster-v2';
import { graph, ops } from 'poster-v2/core';
import { loadDataset, prepareDataset } from 'poster-v2/data';
import { convert, readCheckpointFile } from 'poster-v2/checkpoints';
declare const recognizer: Recognizer;
declare const face: RecognizedFace;
declare const photos: AsyncIterable<Blob>;
`;

/** Each is one line, so that an error's line names its use. */
export const expectations: readonly Expectation[] = [
  // One picture gives a result, a list a list, a stream a stream.
  { code: `const one: Recognition = await recognizer.recognize('photo.jpg');` },
  { code: `const list: readonly Recognition[] = await recognizer.recognize(['a.jpg', new Blob([])]);` },
  { code: 'for await (const one of recognizer.recognize(photos)) { const result: Recognition = one; }' },
  { code: `const one: Recognition[] = await recognizer.recognize('photo.jpg');`, error: 'TS2740' },
  { code: 'await recognizer.recognize(42);', error: 'TS2769' },
  { code: `const source: ImageSource = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };` },
  { code: `const source: ImageSource = { data: [0, 0, 0], width: 1, height: 1, channels: 3 };`, error: 'TS2322' },
  // Options.
  { code: `const options: RecognizerOptions = { device: 'webgpu', detect: { maxFaces: 1 } };` },
  { code: `await Recognizer.load({ device: 'gpu' });`, error: 'TS2322' },
  { code: 'await Recognizer.load({ detect: { maximumFaces: 1 } });', error: 'TS2561' },
  { code: 'new Recognizer();', error: 'TS2673' },
  // Results are data that nobody changes.
  { code: 'const { x, y, width, height }: Box = face.box;' },
  { code: `face.expression = 'happiness';`, error: 'TS2540' },
  { code: `for await (const { time } of recognizeVideo(recognizer, 'talk.mp4')) { const seconds: number = time; }` },
  { code: 'const labels: LabelSet = rafdb;' },
  { code: `rafdb.labels.push('boredom');`, error: 'TS2339' },
  // Errors.
  { code: `const kind: ErrorKind = new UserError('No face in it.').kind;` },
  { code: `isOfKind(new Error('broken'), 'device');` },
  { code: `new UserError('No face in it.', 'fatal');`, error: 'TS2345' },
  // The compiler of networks.
  { code: `const y: graph.Tensor = ops.softmax(graph.input('x', 'float32', ['N', 8]));` },
  { code: `graph.input('x', 'double', [8]);`, error: 'TS2345' },
  { code: `ops.exp('x');`, error: 'TS2345' },
  // Files.
  { code: `const dataset = await loadDataset('faces', 'train');` },
  { code: `await convert('a.pth', 'b.onnx');` },
  { code: `const { tensors } = await readCheckpointFile('a.pth');` },
  { code: `await prepareDataset('imagenet', 'from', 'to');`, error: 'TS2345' },
  // What no entry lists is not public.
  { code: `await import('poster-v2/dist/src/recognize/recognizer.js');`, error: 'TS2307' },
  { code: `await import('poster-v2/cli');`, error: 'TS2307' },
];
