/* The least that an app does: it loads a recognizer and reads a picture. When each part ended is told, since navigation. */
import { configureRuntime, Recognizer } from '../../src/entries/web.js';

export interface ColdStart {
  /** Milliseconds since navigation: the program ran, the recognizer was ready, the first result was there. */
  readonly program: number;
  readonly loaded: number;
  readonly result: number;
  readonly faces: number;
  /** Of what was fetched: name, and when it began and ended. */
  readonly files: readonly (readonly [string, number, number])[];
}

declare global {
  var coldStart: ColdStart;
}

const program = performance.now();
configureRuntime({ wasmPaths: '/runtime/' });
const picture = fetch('/pictures/sample.webp').then((answer) => answer.blob());
const recognizer = await Recognizer.load();
const loaded = performance.now();
const { faces } = await recognizer.recognize(await picture);
globalThis.coldStart = {
  program,
  loaded,
  result: performance.now(),
  faces: faces.length,
  files: performance
    .getEntriesByType('resource')
    .map((entry) => [
      entry.name.replace(/^.*\//, ''),
      entry.startTime,
      (entry as PerformanceResourceTiming).responseEnd,
    ]),
};
