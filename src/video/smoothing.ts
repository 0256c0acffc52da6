import { itemAt } from '../common/item-at.js';
/**
 * Scores of tracks smoothed exponentially in time: after `seconds` a change has arrived to 63%, whatever the frame rate,
 * so that missing frames do not matter. The first scores of a track are taken as they are.
 */
export class ScoreSmoother {
  readonly #seconds: number;
  readonly #tracks = new Map<number, { time: number; values: readonly number[] }>();

  /** @param seconds the time constant; 0 smooths nothing */
  constructor(seconds: number) {
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`a time constant of ${seconds} s cannot be`);
    }
    this.#seconds = seconds;
  }

  /**
   * @param values of the track at `time`, always in the same order
   * @returns the smoothed ones; sums are kept, so those of probabilities are 1
   */
  update(track: number, time: number, values: readonly number[]): readonly number[] {
    const before = this.#tracks.get(track);
    const share = before === undefined ? 1 : this.#share(time - before.time);
    const smoothed =
      before === undefined || share === 1
        ? [...values]
        : values.map((value, i) => {
            const old = itemAt(before.values, i);
            return old + share * (value - old);
          });
    this.#tracks.set(track, { time, values: smoothed });
    return smoothed;
  }

  /** Forgets the tracks that have not been updated since `time`. */
  forgetBefore(time: number): void {
    for (const [track, { time: last }] of this.#tracks) {
      if (last < time) this.#tracks.delete(track);
    }
  }

  /** Tracks that are remembered. */
  get size(): number {
    return this.#tracks.size;
  }

  #share(elapsed: number): number {
    return this.#seconds === 0 ? 1 : 1 - Math.exp(-Math.max(0, elapsed) / this.#seconds);
  }
}
