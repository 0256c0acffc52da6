/*
 * What a teacher costs: processor time of a training step of poster-v2-nano, and of asking a teacher of the same size about the
 * same batch. `node dist/bench/distillation.js [pictures a batch] [repetitions]`, one thread.
 */
import { itemAt } from '../src/common/item-at.js';
import { modelNamed } from '../src/models/index.js';
import { adamw } from '../src/optim/index.js';
import { loadClassifier } from '../src/recognize/index.js';
import { distillation } from '../src/train/distillation.js';
import { Trainer } from '../src/train/trainer.js';

const [size = 32, repetitions = 5] = process.argv.slice(2).map(Number);
const teacher = await loadClassifier('weights/poster-v2-nano.safetensors', { threads: 1 });
const { network, preprocessing } = modelNamed('poster-v2-nano');
const classes = teacher.labels.labels.length;
const trainer = await Trainer.create({ network: network.withClasses(classes), optimizer: adamw(1e-4), threads: 1 });
const teach = distillation({ labels: teacher.labels, preprocessing }, [teacher]);
const pixels = preprocessing.channels * preprocessing.imageSize ** 2;
const batch = {
  size,
  images: Float32Array.from({ length: size * pixels }, () => 2 * Math.random() - 1),
  labels: Int32Array.from({ length: size }, (_, i) => i % classes),
};

/** Milliseconds of all threads: what else the machine does hardly counts. */
async function cost(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number =>
  itemAt(
    values.toSorted((a, b) => a - b),
    Math.floor(values.length / 2),
  );

const [steps, asked]: [number[], number[]] = [[], []];
// The first of each is slower.
for (let i = 0; i <= repetitions; i++) {
  const step = await cost(() => trainer.step(batch));
  const asking = await cost(() => teach([batch]).next());
  if (i === 0) continue;
  steps.push(step);
  asked.push(asking);
}
const [step, asking] = [median(steps), median(asked)];
console.log(`a step ${step.toFixed(0)} ms, a teacher ${asking.toFixed(0)} ms: ${((100 * asking) / step).toFixed(0)}%`);
await trainer.dispose();
await teacher.dispose();
