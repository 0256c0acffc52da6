import { UserError } from '../common/errors.js';
import { type Picture, resizeBilinear } from '../data/resize.js';
import { type Candidate, decodeCandidates, suppress } from './candidates.js';
import type { Face, Keypoints, Point } from './face.js';
import { type DetectorNetwork, loadDetectorNetwork, sideUnit } from './network.js';
import { inverse, type Similarity, transformed, turn } from './similarity.js';
import { warp } from './warp.js';

export interface DetectOptions {
  /** Least score of a face, in (0, 1). Default 0.6. */
  readonly minScore?: number;
  /** At most so many faces, the most certain ones. Default: all. */
  readonly maxFaces?: number;
  /** Least width of a face's box, in pixels of the picture. Default 0. */
  readonly minSize?: number;
  /**
   * Lengths in pixels to which the picture's long side is brought, one run each. Small ones find large faces, large ones small
   * faces: about a tenth of the length and more is found, at 640 a face of 10 pixels. Default 96, 192 and 640.
   */
  readonly scales?: readonly number[];
  /** Where no face is found upright, look at the picture turned. Default true; costs up to 7 times the time. */
  readonly turned?: boolean;
  /** Stops between two runs, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

export const defaultScales = [96, 192, 640] as const;
const suppression = { overlap: 0.3, cover: 0.6 } as const;
/** Tried in this order, in degrees clockwise, until one has a face: the network finds faces up to about 45 degrees off. */
const turns = [90, 270, 180, 45, 315, 135, 225] as const;
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
    dispose: () => network.dispose(),
  };
}

async function detectFaces(network: DetectorNetwork, picture: Picture, options: DetectOptions): Promise<Face[]> {
  const { minScore = 0.6, maxFaces = Number.POSITIVE_INFINITY, minSize = 0, turned = true, signal } = options;
  checkOptions(options);
  signal?.throwIfAborted();
  if (Math.min(picture.width, picture.height) < leastSide) return [];
  const scales = usefulScales(options.scales ?? defaultScales, Math.max(picture.width, picture.height));
  const base = shrinkTo(picture, Math.max(...scales));
  let faces: readonly Face[] = [];
  for (const degrees of turned ? [0, ...turns] : [0]) {
    const { picture: seen, back } = degrees === 0 ? { picture: base, back: undefined } : turnedBy(base, degrees);
    const found = suppress(await candidatesOf(network, seen, scales, minScore, signal), suppression);
    faces = found.map((face) => placed(face, back, picture.width / base.width, picture.height / base.height));
    faces = faces.filter(({ box }) => box.width >= minSize);
    if (faces.length > 0) break;
  }
  return faces.slice(0, maxFaces);
}

function checkOptions({ minScore = 0.6, maxFaces = 1, minSize = 0, scales = defaultScales }: DetectOptions): void {
  const problem = !(minScore > 0 && minScore < 1)
    ? `a least score of ${minScore} (it lies between 0 and 1)`
    : !(maxFaces >= 1)
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

function shrinkTo(picture: Picture, longSide: number): Picture {
  const factor = longSide / Math.max(picture.width, picture.height);
  return factor < 1 ? scaled(picture, factor) : picture;
}

function scaled(picture: Picture, factor: number): Picture {
  const side = (length: number): number => Math.max(1, Math.round(length * factor));
  return resizeBilinear(picture, side(picture.width), side(picture.height));
}

/** The picture turned about its centre on a canvas that holds all of it, and the transform back. */
function turnedBy(picture: Picture, degrees: number): { readonly picture: Picture; readonly back: Similarity } {
  const { width, height } = picture;
  const radians = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(radians)), Math.abs(Math.sin(radians))];
  const [w, h] = [Math.round(width * cos + height * sin), Math.round(width * sin + height * cos)];
  const forth = turn(degrees, { x: width / 2, y: height / 2 }, { x: w / 2, y: h / 2 });
  return { picture: warp(picture, forth, w, h), back: inverse(forth) };
}

async function candidatesOf(
  network: DetectorNetwork,
  picture: Picture,
  scales: readonly number[],
  minScore: number,
  signal: AbortSignal | undefined,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  let seen = picture;
  // From the largest down, each from the one before: the full picture is read once.
  for (const [run, scale] of scales.entries()) {
    signal?.throwIfAborted();
    const resized = scaled(picture === seen ? picture : seen, scale / Math.max(seen.width, seen.height));
    if (scale <= Math.max(seen.width, seen.height)) seen = resized;
    const { pixels, width, height } = networkInput(resized);
    const maps = await network.run(pixels, height, width);
    const [fx, fy] = [picture.width / resized.width, picture.height / resized.height];
    for (const found of decodeCandidates(maps, minScore, run)) {
      candidates.push({ ...stretched(found, fx, fy), run });
    }
  }
  return candidates;
}

/** [3, H, W], RGB in [-1, 1], black below and to the right up to the sides that the network takes. */
function networkInput(picture: Picture): {
  readonly pixels: Float32Array;
  readonly width: number;
  readonly height: number;
} {
  const up = (side: number): number => Math.ceil(side / sideUnit) * sideUnit;
  const [width, height] = [up(picture.width), up(picture.height)];
  const plane = width * height;
  const { channels, data } = picture;
  const pixels = new Float32Array(3 * plane).fill(-1);
  for (let c = 0; c < 3; c++) {
    const channel = channels === 3 ? c : 0;
    for (let y = 0; y < picture.height; y++) {
      let from = y * picture.width * channels + channel;
      let to = c * plane + y * width;
      for (let x = 0; x < picture.width; x++, from += channels) pixels[to++] = (data[from] ?? 0) / 127.5 - 1;
    }
  }
  return { pixels, width, height };
}

function mapped(keypoints: Keypoints, map: (point: Point) => Point): Keypoints {
  return {
    rightEye: map(keypoints.rightEye),
    leftEye: map(keypoints.leftEye),
    noseTip: map(keypoints.noseTip),
    mouth: map(keypoints.mouth),
    rightEar: map(keypoints.rightEar),
    leftEar: map(keypoints.leftEar),
  };
}

function stretched({ box, score, keypoints }: Face, fx: number, fy: number): Face {
  return {
    box: { x: box.x * fx, y: box.y * fy, width: box.width * fx, height: box.height * fy },
    score,
    keypoints: mapped(keypoints, ({ x, y }) => ({ x: x * fx, y: y * fy })),
  };
}

/** A face of the shrunk, perhaps turned picture in the picture itself. A turned box keeps its centre and size. */
function placed(face: Face, back: Similarity | undefined, fx: number, fy: number): Face {
  if (back === undefined) return stretched(face, fx, fy);
  const { x, y, width, height } = face.box;
  const centre = transformed(back, { x: x + width / 2, y: y + height / 2 });
  const box = { x: centre.x - width / 2, y: centre.y - height / 2, width, height };
  const keypoints = mapped(face.keypoints, (point) => transformed(back, point));
  return stretched({ ...face, box, keypoints }, fx, fy);
}
