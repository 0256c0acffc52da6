/** A small network learns in memory what the bundled one says of pictures that have no labels: `node dist/examples/distil.js`. */
import { models, optim, recognize } from 'poster-v2/core';
import { type Batch, distillation, Trainer } from 'poster-v2/train';

const teacher = await recognize.loadClassifier('weights/poster-v2-nano.safetensors');
const { labels } = teacher;
const { network: base, preprocessing } = models.modelNamed('resnet8');
const network = base.withClasses(labels.labels.length);
const pixels = preprocessing.channels * preprocessing.imageSize ** 2;

/** Stripes of any width and direction. */
function* stripes(batches: number, size = 6): Generator<Batch> {
  for (let batch = 0; batch < batches; batch++) {
    const waves = Array.from({ length: size }, () => [Math.random() / 2, Math.random() / 2] as const);
    const images = Float32Array.from({ length: size * pixels }, (_, i) => {
      const [across, down] = waves[Math.floor(i / pixels)] ?? [0, 0];
      return (
        2 * Math.sin(across * (i % preprocessing.imageSize) + down * Math.floor((i % pixels) / preprocessing.imageSize))
      );
    });
    // Nobody knows what stripes feel. With a weight of 1 labels do not count.
    yield { size, images, labels: new Int32Array(size) };
  }
}

const teach = distillation({ labels, preprocessing }, [teacher], { weight: 1 });
const trainer = await Trainer.create({ network, optimizer: optim.adamw(1e-2) });
for (let epoch = 1; epoch <= 2; epoch++) {
  for await (const { step, loss } of trainer.train(teach(stripes(8))))
    console.log(`step ${step}: loss ${loss.toFixed(3)}`);
}
await trainer.dispose();
await teacher.dispose();
