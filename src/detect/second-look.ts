import type { Picture } from '../data/resize.js';
import { decodeCandidates, intersectionOverUnion, suppress } from './candidates.js';
import type { Face } from './face.js';
import { writeInput } from './input.js';
import type { DetectorNetwork } from './network.js';
import { centreOf, moved } from './place.js';
import { inverse, type Similarity } from './similarity.js';
import { warp } from './warp.js';

/** Side of the input, half of which the face's box takes. */
const side = 96;
const share = 0.5;
/** Faces looked at in one run. */
const batch = 16;
/** What is seen must be the face that was looked at: overlap of its box with the middle of the input. */
const leastOverlap = 0.3;

/**
 * Each face seen again, by itself, upright and at the size that the network knows best. Its points then lie within 1.5% of
 * the box's width of where they are in turned and scaled copies of the picture, where one look gives 3.8%.
 *
 * @param pictures one picture in several sizes, the one that faces are told in first
 * @param minScore for the second look
 * @returns for each face how it is seen now, with the second score; undefined where it is not seen
 */
export async function secondLook(
  network: DetectorNetwork,
  pictures: readonly [Picture, ...Picture[]],
  faces: readonly Face[],
  minScore: number,
): Promise<(Face | undefined)[]> {
  const found = await lookOnce(network, pictures, faces, minScore);
  // A face that turned out to lie otherwise was not seen upright yet.
  const askew = faces.flatMap((face, i) => {
    const seen = found[i];
    return seen !== undefined && Math.cos(roll(seen) - roll(face)) < leastCosine ? [{ i, seen }] : [];
  });
  if (askew.length > 0) {
    const looked = await lookOnce(
      network,
      pictures,
      askew.map(({ seen }) => seen),
      minScore,
    );
    askew.forEach(({ i, seen }, k) => {
      found[i] = looked[k] ?? seen;
    });
  }
  return found;
}

/** Of an angle of 10 degrees. */
const leastCosine = 0.985;

/** How far a face is turned in the picture, clockwise, in radians. */
function roll({ keypoints: { rightEye, leftEye } }: Face): number {
  return Math.atan2(leftEye.y - rightEye.y, leftEye.x - rightEye.x);
}

async function lookOnce(
  network: DetectorNetwork,
  pictures: readonly [Picture, ...Picture[]],
  faces: readonly Face[],
  minScore: number,
): Promise<(Face | undefined)[]> {
  const found: (Face | undefined)[] = [];
  const plane = side * side;
  for (let start = 0; start < faces.length; start += batch) {
    const views = faces.slice(start, start + batch).map(viewOf);
    const pixels = new Float32Array(views.length * 3 * plane);
    views.forEach((view, i) => {
      writeInput(pixels, i * 3 * plane, seenThrough(view, pictures), side, plane);
    });
    const maps = await network.run(pixels, views.length, side, side);
    views.forEach((view, i) => {
      const face = middleOf(decodeCandidates(maps[i] ?? noMaps, minScore));
      found.push(face && moved(face, inverse(view)));
    });
  }
  return found;
}

const noMaps = { width: 0, height: 0, scores: new Float32Array(0), places: new Float32Array(0) };

/** What is seen, from the smallest picture that has its detail: reading a large one takes the time that its pixels take. */
function seenThrough(view: Similarity, pictures: readonly [Picture, ...Picture[]]): Picture {
  const [full] = pictures;
  const scale = Math.hypot(view.a, view.b);
  // By the long side: copies have whole pixels, and of the short one a fraction of a pixel is more.
  const long = ({ width, height }: Picture): number => (full.height > full.width ? height : width);
  const enough = pictures.filter((picture) => (scale * long(full)) / long(picture) <= 1);
  const source = enough.reduce((least, picture) => (long(picture) < long(least) ? picture : least), full);
  const factor = long(full) / long(source);
  return warp(source, { ...view, a: view.a * factor, b: view.b * factor }, side, side, 'black');
}

/** Brings a face upright into the middle of the input. */
function viewOf(face: Face): Similarity {
  const angle = -roll(face);
  const scale = (side * share) / Math.max(face.box.width, 1);
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const { x, y } = centreOf(face);
  return { a, b, tx: side / 2 - (a * x - b * y), ty: side / 2 - (b * x + a * y) };
}

/** The face in the middle of the input, where there is one. */
function middleOf(candidates: Parameters<typeof suppress>[0]): Face | undefined {
  const width = side * share;
  const middle = { x: (side - width) / 2, y: (side - width) / 2, width, height: width };
  return suppress(candidates, { overlap: 0.3, cover: 1 }).find(
    ({ box }) => intersectionOverUnion(box, middle) >= leastOverlap,
  );
}
