import { itemAt } from '../common/item-at.js';
import type { Picture } from '../image/resize.js';
import { inverse, type Similarity } from '../image/similarity.js';
import { warp } from '../image/warp.js';
import { decodeCandidates, intersectionOverUnion, suppress } from './candidates.js';
import type { DetectorNetwork } from './detector-network.js';
import type { Face } from './face.js';
import { centreOf, transformedFace } from './face-transform.js';
import { writeInput } from './input.js';
import { roll } from './roll.js';
import { rotated } from './rotate-picture.js';

/** Of the input's side, the face's box takes so much. */
const share = 0.5;
/** Side of the input at which points are read best, and faces in one run. */
const fine = { side: 96, batch: 16 } as const;
/** The same where the question is only which way up a face is. */
const coarse = { side: 64, batch: 12 } as const;
/** What is seen must be the face that was meant: overlap of its box with the middle of the input. */
const leastOverlap = 0.3;

/**
 * Each face seen again, by itself, upright and at the size that the network knows best. Its points then lie within 1.5% of
 * the box's width of where they are in turned and scaled copies of the picture, where one pass gives 3.8%.
 *
 * @param pictures one picture in several sizes, the one that faces are told in first
 * @param minScore of the refined face
 * @param signal stops between two runs, by throwing its reason
 * @returns for each face how it is seen now, with its score; undefined where it is not seen
 */
export async function refine(
  network: DetectorNetwork,
  pictures: readonly [Picture, ...Picture[]],
  faces: readonly Face[],
  minScore: number,
  signal?: AbortSignal,
): Promise<(Face | undefined)[]> {
  const found = await refineOnce(network, pictures, faces.map(uprightView), minScore, signal);
  // A face that turned out to lie otherwise was not seen upright yet.
  const askew = faces.flatMap((face, i) => {
    const refinedOnce = itemAt(found, i);
    return refinedOnce !== undefined && Math.cos(roll(refinedOnce) - roll(face)) < leastCosine
      ? [{ i, first: refinedOnce }]
      : [];
  });
  if (askew.length > 0) {
    const views = askew.map(({ first }) => uprightView(first));
    const refined = await refineOnce(network, pictures, views, minScore, signal);
    askew.forEach(({ i, first }, k) => {
      found[i] = itemAt(refined, k) ?? first;
    });
  }
  return found;
}

/**
 * Faces seen on their sides and upside down: which way up each is, where that is not known. What is there in the upright
 * position was seen before, and is left out.
 *
 * @param faces what may be faces, of which only the boxes count
 * @param minScore for being seen
 * @param signal stops between two runs, by throwing its reason
 * @returns for each how it is seen best; undefined where it is not seen
 */
export async function refineRotated(
  network: DetectorNetwork,
  pictures: readonly [Picture, ...Picture[]],
  faces: readonly Face[],
  minScore: number,
  signal?: AbortSignal,
): Promise<(Face | undefined)[]> {
  const { side, batch } = coarse;
  // It has what the trace was found in, and reading it takes least time.
  const smallest = itemAt(pictures, pictures.length - 1);
  const plane = side * side;
  const found: (Face | undefined)[] = [];
  for (let start = 0; start < faces.length; start += batch) {
    signal?.throwIfAborted();
    const transforms = faces.slice(start, start + batch).map((face) => transformOf({ face, angle: 0 }, side));
    const pixels = new Float32Array(transforms.length * quarterTurns.length * 3 * plane);
    const backs = transforms.flatMap((transform, i) => {
      const upright = warpedCopy(transform, pictures, smallest, side);
      return quarterTurns.map((degrees, k) => {
        const { picture, back } = rotated(upright, degrees);
        writeInput(pixels, (i * quarterTurns.length + k) * 3 * plane, picture, side, plane);
        return { transform, back };
      });
    });
    const maps = await network.run(pixels, backs.length, side, side);
    const refined = backs.map(({ transform, back }, i) => {
      const face = middleOf(decodeCandidates(itemAt(maps, i), minScore), side);
      return face && transformedFace(transformedFace(face, back), inverse(transform));
    });
    for (let i = 0; i < refined.length; i += quarterTurns.length) {
      found.push(best(refined.slice(i, i + quarterTurns.length)));
    }
  }
  return found;
}

