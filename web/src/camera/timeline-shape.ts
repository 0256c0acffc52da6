import type { SmoothedScore, VideoFace, VideoFrame } from 'poster-v2';

/** From when to when, in seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Scores of a face at a time, in the order of the labels; they add up to 1. */
export interface Sample {
  readonly time: number;
  readonly scores: readonly SmoothedScore[];
  /** The frame before it does not show the face. */
  readonly first: boolean;
}

/** Places from left to right that the chart tells apart. */
const columns = 300;
/** After so long without a frame, in seconds, the chart has a gap. */
const gap = 2;
/** Share of the chart for which the last scores before a gap hold: those of a single frame are seen, too. */
const hold = 0.004;

/** The last frame of each place of the chart that shows the face. */
export function samplesOf(
  frames: readonly VideoFrame[],
  { from, to }: Span,
  labels: readonly string[],
  face: (frame: VideoFrame) => VideoFace | undefined,
): Sample[] {
  const shown = new Map<number, { readonly time: number; readonly face: VideoFace; readonly first: boolean }>();
  let first = true;
  for (const frame of frames) {
    if (frame.time < from || frame.time > to) continue;
    const found = face(frame);
    if (found === undefined) {
      first = true;
      continue;
    }
    const column = Math.floor((columns * (frame.time - from)) / (to - from));
    shown.set(column, { time: frame.time, face: found, first: first || shown.get(column)?.first === true });
    first = false;
  }
  return [...shown.values()].map(({ time, face, first }) => ({
    time,
    scores: labels.flatMap((label) => face.smoothed.filter((score) => score.label === label)),
    first,
  }));
}

/** Samples that follow each other without a gap. */
function runsOf(samples: readonly Sample[], span: Span): Sample[][] {
  const longest = Math.max(gap, (3 * (span.to - span.from)) / columns);
  const runs: Sample[][] = [];
  for (const sample of samples) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && !sample.first && sample.time - last.time <= longest)
      run.push(sample);
    else runs.push([sample]);
  }
  const held = hold * (span.to - span.from);
  return runs.map((run) =>
    run.concat(run.slice(-1).map((last) => ({ ...last, time: Math.min(span.to, last.time + held) }))),
  );
}

/** For each label the area of its share, as an SVG path in a square of 1000 x 100; they lie on each other. */
export function areasOf(samples: readonly Sample[], span: Span, labels: readonly string[]): string[] {
  const runs = runsOf(samples, span);
  const x = (time: number): string => ((1000 * (time - span.from)) / (span.to - span.from)).toFixed(1);
  return labels.map((_, k) =>
    runs
      .map((run) => {
        const upTo = ({ scores }: Sample, end: number): number =>
          scores.slice(0, end).reduce((sum, { probability }) => sum + probability, 0);
        const point = (sample: Sample, end: number): string =>
          `${x(sample.time)} ${(100 - 100 * Math.min(1, upTo(sample, end))).toFixed(1)}`;
        const above = run.map((sample) => point(sample, k + 1));
        const below = run.map((sample) => point(sample, k)).reverse();
        return `M${[...above, ...below].join('L')}Z`;
      })
      .join(''),
  );
}

/** The sample that is nearest to a time. */
export function nearest(samples: readonly Sample[], time: number): Sample | undefined {
  return samples.reduce<Sample | undefined>(
    (best, one) => (best === undefined || Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best),
    undefined,
  );
}
