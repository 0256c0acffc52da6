/** Trains a network in memory, without a file: `node dist/examples/train.js`. */
import { models, optim } from 'poster-v2/core';
import { type Batch, Trainer } from 'poster-v2/train';

const network = models.modelNamed('poster-v2-nano').network.withClasses(2);
const { imageSize } = network.config;
const pixels = imageSize ** 2;

/** Between -0.5 and 0.5, without a pattern, and the same in every run. */
const noise = (i: number): number => ((Math.sin(i * 12.9898) * 43758.5453) % 1) / 2;

/** Gray squares that are lit from the left (class 0) or from the right (class 1), with noise. */
async function* litSquares(batches: number, size = 8): AsyncGenerator<Batch> {
  for (let batch = 0; batch < batches; batch++) {
    const labels = Array.from({ length: size }, (_, i) => i % 2);
    const images = Float32Array.from({ length: size * pixels }, (_, i) => {
      const x = (2 * (i % imageSize)) / imageSize - 1;
      return (labels[Math.floor(i / pixels)] === 1 ? x : -x) + noise(batch * size * pixels + i);
    });
    yield { size, images, labels };
  }
}

const trainer = await Trainer.create({
  network,
  optimizer: optim.adamw(1e-3),
  learningRate: (step) => 1e-3 / (1 + step / 10),
});
for (let epoch = 1; epoch <= 2; epoch++) {
  for await (const { step, loss } of trainer.train(litSquares(4))) console.log(`step ${step}: loss ${loss.toFixed(3)}`);
}
const { accuracy, samples } = await trainer.evaluate(litSquares(4));
console.log(`right: ${accuracy} of ${samples} new pictures`);

// Weights by name, and all that a new trainer needs to go on: `Trainer.create({ ..., from: snapshot })`.
const { parameters, position } = await trainer.snapshot();
console.log(`${parameters.size} tensors after ${position.step} updates`);
await trainer.dispose();
