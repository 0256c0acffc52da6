import { valueAt } from '../common/typed-item.js';
import type { Box, Face, Keypoints, Point } from './face.js';

/** A face as one run over one size of the picture proposes it. */
export interface Candidate extends Face {
  /** Which run it is from. */
  readonly run: number;
}

/** Pixels of the network's input from one cell of its output to the next. */
export const cellSize = 4;

/** The network's output over a grid of cells, in planes: values of a cell are `width * height` apart. */
export interface Maps {
  readonly width: number;
  readonly height: number;
  /** [1, H, W]: how much a cell looks like the middle of a face, before the sigmoid. */
  readonly scores: Float32Array;
  /** [16, H, W]: centre and size of the box, then x and y of six points; positions from the cell's centre, in input pixels. */
  readonly regressors: Float32Array;
}

/**
 * The faces that cells propose with at least `minScore` (in (0, 1)), in pixels of the network's input.
 */
export function decodeCandidates({ width, height, scores, regressors }: Maps, minScore: number, run = 0): Candidate[] {
  const plane = width * height;
  // The sigmoid rises: comparing before it spares computing it.
  const least = Math.log(minScore / (1 - minScore));
  const found: Candidate[] = [];
  for (let cell = 0; cell < plane; cell++) {
    const logit = valueAt(scores, cell);
    if (!(logit >= least)) continue;
    const anchor = { x: ((cell % width) + 0.5) * cellSize, y: (Math.floor(cell / width) + 0.5) * cellSize };
    const value = (channel: number): number => valueAt(regressors, channel * plane + cell);
    const point = (channel: number): Point => ({ x: anchor.x + value(channel), y: anchor.y + value(channel + 1) });
    const centre = point(0);
    const [w, h] = [value(2), value(3)];
    if (!(w > 0 && h > 0)) continue;
    const box = { x: centre.x - w / 2, y: centre.y - h / 2, width: w, height: h };
    const keypoints: Keypoints = {
      rightEye: point(4),
      leftEye: point(6),
      noseTip: point(8),
      mouth: point(10),
      rightEar: point(12),
      leftEar: point(14),
    };
    found.push({ box, score: 1 / (1 + Math.exp(-logit)), keypoints, run });
  }
  return found;
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

export function intersectionOverUnion(a: Box, b: Box): number {
  const common = intersection(a, b);
  return common === 0 ? 0 : common / (area(a) + area(b) - common);
}

function area({ width, height }: Box): number {
  return width * height;
}

export interface SuppressionOptions {
  /** Intersection over union above which the less certain of two is dropped. */
  readonly overlap: number;
  /** Intersection over the smaller area above which it is dropped when the two come from different runs. */
  readonly cover: number;
}

/** Beyond this many candidates only the most certain are looked at: comparing takes time quadratic in what is kept. */
const maxCandidates = 5000;

/** Non-maximum suppression: of candidates that are the same face the most certain. The most certain comes first. */
export function suppress(candidates: readonly Candidate[], { overlap, cover }: SuppressionOptions): Candidate[] {
  const kept: Candidate[] = [];
  const sorted = [...candidates].sort((a, b) => b.score - a.score).slice(0, maxCandidates);
  for (const candidate of sorted) {
    const same = kept.some((other) => {
      if (intersectionOverUnion(candidate.box, other.box) > overlap) return true;
      const smaller = Math.min(area(candidate.box), area(other.box));
      return candidate.run !== other.run && intersection(candidate.box, other.box) / smaller > cover;
    });
    if (!same) kept.push(candidate);
  }
  return kept;
}
