/**
 * Loader speed on a dataset: `node dist/bench/data.js DIR [SPLIT] [IMAGE_SIZE] [WORKERS] [CHANGES]`.
 * Prints images/s of epoch 0 (decoding) and epoch 1 (from the cache), with the small network's augmentation, and where
 * CHANGES are named (such as `blur,jpeg,mixup`, or `all`) with those as well, each done to every picture.
 */
import { imagenetMean, imagenetStd } from '../src/common/preprocessing.js';
import { type Augmentation, nanoAugmentation } from '../src/image/augmentation.js';
import { loadDataset } from '../src/node/datasets/dataset.js';
import { createLoader } from '../src/node/datasets/loader.js';

const [root, split = 'train', imageSize = '48', workers = '1', names = ''] = process.argv.slice(2);
if (root === undefined) {
  console.error('usage: data DIR [SPLIT] [IMAGE_SIZE] [WORKERS] [CHANGES]');
  process.exit(2);
}
const changes: Readonly<Record<string, Partial<Augmentation>>> = {
  cropScale: { cropScale: [0.83, 0.92] },
  gammaCorrection: { gammaCorrection: 0.5 },
  blur: { blur: 1 },
  noise: { noise: 0.1 },
  jpeg: { jpeg: 1 },
  erasing: { erasing: { probability: 1, scale: [0.02, 0.33], ratio: [0.3, 3.3] } },
};
const wanted = (name: string): boolean => names === 'all' || names.split(',').includes(name);
const chosen = Object.entries(changes).map(([name, change]) => (wanted(name) ? change : {}));
const size = Number(imageSize);
const started = performance.now();
const dataset = await loadDataset(root, split, { keepNonMajority: true });
console.log(`${dataset.samples.length} pictures listed in ${((performance.now() - started) / 1000).toFixed(2)} s`);
const gray = size < 100;
const loader = createLoader(dataset, {
  preprocessing: gray
    ? { imageSize: size, channels: 1, mean: [0.5], std: [0.25] }
    : { imageSize: size, channels: 3, mean: imagenetMean, std: imagenetStd },
  batchSize: 128,
  workers: Number(workers),
  augmentation: Object.assign({}, nanoAugmentation, ...chosen),
  mixing: { mixup: wanted('mixup') ? 0.2 : 0, cutmix: wanted('cutmix') ? 1 : 0 },
  targets: 'distribution',
});
for (const epoch of [0, 1]) {
  const from = performance.now();
  let images = 0;
  for await (const batch of loader.epoch(epoch, { order: 'shuffled' })) images += batch.size;
  const seconds = (performance.now() - from) / 1000;
  console.log(
    `epoch ${epoch}: ${Math.round(images / seconds)} images/s (${images} in ${seconds.toFixed(2)} s), ` +
      `${workers} workers, ${gray ? 1 : 3} x ${size} x ${size}, ${loader.skipped.length} skipped`,
  );
}
await loader.close();
console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
