import type { Picture } from '../image/resize.js';
import { type Candidate, decodeCandidates, suppress } from './candidates.js';
import { checkDetectOptions, type DetectOptions, defaultScales } from './detect-options.js';
import type { DetectorNetwork } from './detector-network.js';
import type { Face } from './face.js';
import { scaledFace, transformedFace } from './face-transform.js';
import { networkInput, scaled } from './input.js';
import { refine, refineRotated } from './refine.js';
import { lies } from './roll.js';
import { rotated } from './rotate-picture.js';
import { type Run, rotatedScans, type Scan, tight, uprightRuns } from './scans.js';

const suppression = { overlap: 0.3, cover: 0.6 } as const;
/** Least score of a refinement after a sure proposal. */
const leastRefined = 0.3;
/** Of nine in ten faces that lie, the upright picture shows a trace of such a score; elsewhere there are few. */
const trace = 0.1;
/** So many traces are refined, the strongest: one lying face is enough for all turns to be searched. */
const maxTraces = 2;
/** Beside upright faces, what looks like a lying one mostly is none: it takes more to be believed. */
const sureLying = 0.7;
/** No face has fewer pixels across. */
const leastSide = 8;

/** A face that was found, and the score of its refinement: 0 where that did not see it. */
interface Found {
  readonly face: Candidate;
  readonly certainty: number;
}

/** The picture that is searched, in two sizes, and what is looked for. */
interface Search {
  readonly network: DetectorNetwork;
  readonly picture: Picture;
  /** As large as the largest scale. */
  readonly base: Picture;
  readonly minScore: number;
  readonly signal: AbortSignal | undefined;
}

/** As `FaceDetector.detect`, with a network that is ready. */
export async function detectFaces(network: DetectorNetwork, picture: Picture, options: DetectOptions): Promise<Face[]> {
  const { minScore = 0.6, maxFaces = Number.POSITIVE_INFINITY, minSize = 0, turned = true, signal } = options;
  checkDetectOptions(options);
  signal?.throwIfAborted();
  if (Math.min(picture.width, picture.height) < leastSide) return [];
  const scales = usefulScales(options.scales ?? defaultScales, Math.max(picture.width, picture.height));
  const search = { network, picture, base: shrunkTo(picture, Math.max(...scales)), minScore, signal };
  let found = await uprightFaces(search, scales, turned !== false);
  if (found.length === 0) found = await confirmedFaces(search, { degrees: 0, runs: [tight] });
  // Faces that are too small are faces nevertheless: the picture need not be turned.
  if (turned === 'always' || (turned && (found.length === 0 || found.some(({ face }) => lies(face))))) {
    found = [...found.filter(({ certainty }) => certainty > 0), ...(await lyingFaces(search, scales))];
  }
  const large = distinct(found).filter(({ box }) => box.width >= minSize);
  return large.slice(0, maxFaces).map(({ run: _, ...face }) => face);
}

/**
 * The faces of the picture as it is.
 * @param tracing also those that lie beside upright ones or are the first sign that the picture lies: the network is a little
 * sure of them, and quite sure once it is shown them turned
 */
async function uprightFaces(search: Search, scales: readonly number[], tracing: boolean): Promise<Found[]> {
  const { network, picture, base, minScore, signal } = search;
  const scan = { degrees: 0, runs: uprightRuns(scales) };
  const candidates = await candidatesOf(search, scan, tracing ? Math.min(trace, minScore) : minScore);
  const proposed = candidates.filter(({ score }) => score >= minScore);
  const again = await refine(network, [picture, base], proposed, leastRefined, signal);
  // The network may be sure of a face and wrong about how it lies. One that is not seen again stays.
  const found = proposed.map((face, i) => foundFace(face, again[i], face.score));
  if (!tracing) return found;
  const doubtful = found.filter((one) => one.certainty < minScore || lies(one.face));
  const traces = candidates.filter(({ score }) => score < minScore).slice(0, maxTraces);
  const others = [...doubtful.map(({ face }) => face), ...traces];
  const least = found.length > doubtful.length ? Math.max(sureLying, minScore) : minScore;
  const turned = await refineRotated(network, [picture, base], others, leastRefined, signal);
  const lying = others.flatMap((face, i) => {
    const view = turned[i];
    return view === undefined ? [] : [{ ...face, ...view }];
  });
  const confirmed = await refine(network, [picture, base], lying, least, signal);
  return [...found, ...lying.flatMap((face, i) => confirmedFace(face, confirmed[i]))];
}

/** Faces of rarer scans, which find things that are no faces: only what a refinement confirms counts. */
async function confirmedFaces(search: Search, scan: Scan): Promise<Found[]> {
  const { network, picture, base, minScore, signal } = search;
  const candidates = await candidatesOf(search, scan, minScore);
  const again = await refine(network, [picture, base], candidates, minScore, signal);
  return candidates.flatMap((face, i) => confirmedFace(face, again[i]));
}

async function lyingFaces(search: Search, scales: readonly number[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const [i, scan] of rotatedScans(scales).entries()) {
    const faces = await confirmedFaces(search, scan);
    // Runs are told apart over all scans.
    found.push(
      ...faces.map(({ face, certainty }) => ({ face: { ...face, run: face.run + 100 * (i + 1) }, certainty })),
    );
  }
  return found;
}

function foundFace(face: Candidate, again: Face | undefined, score: number): Found {
  return again === undefined
    ? { face, certainty: 0 }
    : { face: { ...face, box: again.box, keypoints: again.keypoints, score }, certainty: again.score };
}

const confirmedFace = (face: Candidate, again: Face | undefined): Found[] =>
  again === undefined ? [] : [foundFace(face, again, again.score)];

/** Of what is one face, seen from several sides, that which is seen best; the most certain face comes first. */
function distinct(found: readonly Found[]): Candidate[] {
  const scores = new Map<Candidate, number>();
  const ranked = found.map(({ face, certainty }) => {
    const candidate = { ...face, score: certainty };
    scores.set(candidate, face.score);
    return candidate;
  });
  return suppress(ranked, suppression)
    .map((face) => ({ ...face, score: scores.get(face) ?? face.score }))
    .sort((a, b) => b.score - a.score);
}

/** What a scan proposes, in pixels of the picture as it is, the most certain first. */
async function candidatesOf(search: Search, { degrees, runs }: Scan, minScore: number): Promise<Candidate[]> {
  const { network, picture, base, signal } = search;
  const small = degrees === 0 ? base : shrunkTo(base, Math.max(...runs.map(({ scale }) => scale)));
  const { picture: view, back } = degrees === 0 ? { picture: small, back: unmoved } : rotated(small, degrees);
  const found = await runOver(network, view, runs, minScore, signal);
  const [fx, fy] = [picture.width / small.width, picture.height / small.height];
  return suppress(
    found.map((face) => transformedFace(face, back)),
    suppression,
  ).map((face) => scaledFace(face, fx, fy));
}

const unmoved = { a: 1, b: 0, tx: 0, ty: 0 } as const;

/** Pictures are enlarged twofold at most, but always searched once. */
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
async function runOver(
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
    const view = scaled(smallest, factor);
    if (factor < 1) smallest = view;
    const { pixels, width, height } = networkInput(view, margin);
    const [maps] = await network.run(pixels, 1, height, width);
    if (maps === undefined) continue;
    const [fx, fy] = [picture.width / view.width, picture.height / view.height];
    for (const found of decodeCandidates(maps, minScore, run)) {
      candidates.push(scaledFace(transformedFace(found, { a: 1, b: 0, tx: -margin, ty: -margin }), fx, fy));
    }
  }
  return candidates;
}