const best = (faces: readonly (Face | undefined)[]): Face | undefined =>
  faces.reduce((one, other) => ((other?.score ?? 0) > (one?.score ?? 0) ? other : one), undefined);

/** In degrees, clockwise. */
const quarterTurns = [90, 180, 270] as const;

/** Of an angle of 10 degrees. */
const leastCosine = 0.985;

/** A face, and by how much it is rotated for the network, in radians, clockwise. */
interface View {
  readonly face: Face;
  readonly angle: number;
}

const uprightView = (face: Face): View => ({ face, angle: -roll(face) });

async function refineOnce(
  network: DetectorNetwork,
  pictures: readonly [Picture, ...Picture[]],
  views: readonly View[],
  minScore: number,
  signal: AbortSignal | undefined,
): Promise<(Face | undefined)[]> {
  const { side, batch } = fine;
  const found: (Face | undefined)[] = [];
  const plane = side * side;
  for (let start = 0; start < views.length; start += batch) {
    signal?.throwIfAborted();
    const transforms = views.slice(start, start + batch).map((view) => transformOf(view, side));
    const pixels = new Float32Array(transforms.length * 3 * plane);
    transforms.forEach((transform, i) => {
      writeInput(
        pixels,
        i * 3 * plane,
        warpedCopy(transform, pictures, sharpest(transform, pictures), side),
        side,
        plane,
      );
    });
    const maps = await network.run(pixels, transforms.length, side, side);
    transforms.forEach((transform, i) => {
      const face = middleOf(decodeCandidates(itemAt(maps, i), minScore), side);
      found.push(face && transformedFace(face, inverse(transform)));
    });
  }
  return found;
}

/** The smallest picture that has the detail of what is seen: reading a large one takes the time that its pixels take. */
function sharpest(view: Similarity, pictures: readonly [Picture, ...Picture[]]): Picture {
  const [full] = pictures;
  const scale = Math.hypot(view.a, view.b);
  const enough = pictures.filter((picture) => scale * shrinkage(full, picture) <= 1);
  return enough.reduce((least, picture) => (shrinkage(full, picture) > shrinkage(full, least) ? picture : least), full);
}

/** How many times smaller a copy is. By the long side: copies have whole pixels, and of the short one a fraction of one is more. */
function shrinkage(full: Picture, copy: Picture): number {
  return full.height > full.width ? full.height / copy.height : full.width / copy.width;
}

/** A picture in another view, read from a smaller copy of it. */
function warpedCopy(view: Similarity, [full]: readonly [Picture, ...Picture[]], copy: Picture, side: number): Picture {
  const factor = shrinkage(full, copy);
  return warp(copy, { ...view, a: view.a * factor, b: view.b * factor }, side, side, 'black');
}

/** Brings a face, turned, into the middle of the input. */
function transformOf({ face, angle }: View, side: number): Similarity {
  const scale = (side * share) / Math.max(face.box.width, 1);
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const { x, y } = centreOf(face);
  return { a, b, tx: side / 2 - (a * x - b * y), ty: side / 2 - (b * x + a * y) };
}

/** The face in the middle of the input, where there is one. */
function middleOf(candidates: Parameters<typeof suppress>[0], side: number): Face | undefined {
  const width = side * share;
  const middle = { x: (side - width) / 2, y: (side - width) / 2, width, height: width };
  return suppress(candidates, { overlap: 0.3, cover: 1 }).find(
    ({ box }) => intersectionOverUnion(box, middle) >= leastOverlap,
  );
}
