import { Presets, SingleBar } from 'cli-progress';

export interface CountBar {
  readonly update: (done: number, total: number) => void;
  /** Clears its line, for others to write; the next update shows it again. */
  readonly hide: () => void;
  /** Safe to call twice. */
  readonly stop: () => void;
}

/** A bar on stderr that counts; nothing where stderr is no terminal. */
export function countBar(what: string): CountBar {
  const bar = makeBar(`{bar} {value}/{total} ${what} | {eta_formatted} left`);
  let started = false;
  return {
    update: (done, total) => {
      if (started) bar?.update(done);
      else bar?.start(total, done);
      started = true;
    },
    hide: () => {
      if (bar !== undefined) process.stderr.write('\r\x1b[K');
    },
    stop: () => bar?.stop(),
  };
}

/** Undefined where nobody would see it. It is cleared at the end. */
export function makeBar(format: string): SingleBar | undefined {
  if (!process.stderr.isTTY) return undefined;
  return new SingleBar(
    {
      format,
      barsize: 24,
      clearOnComplete: true,
      stream: process.stderr,
      fps: 8,
      // Signals are ours (`interrupt.ts`), and a process that is killed must leave the terminal as it was.
      gracefulExit: false,
      hideCursor: null,
      linewrap: null,
    },
    Presets.shades_classic,
  );
}
