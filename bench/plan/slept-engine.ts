import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../../src/common/random.js';
import { flatten } from '../../src/optim/index.js';
import type { Engine, Gradients, MicroBatch, Pass } from '../../src/train/engine.js';

export interface Slept {
  /** Elements of the gradients, and of the statistics of one part. */
  readonly gradients: number;
  readonly statistics: number;
  /** Seconds of a pass: {@link fixed}, and so many for each picture. */
  readonly fixed: number;
  readonly perPicture: number;
  /** Standard deviation, as a fraction. */
  readonly spread: number;
  readonly classes: number;
}

/** An engine that sleeps in place of computing: several ranks of one machine then take the time of machines of their own. */
export function sleptEngine(slept: Slept, rank: number): Engine {
  const { gradients, statistics, fixed, perPicture, spread, classes } = slept;
  const layout = flatten(new Map([['weight', [gradients]]]));
  const flat = new Float32Array(layout.total);
  const draws = random(rank, 'slept');
  const own: Gradients = {
    layout,
    onHost: async (work) => void (await work(flat.fill(1))),
    climb: () => Promise.reject(new Error('these steps do not climb')),
    update: () => Promise.resolve(),
  };
  return {
    forwardBackward: async (parts: readonly MicroBatch[]): Promise<Pass> => {
      const pictures = parts.reduce((all, { size }) => all + size, 0);
      const seconds = (fixed + perPicture * pictures) * (1 + spread * draws.normal());
      await sleep(1000 * Math.max(0, seconds));
      return {
        results: parts.map(({ size }) => ({
          losses: new Float32Array(size).fill(1),
          logits: new Float32Array(size * classes),
        })),
        gradients: own,
        moveStatistics: async (exchange) => void (await exchange?.(new Float32Array(statistics * parts.length))),
      };
    },
    logits: (_, n) => Promise.resolve(new Float32Array(n * classes)),
    snapshot: () => Promise.reject(new Error('there is nothing to be saved')),
    dispose: () => Promise.resolve(),
  };
}
