import { defined } from '../../common/defined.js';
import { elements } from '../../graph/index.js';
import type { ConfiguredNetwork } from '../../models/index.js';
import { sgd } from '../../optim/index.js';
import { trainingProgram } from '../../train/program.js';
import { cpuTarget } from '../../train/target.js';
import { Trainer } from '../../train/trainer.js';
import type { Computing, Exchanged } from '../ranks/step-model.js';

/** What one step of training takes here, and what it would send to other ranks. */
export interface StepCost extends Computing, Exchanged {}

/** Steps of each size; those before warm up. */
const steps = 5;

/**
 * Measures steps on noise, on the CPU: of a whole share of a batch and of half of one, which tells what a picture takes and what is taken
 * without any.
 * @param share pictures of one rank, at least 1
 */
export async function measureStep(network: ConfiguredNetwork, share: number, threads?: number): Promise<StepCost> {
  const program = trainingProgram(network, await cpuTarget());
  const trainer = await Trainer.create({ network, program, optimizer: sgd(0), ...defined({ threads }) });
  try {
    const whole = await timesOf(trainer, network, share);
    const half = Math.ceil(share / 2);
    const least = half === share ? undefined : mean(await timesOf(trainer, network, half));
    const most = mean(whole);
    const perPicture = least === undefined ? most / share : Math.max(0, (most - least) / (share - half));
    const deviation = Math.sqrt(mean(whole.map((seconds) => (seconds - most) ** 2)));
    return {
      perPicture,
      fixed: Math.max(0, most - share * perPicture),
      spread: deviation / most,
      gradients: sizeOf(program.trained.values()),
      statistics: sizeOf(program.buffers.values()),
    };
  } finally {
    await trainer.dispose();
  }
}

/** Seconds of each step. */
async function timesOf(trainer: Trainer, { config }: ConfiguredNetwork, size: number): Promise<number[]> {
  const { inputChannels, imageSize, numClasses } = config;
  const images = Float32Array.from({ length: size * inputChannels * imageSize ** 2 }, (_, i) => Math.sin(i * i));
  const labels = Int32Array.from({ length: size }, (_, i) => i % numClasses);
  const times: number[] = [];
  for (let step = -1; step < steps; step++) {
    const start = performance.now();
    await trainer.step({ size, images, labels });
    // The first one allocates.
    if (step >= 0) times.push((performance.now() - start) / 1000);
  }
  return times;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const sizeOf = (shapes: Iterable<readonly number[]>): number =>
  [...shapes].reduce((sum, shape) => sum + elements(shape), 0);
