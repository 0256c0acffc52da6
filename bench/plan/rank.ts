/** One rank of bench/plan.ts: steps of the trainer on an engine that sleeps, and sums by themselves. Rank 0 tells the medians as JSON. */
import { itemAt } from '../../src/common/item-at.js';
import { Communicator } from '../../src/node/ranks/communicator.js';
import { joinRanks } from '../../src/node/ranks/join.js';
import { Trainer } from '../../src/train/trainer.js';
import { median } from '../turns.js';
import { type Slept, sleptEngine } from './slept-engine.js';

export interface RankWork extends Slept {
  readonly share: number;
  readonly steps: number;
  /** Lengths of sums to measure by themselves. */
  readonly sums: readonly number[];
}

export interface RankResult {
  /** Mean seconds of a step: what a rank waits for others differs from step to step. */
  readonly step: number;
  /** Median seconds of each sum. */
  readonly sums: readonly number[];
}

const work = JSON.parse(itemAt(process.argv, 2)) as RankWork;
const ranks = new Communicator(await joinRanks());
const { classes, share, steps } = work;
const task = { classes, pixels: 1, masks: new Map(), learningRate: () => 0.1 };
const trainer = new Trainer(sleptEngine(work, ranks.rank), task, { reducer: ranks });
const batch = { size: share, images: new Float32Array(share), labels: new Int32Array(share) };
let seconds = 0;
for (let step = -1; step < steps; step++) {
  const start = performance.now();
  await trainer.step(batch);
  // What the loop of a run asks after each step.
  await ranks.sum(new Float32Array(ranks.size));
  // The first one opens connections.
  if (step >= 0) seconds += (performance.now() - start) / 1000;
}
const sums: number[] = [];
for (const length of work.sums) {
  const times: number[] = [];
  const flat = new Float32Array(length);
  for (let i = 0; i < 3; i++) {
    await ranks.sum(new Float32Array(1));
    const start = performance.now();
    await ranks.sum(flat);
    times.push((performance.now() - start) / 1000);
  }
  sums.push(median(times));
}
await ranks.close();
if (ranks.rank === 0) console.log(JSON.stringify({ step: seconds / steps, sums } satisfies RankResult));
