/**
 * Loader speed on a dataset: `node dist/bench/data.js DIR [SPLIT] [IMAGE_SIZE] [WORKERS]`.
 * Prints images/s of epoch 0 (decoding) and epoch 1 (from the cache), with the small network's augmentation.
 */
import { imagenetMean, imagenetStd } from '../src/common/preprocessing.js';
import { nanoAugmentation } from '../src/image/augment.js';
import { loadDataset } from '../src/node/datasets/dataset.js';
import { createLoader } from '../src/node/datasets/loader.js';

const [root, split = 'train', imageSize = '48', workers = '1'] = process.argv.slice(2);
if (root === undefined) {
  console.error('usage: data DIR [SPLIT] [IMAGE_SIZE] [WORKERS]');
  process.exit(2);
}
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
  augmentation: nanoAugmentation,
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
