/*
 * `npm run bench:recognise`, and in `npm run bench`: how fast photos, videos and face crops are read with the bundled weights, beside the
 * expressions of `@vladmandic/face-api` on the same crops, in turns in one process. Medians.
 * Options: --runs N (default 15), --threads N of our networks (default 2), --checkpoint FILE, and
 * --data DIR [--split NAME]: also how often both are right about a dataset's crops (class folders).
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { percent } from '../src/common/percent.js';
import { alignFace } from '../src/detect/index.js';
import type { Picture } from '../src/image/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { recognizeVideo } from '../src/node/ffmpeg/index.js';
import { evaluateOn } from '../src/node/measure/index.js';
import { formatTable } from '../src/node/report/index.js';
import { type Classifier, cropWhole, Recognizer } from '../src/recognize/index.js';
import type { FaceApi } from './face-api.js';
import { facesInPhoto, photoOfFaces, portrait, video, writeVideo } from './sample-media.js';
import { inTurns, median } from './turns.js';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '15' },
    threads: { type: 'string', default: '2' },
    checkpoint: { type: 'string' },
    data: { type: 'string' },
    split: { type: 'string' },
  },
});
const runs = Number(options.runs);
const threads = Number(options.threads);
const weights = options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint };

type Module = typeof import('./face-api.js');
/** The rival, or why it is not there. */
async function openFaceApi(): Promise<{ readonly api: FaceApi; readonly module: Module } | undefined> {
  try {
    const module = await import('./face-api.js');
    return { module, api: await module.loadFaceApi() };
  } catch (error) {
    console.log(`face-api does not run here, so we are measured alone: ${String(error)}`);
    return undefined;
  }
}

function row(what: string, unit: string, ours: number, theirs?: number, digits = 1): void {
  const figure = (value: number | undefined): string =>
    (value === undefined ? '-' : value.toFixed(digits)).padStart(10);
  const ratio = theirs === undefined ? '-' : (theirs / ours).toFixed(2);
  console.log(`${`${what} (${unit})`.padEnd(66)}${figure(ours)}${figure(theirs)}${ratio.padStart(15)}`);
}

async function cropsToScores(recognizer: Recognizer, api: FaceApi | undefined): Promise<void> {
  const alone = await Recognizer.load({ ...weights, threads: 1 });
  const face = await sampleCrop(recognizer);
  const score =
    ({ classifier, crops: reader }: Recognizer, crops: readonly Picture[]) =>
    () =>
      reader.classify(crops.map((crop) => cropWhole(crop, classifier.preprocessing)));
  // One call after a rest of 0.4 s, for which threads and caches have to wake, or twenty in a row.
  for (const [name, batch, times] of [
    ['batch 1, after a rest', 1, 1],
    ['batch 1, in a row', 1, 20],
    ['batch 32', 32, 1],
  ] as const) {
    const crops = Array.from({ length: batch }, () => face);
    const repeated = (work: () => Promise<unknown>) => async (): Promise<void> => {
      for (let i = 0; i < times; i++) await work();
    };
    const subjects = [score(recognizer, crops), score(alone, crops)];
    const theirs = api === undefined ? [] : [() => api.expressions(crops)];
    const medians = await inTurns(runs, [...subjects, ...theirs].map(repeated));
    const [ours = 0, one = 0, rival] = medians.map((time) => time / (batch * times));
    row(`face crop to scores, ${name}, ${threads} threads`, 'ms a face', ours, rival, 2);
    row(`face crop to scores, ${name}, 1 thread`, 'ms a face', one, rival, 2);
  }
  await alone.dispose();
}

/** The portrait's face as the network takes it, but in colour. */
async function sampleCrop(recognizer: Recognizer): Promise<Picture> {
  const { faces, picture } = await recognizer.recognize(portrait, { picture: true });
  const keypoints = faces[0]?.keypoints;
  if (!keypoints || !picture) throw new Error('no face was found in the sample portrait');
  return alignFace(picture, keypoints, recognizer.template, recognizer.classifier.preprocessing.imageSize);
}

