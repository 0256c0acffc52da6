import { UserError } from '../common/errors.js';
import type { Picture } from '../data/resize.js';
import { type Candidate, decodeCandidates, suppress } from './candidates.js';
import type { Face } from './face.js';
import { networkInput, scaled } from './input.js';
import { type DetectorNetwork, loadDetectorNetwork } from './network.js';
import { moved, stretched } from './place.js';
import { secondLook } from './second-look.js';
import { turned as turnedBy } from './turned.js';

export interface DetectOptions {
  /** Least score of a face, in (0, 1). Default 0.6. */
  readonly minScore?: number;
  /** At most so many faces, the most certain ones. Default: all. */
  readonly maxFaces?: number;
  /** Least width of a face's box, in pixels of the picture. Default 0. */
  readonly minSize?: number;
  /**
   * Lengths in pixels to which the picture's long side is brought, one run each. Small ones find large faces, large ones
   * small faces: those that then are 10 pixels wide or more. Default 96, 192 and 640.
   */
  readonly scales?: readonly number[];
  /**
   * Where no face is found upright, look at the picture turned. Default true; pictures without a face then take about four
   * times as long.
   */
  readonly turned?: boolean;
  /** Stops between two runs, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

export const defaultScales = [96, 192, 640] as const;
const suppression = { overlap: 0.3, cover: 0.6 } as const;
/** In degrees clockwise; the network finds faces up to about 45 degrees off. */
const quarterTurns = [90, 270, 180] as const;
const diagonals = [45, 315, 135, 225] as const;
/** Least score of a second look after a sure one. */
const seenAgain = 0.3;
/** No face has fewer pixels across. */
const leastSide = 8;
const maxScale = 4096;

/** Finds faces in pictures. */
export interface FaceDetector {
  /**
   * @param picture 8-bit RGB or gray, upright
   * @returns the faces, the most certain first; none is an empty list
   * @throws UserError for options that cannot be.
   */
  detect(picture: Picture, options?: DetectOptions): Promise<Face[]>;
  /**
   * Looks again for faces that are known from a moment ago, each where it should be now (up to a third of its width off):
   * a small part of what finding them takes.
   * @param picture 8-bit RGB or gray; also with smaller copies of it, from which large faces are read in less time
   * @param minScore in (0, 1); default 0.5
   * @returns for each face how it is seen now, undefined where it is not
   */
  follow(
    picture: Picture | readonly [Picture, ...Picture[]],
    faces: readonly Face[],
    minScore?: number,
  ): Promise<(Face | undefined)[]>;
  dispose(): Promise<void>;
}

export interface DetectorOptions {
  /** Threads of one run; default: all cores. */
  readonly threads?: number;
  /** Bytes of the network's file, where there is no file system. Default: those of the installed package. */
  readonly weights?: Uint8Array;
}

/** @throws UserError where the weights are missing or not what they should be. */
export async function loadFaceDetector(options: DetectorOptions = {}): Promise<FaceDetector> {
  const { threads, weights } = options;
  const bytes = weights ?? (await (await import('./weights.js')).readDetectorWeights());
  const network = await loadDetectorNetwork(
    bytes,
    "The face detector's file",
    threads === undefined ? {} : { threads },
  );
  return {
    detect: (picture, detectOptions = {}) => detectFaces(network, picture, detectOptions),
    follow: (picture, faces, minScore = 0.5) =>
      secondLook(network, 'data' in picture ? [picture] : picture, faces, minScore),
    dispose: () => network.dispose(),
  };
}

async function detectFaces(network: DetectorNetwork, picture: Picture, options: DetectOptions): Promise<Face[]> {
  const { minScore = 0.6, maxFaces = Number.POSITIVE_INFINITY, minSize = 0, turned = true, signal } = options;
  checkDetectOptions(options);
  signal?.throwIfAborted();
  if (Math.min(picture.width, picture.height) < leastSide) return [];
  const scales = usefulScales(options.scales ?? defaultScales, Math.max(picture.width, picture.height));
  const base = shrunkTo(picture, Math.max(...scales));
  for (const look of looks(scales, turned)) {
    const candidates = await lookAt(network, base, look, minScore, signal);
    const faces = suppress(candidates, suppression)
      .map((face) => stretched(face, picture.width / base.width, picture.height / base.height))
      .slice(0, minSize > 0 ? Number.POSITIVE_INFINITY : maxFaces);
    const again = await secondLook(network, [picture, base], faces, look.sure ? seenAgain : minScore);
    const result = faces.flatMap((face, i) => settled(face, again[i], look.sure));
    if (result.length === 0) continue;
    // Faces that are too small are faces nevertheless: the picture need not be turned.
    const large = suppress(result, suppression).filter(({ box }) => box.width >= minSize);
    return large.slice(0, maxFaces).map(({ run: _, ...face }) => face);
  }
  return [];
}

/** After a sure look a face that is not seen again stays; after others it goes, and the second score counts. */
function settled(face: Face, again: Face | undefined, sure: boolean): Candidate[] {
  if (again === undefined) return sure ? [{ ...face, run: 0 }] : [];
  return [{ ...again, score: sure ? face.score : again.score, run: 0 }];
}

/** Candidates of one look, in pixels of the picture as it is. */
async function lookAt(
  network: DetectorNetwork,
  base: Picture,
  { degrees, runs }: Look,
  minScore: number,
  signal: AbortSignal | undefined,
): Promise<Candidate[]> {
  if (degrees === 0) return candidatesOf(network, base, runs, minScore, signal);
  const small = shrunkTo(base, Math.max(...runs.map(({ scale }) => scale)));
  const { picture, back } = turnedBy(small, degrees);
  const candidates = await candidatesOf(network, picture, runs, minScore, signal);
  return candidates.map(({ run, ...face }) => ({
    ...stretched(moved(face, back), base.width / small.width, base.height / small.height),
    run,
  }));
}

/** One run of the network: the picture's long side, and how much black around it. */
interface Run {
  readonly scale: number;
  readonly margin: number;
}

/** A face that fills the picture is found more often in a smaller picture amid black: in 95% of FER+'s crops, at 96 in 84%. */
const tight: Run = { scale: 64, margin: 64 };

interface Look {
  readonly degrees: number;
  readonly runs: readonly Run[];
  /** Its findings count also if they are not seen again. The other looks, for rare cases, find things that are no faces. */
  readonly sure: boolean;
}

/** In this order, until one has a face. */
function looks(scales: readonly number[], turned: boolean): readonly Look[] {
  const all = scales.map((scale) => ({ scale, margin: 0 }));
  const upright = [
    { degrees: 0, runs: all, sure: true },
    { degrees: 0, runs: [tight], sure: false },
  ];
  if (!turned) return upright;
  // A photo lies on its side as a whole, with faces of any size; one that is askew is one of a large face.
  const large = [...all.filter(({ scale }) => scale <= 192), tight];
  return [
    ...upright,
    ...quarterTurns.map((degrees) => ({ degrees, runs: [...all, tight], sure: false })),
    ...diagonals.map((degrees) => ({ degrees, runs: large, sure: false })),
  ];
}

/** @throws UserError for values that no face can be found with. */
export function checkDetectOptions({
  minScore = 0.6,
  maxFaces = 1,
  minSize = 0,
  scales = defaultScales,
}: DetectOptions): void {
  const problem = !(minScore > 0 && minScore < 1)
    ? `a least score of ${minScore} (it lies between 0 and 1)`
    : !(maxFaces >= 1 && (Number.isInteger(maxFaces) || maxFaces === Number.POSITIVE_INFINITY))
      ? `at most ${maxFaces} faces`
      : !(minSize >= 0)
        ? `a least size of ${minSize} pixels`
        : scales.length === 0 || scales.some((scale) => !Number.isInteger(scale) || scale < 32 || scale > maxScale)
          ? `scales ${scales.join(', ')} (whole numbers from 32 to ${maxScale})`
          : undefined;
  if (problem !== undefined) throw new UserError(`Faces cannot be detected with ${problem}.`, 2);
}

/** Pictures are enlarged twofold at most, but always looked at once. */
function usefulScales(scales: readonly number[], longSide: number): readonly number[] {
  const sorted = [...new Set(scales)].sort((a, b) => b - a);
  const useful = sorted.filter((scale) => scale <= 2 * longSide);
  return useful.length > 0 ? useful : sorted.slice(-1);
}

function shrunkTo(picture: Picture, longSide: number): Picture {
  const factor = longSide / Math.max(picture.width, picture.height);
  return factor < 1 ? scaled(picture, factor) : picture;
}

/** @param runs from the largest scale down: each picture is made from the one before, the full one is read once */
async function candidatesOf(
  network: DetectorNetwork,
  picture: Picture,
  runs: readonly Run[],
  minScore: number,
  signal: AbortSignal | undefined,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  let smallest = picture;
  for (const [run, { scale, margin }] of runs.entries()) {
    signal?.throwIfAborted();
    const factor = scale / Math.max(smallest.width, smallest.height);
    const seen = scaled(smallest, factor);
    if (factor < 1) smallest = seen;
    const { pixels, width, height } = networkInput(seen, margin);
    const [maps] = await network.run(pixels, 1, height, width);
    if (maps === undefined) continue;
    const [fx, fy] = [picture.width / seen.width, picture.height / seen.height];
    for (const found of decodeCandidates(maps, minScore)) {
      const face = moved(found, { a: 1, b: 0, tx: -margin, ty: -margin });
      candidates.push({ ...stretched(face, fx, fy), run });
    }
  }
  return candidates;
}
