import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { entryOf, increase, increaseOf } from '../common/item-at.js';
import { roll } from '../detect/index.js';
import type { Picture } from '../image/resize.js';
import type { VideoFrame } from './recognize-frames.js';

/** What a track showed, and when. Times are seconds of the video. */
export interface TrackSummary {
  readonly id: number;
  /** When the face was first seen, and when its last frame ended. */
  readonly from: number;
  readonly to: number;
  /** For how long it was seen. */
  readonly seconds: number;
  /** For how long its contrast was low. */
  readonly lowContrastSeconds: number;
  /** For how long each label was its expression; the longest first, those that never were left out. */
  readonly expressions: readonly { readonly label: string; readonly seconds: number }[];
  /** Mean of its smoothed scores in each stretch of `binSeconds` in which it was seen, in the order of the labels. */
  readonly bins: readonly { readonly from: number; readonly to: number; readonly values: readonly number[] }[];
  /** A crop on which it was seen well, where frames have crops. */
  readonly crop?: Picture;
}

export interface VideoTotals {
  readonly frames: number;
  /** When the first frame is, in seconds of the video. */
  readonly from: number;
  /** From the first frame to the end of the last. */
  readonly seconds: number;
  /** By how much frames have to be turned, clockwise, for most faces to stand; of faces without keypoints 0. */
  readonly rotate: 0 | 90 | 180 | 270;
  /** In the order of their ids. */
  readonly tracks: readonly TrackSummary[];
  /** Tracks that were too short to be kept among very many. */
  readonly others: { readonly count: number; readonly seconds: number };
}

interface Bin {
  count: number;
  readonly sums: Float64Array;
}

interface Track {
  readonly id: number;
  readonly from: number;
  last: number;
  seconds: number;
  lowContrastSeconds: number;
  readonly byLabel: Map<string, number>;
  bins: Map<number, Bin>;
  best: number;
  crop: Picture | undefined;
}

/** In seconds. Within it a face that is there before and after counts as there. */
const longestPause = 1;
/** Stretches that a video is divided into; where there would be more, each two become one. */
const maxBins = 800;
const [maxTracks, keptTracks] = [400, 200] as const;

/** Sums up the frames of a video in memory that does not grow with its length. */
export class VideoSummary {
  readonly #labels: readonly string[];
  /** Of one frame, in seconds. */
  readonly #period: number;
  #tracks = new Map<number, Track>();
  #others = { count: 0, seconds: 0 };
  #binSeconds: number;
  #frames = 0;
  #frame = -1;
  readonly #byTurn = new Map<VideoTotals['rotate'], number>();
  #first = 0;
  #last: number | undefined;

  /**
   * @param labels of the network, in its order
   * @param fps frames a second that are looked at, above 0 and finite
   * @throws UserError (kind `usage`) for another number: stretches of no length would never end
   */
  constructor(labels: readonly string[], fps: number) {
    if (!(fps > 0 && fps < Number.POSITIVE_INFINITY)) {
      throw new UserError(`A video cannot be summed up at ${fps} frames a second; give a number above 0.`, 'usage');
    }
    this.#labels = labels;
    this.#period = 1 / fps;
    this.#binSeconds = this.#period;
  }

