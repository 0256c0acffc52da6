import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import { random } from '../../common/random.js';
import type { ConfiguredNetwork, NetworkVariant } from '../../models/index.js';
import { buildInference } from '../../models/index.js';
import { initialize } from '../../nn/index.js';
import { adam } from '../../optim/index.js';
import { type ClassifierOptions, loadClassifier } from '../../recognize/classifier.js';
import { checkpointBytes } from '../../safetensors/index.js';
import { Trainer } from '../../train/index.js';

/** Seconds on the CPU, medians. */
export interface NetworkTime {
  /** Of a run with so many pictures together. */
  readonly forward: Readonly<Record<1 | 8, number>>;
  /** Of a training step with 8 pictures: forward, backward, update of Adam. */
  readonly step: number;
}

const repeats = 5;
const stepPictures = 8;

/** Times a network with first values, on noise, with so many threads (default: all cores). */
export async function timeNetwork(
  { name, preprocessing }: Pick<NetworkVariant, 'name' | 'preprocessing'>,
  network: ConfiguredNetwork,
  threads?: number,
): Promise<NetworkTime> {
  const { numClasses, inputChannels, imageSize } = network.config;
  const noise = random(0, 'pictures');
  const images = Float32Array.from({ length: 8 * inputChannels * imageSize ** 2 }, () => noise.next() - 0.5);
  const onThreads: Pick<ClassifierOptions, 'threads'> = defined({ threads });

  const parameters = new Map(
    [...buildInference(network).parameters.values()].map((spec) => [
      spec.name,
      { shape: [...spec.shape], data: initialize(spec, random(0, 'first', spec.name)) },
    ]),
  );
  const labels = { name: 'numbered', labels: Array.from({ length: numClasses }, (_, k) => `class ${k + 1}`) };
  const model = { name, config: network.config };
  const classifier = await loadClassifier(checkpointBytes({ model, labels, preprocessing, parameters }), {
    ...onThreads,
    acrossBatch: true,
  });
  const forward = async (n: 1 | 8): Promise<number> => {
    const some = images.subarray(0, (n * images.length) / 8);
    return medianTime(() => classifier.classify(some, n));
  };
  const [one, eight] = [await forward(1), await forward(8)];
  await classifier.dispose();

  const trainer = await Trainer.create({ network, optimizer: adam(1e-4), ...onThreads });
  const batch = {
    size: stepPictures,
    images,
    labels: Int32Array.from({ length: stepPictures }, (_, i) => i % numClasses),
  };
  const step = await medianTime(() => trainer.step(batch));
  await trainer.dispose();
  return { forward: { 1: one, 8: eight }, step };
}

/** After one run that does not count. */
async function medianTime(run: () => Promise<unknown>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) / 1000);
  }
  return itemAt(
    times.toSorted((a, b) => a - b),
    Math.trunc(repeats / 2),
  );
}
