/*
 * `node dist/bench/turned-faces.js [PHOTO...]`: how many faces of photos are found when the photos lie on a side or upside down, and
 * when they lie so beside an upright one, and how long the upright ones take. Default: the photos that `@vladmandic/face-api` brings,
 * and the sample portrait. What is found in them upright counts as all there is.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type DetectOptions, intersectionOverUnion, loadFaceDetector, transformedFace } from '../src/detect/index.js';
import { scaled } from '../src/detect/input.js';
import { rotated } from '../src/detect/rotate-picture.js';
import type { Picture } from '../src/image/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { portrait } from './sample-media.js';
import { median } from './turns.js';

const demo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
const given = process.argv.slice(2);
const samples = [1, 2, 3, 4, 5, 6].map((number) => join(demo, `sample${number}.jpg`));
const photos = await Promise.all(
  (given.length > 0 ? given : [...samples, portrait]).map((path) => decodePicture(path)),
);
const detector = await loadFaceDetector();

/** One beside the other on gray. */
function beside(left: Picture, right: Picture): Picture {
  const [width, height] = [left.width + right.width, Math.max(left.height, right.height)];
  const data = new Uint8Array(width * height * 3).fill(90);
  for (const [picture, x] of [
    [left, 0],
    [right, left.width],
  ] as const) {
    const row = 3 * picture.width;
    for (let y = 0; y < picture.height; y++) {
      data.set(picture.data.subarray(y * row, (y + 1) * row), 3 * (y * width + x));
    }
  }
  return { width, height, channels: 3, data };
}

const shrunk = photos.map((photo) => scaled(photo, 640 / Math.max(photo.width, photo.height)));
const upright = await Promise.all(shrunk.map((photo) => detector.detect(photo)));

for (const degrees of [0, 90, 180, 270]) {
  let [found, all, more] = [0, 0, 0];
  for (const [i, photo] of shrunk.entries()) {
    const { picture, back } = rotated(photo, degrees);
    const faces = (await detector.detect(picture)).map((face) => transformedFace(face, back));
    const wanted = upright[i] ?? [];
    const hits = wanted.filter(({ box }) => faces.some((face) => intersectionOverUnion(face.box, box) > 0.4)).length;
    found += hits;
    all += wanted.length;
    more += faces.length - hits;
  }
  console.log(`turned by ${degrees}: ${found} of ${all} faces, ${more} others`);
}
for (const degrees of [90, 180, 270]) {
  for (const options of [{}, { turned: 'always' }] satisfies DetectOptions[]) {
    let [found, all] = [0, 0];
    for (const [i, photo] of shrunk.entries()) {
      const other = (i + 1) % shrunk.length;
      const left = shrunk[other] ?? photo;
      found += (await detector.detect(beside(left, rotated(photo, degrees).picture), options)).length;
      all += (upright[i]?.length ?? 0) + (upright[other]?.length ?? 0);
    }
    const how = 'turned' in options ? ' (always)' : '';
    console.log(`beside an upright one, turned by ${degrees}${how}: ${found} of ${all} faces`);
  }
}
const times: number[][] = [[], []];
for (let run = 0; run < 9; run++) {
  for (const [i, options] of ([{ turned: false }, {}] satisfies DetectOptions[]).entries()) {
    const before = process.cpuUsage();
    for (const photo of photos) await detector.detect(photo, options);
    const { user, system } = process.cpuUsage(before);
    times[i]?.push((user + system) / 1000 / photos.length);
  }
}
const [without = [], by = []] = times;
const figures = (list: readonly number[]): string => `${Math.min(...list).toFixed(1)} (${median(list).toFixed(1)})`;
console.log(`CPU time a photo, ms, least (median): never turned ${figures(without)}, by default ${figures(by)}`);
await detector.dispose();
