import { duration } from '../context.js';
import { makeBar } from '../progress.js';

export interface VideoProgress {
  /** @param total seconds of video; null where that is not known */
  readonly begin: (total: number | null) => void;
  /** @param done seconds of video */
  readonly update: (done: number, faces: number) => void;
  /** Clears its line, for others to write. */
  readonly hide: () => void;
  readonly stop: () => void;
}

/** How far a video is, how fast it goes and how long it takes still; on a terminal only. */
export function videoProgress(): VideoProgress {
  let bar: ReturnType<typeof makeBar>;
  let total: number | null = null;
  let began = 0;
  let frames = 0;
  return {
    begin: (seconds) => {
      total = seconds;
      began = performance.now();
      bar = makeBar(
        total === null
          ? '{at} | {speed} frames/s | {faces}'
          : '{bar} {at} of {end} | {speed} frames/s | {left} left | {faces}',
      );
      bar?.start(total ?? 1, 0, { at: duration(0), end: duration(total ?? 0), speed: '-', left: '-', faces: '' });
    },
    update: (done, faces) => {
      frames++;
      const elapsed = (performance.now() - began) / 1000;
      const left = total === null || done <= 0 ? Number.NaN : (elapsed / done) * Math.max(0, total - done);
      bar?.update(total === null ? 0 : Math.min(done, total), {
        at: duration(done),
        end: duration(total ?? 0),
        speed: (frames / elapsed).toFixed(1),
        left: duration(left),
        faces: faces === 1 ? '1 face' : `${faces} faces`,
      });
    },
    hide: () => {
      if (bar !== undefined) process.stderr.write('\r\x1b[K');
    },
    stop: () => bar?.stop(),
  };
}
