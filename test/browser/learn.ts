/* What test/browser-learn.test.ts has a browser do: learn classes in a worker, by the package as a page imports it. */

import { random } from '../../src/common/random.js';
import { checkpointBytes } from '../../src/entries/checkpoints-every-host.js';
import {
  huggingFaceArchive,
  type LabelledCrop,
  type LearnEpoch,
  type Learned,
  Learner,
  type WebLearnOptions,
} from '../../src/entries/train-web.js';
import { configureRuntime } from '../../src/entries/web.js';
import type { Evaluation } from '../../src/metrics/index.js';
import { base64Of } from './base64.js';
import { countedWorkers } from './counted-workers.js';
import { recordShots, type ShotResults } from './shots.js';

/** What the page sends back. */
export interface LearningResults {
  readonly labels: readonly string[];
  readonly counts: Learner['counts'];
  readonly history: readonly LearnEpoch[];
  readonly evaluation: Evaluation;
  /** The file of what was learned, in base64. */
  readonly file: string;
  /** Of learners that were made and trained alike: the same history. */
  readonly isSame: { readonly stopped: boolean; readonly left: boolean; readonly here: boolean };
  /** How many epochs were told when a signal ended training, and why it ended. */
  readonly stopped: { readonly epochs: number; readonly reason: string };
  readonly shots: ShotResults;
  /** Why crops cannot be learned, and other calls cannot be made. */
  readonly refused: Readonly<Record<string, string>>;
  readonly refusedByWorkers: Readonly<Record<string, string>>;
}

const side = 16;
const three = ['sad', 'puzzled', 'happiness'];

/** Noise with a bright third of its own, from top to bottom, for each class. */
function pixelsOf(label: string, i: number): ImageData {
  const noise = random(1, label, i);
  const pixels = new ImageData(side, side);
  for (let at = 0; at < side * side; at++) {
    const isBright = Math.floor((3 * at) / (side * side)) === three.indexOf(label);
    pixels.data.fill(noise.int(60) + (isBright ? 190 : 0), 4 * at, 4 * at + 3);
    pixels.data[4 * at + 3] = 255;
  }
  return pixels;
}

/** A class of pixels, one of files, one of canvases. */
async function crops(labels: readonly string[] = three, count = 8): Promise<LabelledCrop[]> {
  const all: LabelledCrop[] = [];
  for (const label of labels) {
    for (let i = 0; i < count; i++) {
      const pixels = pixelsOf(label, i);
      const canvas = new OffscreenCanvas(side, side);
      canvas.getContext('2d')?.putImageData(pixels, 0, 0);
      const kinds = { sad: pixels, puzzled: await canvas.convertToBlob(), happiness: canvas };
      all.push({ crop: new Map<string, LabelledCrop['crop']>(Object.entries(kinds)).get(label) ?? pixels, label });
    }
  }
  return all;
}

async function trained(learner: Learner, signal?: AbortSignal, most = Number.POSITIVE_INFINITY): Promise<LearnEpoch[]> {
  const epochs: LearnEpoch[] = [];
  for await (const epoch of learner.train(signal === undefined ? {} : { signal })) {
    epochs.push(epoch);
    if (epochs.length >= most) break;
  }
  return epochs;
}

async function reasonOf(work: () => Promise<unknown>): Promise<string> {
  return work().then(
    () => 'nothing was refused',
    (error: unknown) => String(error),
  );
}

const refusalsOf = async (options: WebLearnOptions): Promise<Record<string, string>> => {
  const attempt = (given: Partial<WebLearnOptions>) => reasonOf(() => Learner.create({ ...options, ...given }));
  const empty = new OffscreenCanvas(0, 8);
  const disposed = await Learner.create(options);
  await disposed.dispose();
  return {
    nothing: await attempt({ crops: [] }),
    alone: await attempt({ crops: await crops(['sad'], 3) }),
    one: await attempt({ crops: [...(await crops(['sad', 'happiness'], 2)), ...(await crops(['puzzled'], 1))] }),
    text: await attempt({ crops: [...options.crops, { crop: new Blob(['no picture']), label: 'sad' }] }),
    canvas: await attempt({ crops: [...options.crops, { crop: empty, label: 'sad' }] }),
    base: await attempt({ base: new Uint8Array(4) }),
    epochs: await attempt({ epochs: 0 }),
    misspelt: await attempt({ ['epoch' as string]: 3 }),
    early: await reasonOf(async () => disposed.best()),
    disposed: await reasonOf(() => trained(disposed)),
  };
};

/** What the workers that learn and that make archives refuse, and what is told where they are not there or end. */
async function workerRefusals(options: WebLearnOptions, { checkpoint }: Learned): Promise<Record<string, string>> {
  const workers = countedWorkers();
  const nowhere = (work: () => Promise<unknown>): Promise<string> =>
    workers.elsewhere('/nowhere.js', () => reasonOf(work));
  const unknown = { ...checkpoint, model: { ...checkpoint.model, config: {} } };
  const dying = await Learner.create(options);
  const death = reasonOf(() => trained(dying));
  workers.started.at(-1)?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
  const refused = {
    learning: await nowhere(() => Learner.create(options)),
    'learning that ends': await death,
    exporting: await nowhere(() => huggingFaceArchive(checkpoint)),
    'an unknown network': await reasonOf(() => huggingFaceArchive(unknown)),
  };
  await dying.dispose();
  return { ...refused, 'workers left': `${workers.started.length - workers.terminated()}` };
}

/** @param base the file of the weights to begin with: an address, from this page */
async function learning(base: string): Promise<LearningResults> {
  configureRuntime({ wasmPaths: 'runtime' });
  const options = { base, crops: await crops(), epochs: 12, lr: 1e-2, batchSize: 6, seed: 3, threads: 1 } as const;
  const learner = await Learner.create(options);
  const history = await trained(learner);
  const { labels, counts } = learner;
  await learner.dispose();
  const { checkpoint, evaluation } = learner.best();

  const short = { ...options, epochs: 3 };
  const historyOf = (one: Learner): string =>
    JSON.stringify(one.best().history.map(({ accuracy, crossEntropy }) => [accuracy, crossEntropy]));
  const whole = await Learner.create(short);
  await trained(whole);
  await whole.dispose();
  // Stopped from outside, at any moment of the second epoch.
  const stopped = await Learner.create(short);
  const controller = new AbortController();
  let epochs = 0;
  const reason = await reasonOf(async () => {
    for await (const { epoch } of stopped.train({ signal: controller.signal })) {
      epochs++;
      if (epoch === 1) setTimeout(() => controller.abort(new Error('enough')), 1);
    }
  });
  await trained(stopped);
  await stopped.dispose();
  const left = await Learner.create(short);
  await trained(left, undefined, 2);
  await trained(left);
  await left.dispose();
  const here = await Learner.create({ ...short, worker: false });
  await trained(here);
  await here.dispose();
  return {
    labels: labels.labels,
    counts,
    history,
    evaluation,
    file: await base64Of(checkpointBytes(checkpoint)),
    shots: await recordShots(learner.best()),
    isSame: {
      stopped: historyOf(stopped) === historyOf(whole),
      left: historyOf(left) === historyOf(whole),
      here: historyOf(here) === historyOf(whole),
    },
    stopped: { epochs, reason },
    refused: await refusalsOf(short),
    refusedByWorkers: await workerRefusals(short, learner.best()),
  };
}

declare global {
  interface Window {
    learning: typeof learning;
  }
}
window.learning = learning;
