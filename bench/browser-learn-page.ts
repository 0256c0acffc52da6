/* What bench/browser-learn.ts has a browser do: learn, and measure on other pictures. */
import { Learner, type LearnOptions } from '../src/entries/train-web.js';
import { configureRuntime } from '../src/entries/web.js';
import type { Picture } from '../src/image/index.js';
import { CropClassifier, cropWhole, loadClassifier } from '../src/recognize/index.js';
import { encodeModel, safetensorsChunks } from '../src/safetensors/index.js';

/** A crop of the dataset, gray, and its class. */
export interface BenchCrop {
  readonly width: number;
  readonly height: number;
  /** In base64. */
  readonly pixels: string;
  readonly label: string;
}

export interface BenchTask extends Pick<LearnOptions, 'epochs' | 'threads'> {
  readonly taught: readonly BenchCrop[];
  /** Address of the runtime's folder, for threads; null: one thread. */
  readonly runtime: string | null;
}

export interface BenchResult {
  /** Until the learner was there, with its weights and the runtime; and of all epochs. */
  readonly seconds: { readonly start: number; readonly training: number };
  readonly heldOut: number | null;
}

export interface BenchMeasure {
  /** Share of the measured crops that are right. */
  readonly accuracy: number;
  /** Length of the file. */
  readonly bytes: number;
}

let learned: ReturnType<Learner['best']>['checkpoint'] | undefined;

const pictureOf = ({ width, height, pixels }: BenchCrop): Picture => ({
  width,
  height,
  channels: 1,
  data: Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0)),
});

async function learn({ taught, runtime, epochs, threads }: BenchTask): Promise<BenchResult> {
  if (runtime !== null) configureRuntime({ wasmPaths: runtime });
  const crops = taught.map((one) => ({ crop: pictureOf(one), label: one.label }));
  const begun = performance.now();
  const learner = await Learner.create({
    crops,
    ...(epochs === undefined ? {} : { epochs }),
    ...(threads === undefined ? {} : { threads }),
  });
  const ready = performance.now();
  for await (const { epoch, loss, accuracy } of learner.train()) {
    console.log(`epoch ${epoch}: loss ${loss?.toFixed(3) ?? '-'}, held out ${(100 * accuracy).toFixed(1)}%`);
  }
  const ended = performance.now();
  const { checkpoint, evaluation } = learner.best();
  await learner.dispose();
  learned = checkpoint;
  return {
    seconds: { start: (ready - begun) / 1000, training: (ended - ready) / 1000 },
    heldOut: evaluation.accuracy,
  };
}

/** In this thread, apart from learning: so it is no part of what learning costs the page. */
async function measure(measured: readonly BenchCrop[]): Promise<BenchMeasure> {
  if (learned === undefined) throw new Error('nothing is learned yet');
  const { tensors, metadata } = encodeModel(learned);
  const bytes = await new Blob([...safetensorsChunks(tensors, metadata)].map((piece) => piece.slice())).arrayBuffer();
  const classifier = await loadClassifier(bytes);
  const shown = measured.map((one) => cropWhole(pictureOf(one), classifier.preprocessing));
  const scores = await new CropClassifier(classifier).classify(shown, { batchSize: 64 });
  await classifier.dispose();
  const right = scores.filter(([best], i) => best?.label === measured[i]?.label).length;
  return { accuracy: right / measured.length, bytes: bytes.byteLength };
}

declare global {
  interface Window {
    learnBench: { readonly learn: typeof learn; readonly measure: typeof measure };
  }
}
window.learnBench = { learn, measure };