  add({ time, frame, faces }: VideoFrame): void {
    const before = this.#last;
    // Frames that follow each other with a long time between them: the video itself shows nothing there.
    const paused = before !== undefined && frame === this.#frame + 1 && time - before > longestPause + this.#period;
    this.#frame = frame;
    if (before === undefined) this.#first = time;
    this.#frames++;
    this.#last = time;
    while ((time - this.#first) / this.#binSeconds >= maxBins) this.#coarsen();
    const bin = this.#binAt(time);
    for (const { id, keypoints, expression, smoothed, detectionScore, lowContrast, crop } of faces) {
      const quarter = keypoints === null ? 0 : quarterOf(roll({ keypoints }));
      increaseOf(this.#byTurn, quarter);
      const track = this.#tracks.get(id) ?? this.#begin(id, time);
      // A face that is there in two frames was there between them, also where a live stream lost some.
      const goesOn = track.last === before && track.last < time && !paused;
      const shown = goesOn ? time - track.last : this.#period;
      const from = goesOn ? Math.min(bin, this.#binAt(track.last) + 1) : bin;
      track.last = time;
      track.seconds += shown;
      if (lowContrast) track.lowContrastSeconds += shown;
      increaseOf(track.byLabel, expression, shown);
      const values = new Map(smoothed.map(({ label, probability }) => [label, probability]));
      const row = this.#labels.map((label) => entryOf(values, label));
      for (let i = from; i <= bin; i++) addTo(track.bins, i, row, 1);
      if (crop !== undefined && (detectionScore ?? 0) > track.best) {
        track.best = detectionScore ?? 0;
        track.crop = crop;
      }
    }
  }

  #binAt(time: number): number {
    return Math.floor((time - this.#first) / this.#binSeconds + 1e-6);
  }

  totals(): VideoTotals {
    return {
      frames: this.#frames,
      from: this.#first,
      seconds: this.#last === undefined ? 0 : this.#last - this.#first + this.#period,
      rotate: [...this.#byTurn].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0] as const)[0],
      tracks: [...this.#tracks.values()].sort((a, b) => a.id - b.id).map((track) => this.#summary(track)),
      others: { ...this.#others },
    };
  }

  #begin(id: number, time: number): Track {
    if (this.#tracks.size >= maxTracks) this.#dropShortest(time);
    const track = {
      id,
      from: time,
      last: time,
      seconds: 0,
      lowContrastSeconds: 0,
      byLabel: new Map(),
      bins: new Map(),
      best: -1,
      crop: undefined,
    };
    this.#tracks.set(id, track);
    return track;
  }

  #dropShortest(now: number): void {
    // Those that may still go on stay.
    const over = [...this.#tracks.values()].filter(({ last }) => now - last > 10).sort((a, b) => a.seconds - b.seconds);
    for (const { id, seconds } of over.slice(0, maxTracks - keptTracks)) {
      this.#tracks.delete(id);
      this.#others.count++;
      this.#others.seconds += seconds;
    }
  }

  #coarsen(): void {
    this.#binSeconds *= 2;
    for (const track of this.#tracks.values()) {
      const merged = new Map<number, Bin>();
      for (const [i, { sums, count }] of track.bins) addTo(merged, i >> 1, [...sums], count);
      track.bins = merged;
    }
  }

  #summary({ id, from, last, seconds, lowContrastSeconds, byLabel, bins, crop }: Track): TrackSummary {
    const width = this.#binSeconds;
    return {
      id,
      from,
      to: last + this.#period,
      seconds,
      lowContrastSeconds,
      expressions: [...byLabel]
        .map(([label, shown]) => ({ label, seconds: shown }))
        .sort((a, b) => b.seconds - a.seconds),
      bins: [...bins]
        .sort(([a], [b]) => a - b)
        .map(([i, { sums, count }]) => ({
          from: this.#first + i * width,
          to: this.#first + (i + 1) * width,
          values: [...sums].map((sum) => sum / count),
        })),
      ...defined({ crop }),
    };
  }
}

/** By which turn a face with this roll, in radians, comes to stand. */
function quarterOf(roll: number): VideoTotals['rotate'] {
  const quarters = Math.round((2 * roll) / Math.PI);
  return quarters === 0 ? 0 : quarters === 1 ? 270 : quarters === -1 ? 90 : 180;
}

function addTo(bins: Map<number, Bin>, index: number, values: readonly number[], count: number): void {
  const bin = bins.get(index) ?? { count: 0, sums: new Float64Array(values.length) };
  bins.set(index, bin);
  bin.count += count;
  values.forEach((value, k) => {
    increase(bin.sums, k, value);
  });
}
