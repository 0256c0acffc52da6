/*
 * What stretching the contrast of dark and pale face crops brings, and what it costs others:
 *   npm run build && node dist/bench/contrast.js --data ferplus --split valid
 * The pictures of a split as they are, made darker and paler: each taken as it is, and stretched where its contrast is low.
 */
import { parseArgs } from 'node:util';
import { percent } from '../src/common/percent.js';
import { lowContrastBelow, type Picture, withContrast } from '../src/image/index.js';
import { loadDataset } from '../src/node/datasets/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { requireBundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { CropClassifier, cropWhole, loadClassifier } from '../src/recognize/index.js';

const { values: options } = parseArgs({
  options: { data: { type: 'string' }, split: { type: 'string', default: 'valid' }, checkpoint: { type: 'string' } },
});
if (options.data === undefined) {
  console.error('Name the dataset: node dist/bench/contrast.js --data data/ferplus --split valid');
  process.exit(2);
}
const classifier = await loadClassifier(options.checkpoint ?? (await requireBundledCheckpoint()));
const reader = new CropClassifier(classifier);
const { labels, samples } = await loadDataset(options.data, options.split);
const crops: Picture[] = [];
for (const { path } of samples) {
  crops.push(cropWhole(await decodePicture(path), classifier.preprocessing, 'keep'));
}

/** Values in 0 to 255. */
const changes: readonly (readonly [name: string, change: (value: number) => number])[] = [
  ['as they are', (value) => value],
  ...[0.5, 0.25, 0.12, 0.06, 0.03].map(
    (factor) => [`brightness x${factor}`, (value: number) => value * factor] as const,
  ),
  ['washed out: 200 + 0.2 v', (value) => 200 + 0.2 * value],
];

/** Whether each picture is recognised. */
async function recognised(pictures: readonly Picture[], truth: readonly string[]): Promise<boolean[]> {
  const scores = await reader.classify(pictures, { batchSize: 64 });
  return scores.map(([best], i) => best?.label === truth[i]);
}

const truth = samples.map(({ label }) => labels.labels[label] ?? '');
const share = (right: readonly boolean[]): string => percent(right.filter(Boolean).length / right.length);
console.log(`${samples.length} pictures; contrast is low where 98% of the luma lie within ${lowContrastBelow} values`);
for (const [name, change] of changes) {
  // Rounded as a file would hold them.
  const changed = crops.map((crop) => ({ ...crop, data: crop.data.map((value) => Math.round(change(value))) }));
  const stretched = changed.map((crop) => withContrast(crop, 'stretch'));
  const kept = await recognised(changed, truth);
  const touched = [...stretched.keys()].filter((i) => stretched[i]?.lowContrast === true);
  const again = await recognised(
    stretched.filter(({ lowContrast }) => lowContrast),
    touched.map((i) => truth[i] ?? ''),
  );
  const treated = kept.slice();
  touched.forEach((i, n) => {
    treated[i] = again[n] === true;
  });
  console.log(
    `${name}: ${share(kept)}% right as they are, ${share(treated)}% stretched, which touches ${touched.length}`,
  );
}
await classifier.dispose();