async function photoToResult(recognizer: Recognizer, api: FaceApi | undefined, photo: Buffer): Promise<void> {
  const ours = async (): Promise<string[]> =>
    (await recognizer.recognize(photo)).faces.map(({ expression }) => expression);
  const theirs =
    api === undefined ? undefined : async (): Promise<string[]> => api.recognise(await decodePicture(photo));
  const [mine = 0, rival] = await inTurns(runs, theirs === undefined ? [ours] : [ours, theirs]);
  row(`1080p photo, ${facesInPhoto} faces, to result`, 'ms', mine, rival);
  const listed = (who: string, found: readonly string[]): string =>
    `  ${who} found ${found.length} faces: ${[...new Set(found)].join(', ')}`;
  console.log(listed('we', await ours()) + (theirs === undefined ? '' : `;${listed('face-api', await theirs())}`));
}

async function startToResult(): Promise<void> {
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const chosen = options.checkpoint === undefined ? [] : ['--checkpoint', options.checkpoint];
  const [time = 0] = await inTurns(Math.min(runs, 9), [
    async () => {
      const { status } = spawnSync(process.execPath, [main, 'predict', portrait, ...chosen]);
      if (status !== 0) throw new Error(`poster predict ended with ${status}`);
    },
  ]);
  row('process start to first result, sample portrait', 's', time / 1000, undefined, 2);
}

async function videoFrames(recognizer: Recognizer, photo: Buffer): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'poster-bench-'));
  try {
    const [still, path] = [join(folder, 'photo.jpg'), join(folder, 'video.mp4')];
    await writeFile(still, photo);
    const missing = writeVideo(still, path);
    if (missing !== undefined) {
      console.log(`video frames/s: not measured, ${missing}`);
      return;
    }
    const rates: number[] = [];
    let [frames, faces] = [0, 0];
    for (let run = 0; run < 3; run++) {
      [frames, faces] = [0, 0];
      const start = performance.now();
      for await (const frame of recognizeVideo(recognizer, path, { fps: video.fps })) {
        frames++;
        faces += frame.faces.length;
      }
      rates.push((1000 * frames) / (performance.now() - start));
    }
    const about = `video ${video.width}x${video.height}, ${(faces / frames).toFixed(1)} faces a frame`;
    row(about, 'frames/s', median(rates));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function accuracy(data: string, ours: Classifier, theirs: Classifier | undefined): Promise<void> {
  const rows: string[][] = [['', 'pictures', 'accuracy %', 'mean-class accuracy %', 'macro-F1 %']];
  let split = options.split;
  for (const classifier of theirs === undefined ? [ours] : [ours, theirs]) {
    const measured = await evaluateOn(classifier, data, {
      mapping: { unknown: 'wrong' },
      ...(split === undefined ? {} : { split }),
    });
    split = measured.split;
    const { samples, ...figures } = measured.evaluation;
    rows.push([
      classifier.description.model.name,
      String(samples),
      percent(figures.accuracy),
      percent(figures.meanClassAccuracy),
      percent(figures.macroF1),
    ]);
  }
  console.log(
    `\nExpressions of the same crops, split '${split}', majority labels; what one does not know counts wrong`,
  );
  console.log(formatTable(rows));
}

const rival = await openFaceApi();
const recognizer = await Recognizer.load({ ...weights, threads });
const [load = 0] = loadavg();
console.log(
  `Recognition with ${recognizer.classifier.description.model.name}, ${availableParallelism()} cores ` +
    `(${cpus()[0]?.model.trim()}), Node ${process.version}, medians of ${runs} runs taken in turns; face-api on WebAssembly, 1 thread`,
);
if (load > 1) console.log(`The machine is busy with other work (load ${load.toFixed(1)}): times are upper bounds.`);
console.log(`${''.padEnd(56)}${'ours'.padStart(10)}${'face-api'.padStart(10)}${'face-api/ours'.padStart(15)}`);
const photo = await photoOfFaces();
await cropsToScores(recognizer, rival?.api);
await photoToResult(recognizer, rival?.api, photo);
await startToResult();
await videoFrames(recognizer, photo);
if (options.data !== undefined) {
  const { classifier } = recognizer;
  await accuracy(options.data, classifier, rival?.module.asClassifier(rival.api, classifier.preprocessing.imageSize));
}
await recognizer.dispose();
