/*
 * `nice taskset -c 1 node dist/bench/detection.js [--threads N] [--runs N] [--before DIR]`: where the detector's time goes: each run of
 * its network, all that JavaScript does between them, and a frame of 1280x720 in which one face is followed. Processor time, medians.
 * `--before DIR`: another build of this package (its `dist` folder): both take turns, and their faces are compared.
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { increaseOf, itemAt } from '../src/common/item-at.js';
import type { Maps } from '../src/detect/candidates.js';
import type { DetectorNetwork } from '../src/detect/detector-network.js';
import { type Face, intersectionOverUnion } from '../src/detect/index.js';
import { type Picture, resizeBilinear } from '../src/image/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { photoOfFaces, portrait } from './sample-media.js';
import { median } from './turns.js';

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    runs: { type: 'string', default: '15' },
    before: { type: 'string' },
  },
});
const threads = Number(options.threads);
const runs = Number(options.runs);

interface Build {
  readonly name: string;
  readonly network: DetectorNetwork;
  readonly parts: readonly [
    typeof import('../src/detect/find-faces.js'),
    typeof import('../src/detect/detector.js'),
    typeof import('../src/video/frame-faces.js'),
    typeof import('../src/video/pyramid.js'),
  ];
}

async function buildOf(name: string, folder: URL): Promise<Build> {
  const part = (path: string): string => new URL(`src/${path}.js`, folder).href;
  const { loadDetectorNetwork }: typeof import('../src/detect/detector-network.js') = await import(
    part('detect/detector-network')
  );
  const weights = await readFile(new URL('../weights/face-detector.onnx', folder));
  return {
    name,
    network: await loadDetectorNetwork(weights, 'The detector', { threads }),
    parts: [
      await import(part('detect/find-faces')),
      await import(part('detect/detector')),
      await import(part('video/frame-faces')),
      await import(part('video/pyramid')),
    ],
  };
}

/** Milliseconds of the process that work takes, and what it gives. */
async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [(user + system) / 1000, result];
}

/** One search: its faces, and the time of each run of the network and of the rest. */
async function searched({ network, parts: [{ detectFaces }] }: Build, picture: Picture) {
  const spent = new Map<string, number>();
  const watched: DetectorNetwork = {
    async run(pixels, n, height, width): Promise<Maps[]> {
      const [ms, maps] = await timed(() => network.run(pixels, n, height, width));
      const name = `${n} of ${width}x${height}`;
      increaseOf(spent, name, ms);
      return maps;
    },
    dispose: () => network.dispose(),
  };
  const [all, faces] = await timed(() => detectFaces(watched, picture, {}));
  const networks = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
  return { faces, times: new Map([['all', all], ...spent, ['JavaScript', all - networks]]) };
}

function noted(medians: Map<string, number[]>, times: ReadonlyMap<string, number>): void {
  for (const [name, ms] of times) medians.set(name, [...(medians.get(name) ?? []), ms]);
}

const mediansText = (times: ReadonlyMap<string, number[]>): string =>
  [...times].map(([name, list]) => `${name} ${median(list).toFixed(1)}`).join(', ');

/** How many faces of one list are in the other, and the least overlap of their boxes. */
function same(faces: readonly Face[], others: readonly Face[]): string {
  const overlaps = faces.map(({ box }) => Math.max(0, ...others.map((other) => intersectionOverUnion(box, other.box))));
  const kept = overlaps.filter((overlap) => overlap > 0.5);
  return `${kept.length} of ${faces.length} faces are the same, boxes overlap by ${Math.min(1, ...kept).toFixed(4)} or more; ${others.length - kept.length} others`;
}

/** Frames of 1280x720 through which a face moves. */
function frameOf(face: Picture, index: number): Picture {
  const [width, height] = [1280, 720];
  const data = new Uint8Array(3 * width * height).fill(70);
  const row = 3 * face.width;
  for (let y = 0; y < height; y++) {
    data.set(face.data.subarray(y * row, (y + 1) * row), 3 * (y * width + 100 + 4 * index));
  }
  return { width, height, channels: 3, data };
}

async function followed({ parts: [, { loadFaceDetector }, { FrameFaces }, { PyramidMaker }] }: Build, face: Picture) {
  const detector = await loadFaceDetector({ threads });
  const [faces, pyramids, count] = [new FrameFaces(detector), new PyramidMaker(), 50];
  let [all, found] = [0, 0];
  for (let index = 0; index < count; index++) {
    const frame = frameOf(face, index);
    const [ms, list] = await timed(() => faces.next(index / 25, pyramids.of(frame)));
    [all, found] = [all + ms, found + list.length];
  }
  await detector.dispose();
  return { ms: all / count, found: found / count };
}

const builds = [await buildOf('now', new URL('../', import.meta.url))];
if (options.before !== undefined) builds.unshift(await buildOf('before', pathToFileURL(`${options.before}/`)));

const sample = await decodePicture(portrait);
const pictures: ReadonlyMap<string, Picture> = new Map([
  ['portrait, 512x512', sample],
  ['photo of four faces, 1920x1080', await decodePicture(await photoOfFaces())],
  ['no face, 1280x720', resizeBilinear(resizeBilinear(sample, 16, 9), 1280, 720)],
]);
for (const [name, picture] of pictures) {
  const spent = builds.map(() => new Map<string, number[]>());
  const faces = builds.map((): readonly Face[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, build] of builds.entries()) {
      const result = await searched(build, picture);
      faces[i] = result.faces;
      // The first compiles.
      if (run > 0) noted(itemAt(spent, i), result.times);
    }
  }
  for (const [i, build] of builds.entries()) {
    console.log(`${name}, ${build.name}, ms: ${mediansText(itemAt(spent, i))}`);
  }
  const [first, second] = faces;
  if (first !== undefined && second !== undefined) console.log(`  ${same(first, second)}`);
}
const moving = resizeBilinear(sample, 720, 720);
const perFrame = builds.map((): number[] => []);
for (let run = 0; run < 3; run++) {
  for (const [i, build] of builds.entries()) itemAt(perFrame, i).push((await followed(build, moving)).ms);
}
for (const [i, { name }] of builds.entries()) {
  console.log(`frame of 1280x720, ${name}, ms: ${median(itemAt(perFrame, i)).toFixed(1)}`);
}
for (const { network } of builds) await network.dispose();
