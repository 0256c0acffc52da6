/*
 * Accuracy under corruptions, ours beside the expressions of `@vladmandic/face-api` on the same corrupted crops:
 *   npm run build && node dist/bench/corruptions.js --data ferplus --split valid --sample 500
 * Options: --sample N (pictures, evenly over the split's list; default: all), --seed N (default 0), --checkpoint FILE,
 * --threads N (default 1), --plot FILE.svg. Majority labels; expressions that one does not know count wrong.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cropTemplateFor } from '../src/common/crop-templates.js';
import { percent } from '../src/common/percent.js';
import { loadDataset } from '../src/node/datasets/index.js';
import { requireBundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { evaluateOn, type MeasuredRobustness } from '../src/node/measure/index.js';
import { corruptionChart, corruptionText, formatTable, renderSvg } from '../src/node/report/index.js';
import { type Classifier, loadClassifier } from '../src/recognize/index.js';
import { evenly, withSample } from './dataset-sample.js';
import { asClassifier, loadFaceApi } from './face-api.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string', default: 'valid' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
    checkpoint: { type: 'string' },
    plot: { type: 'string' },
  },
});
if (options.data === undefined) {
  console.error('Name the dataset: node dist/bench/corruptions.js --data data/ferplus --split valid');
  process.exit(2);
}
const ours = await loadClassifier(options.checkpoint ?? (await requireBundledCheckpoint()), {
  threads: Number(options.threads),
});
const theirs = asClassifier(await loadFaceApi(), ours.preprocessing.imageSize);
const template = cropTemplateFor(ours.preprocessing);
const dataset = await loadDataset(options.data, options.split);
const samples = evenly(dataset.samples, Number(options.sample ?? dataset.samples.length));

const networks = await withSample(dataset, samples, async (root) => {
  const measured: { name: string; robustness: MeasuredRobustness }[] = [];
  for (const classifier of [ours, theirs] satisfies Classifier[]) {
    const { robustness } = await evaluateOn(classifier, root, {
      split: dataset.split,
      mapping: { unknown: 'wrong' },
      corruptions: { seed: Number(options.seed), template },
    });
    const { name } = classifier.description.model;
    measured.push(...(robustness === undefined ? [] : [{ name, robustness }]));
  }
  return measured;
});
const on = `${options.data}, split '${dataset.split}': ${samples.length} of ${dataset.samples.length} pictures`;
console.log(on);
for (const { name, robustness } of networks) console.log(`\n${name}\n${corruptionText(robustness)}`);
const figures = networks.flatMap(({ robustness }) => [robustness]);
const rows = [
  ['as they are', ...figures.flatMap(({ clean }) => [percent(clean.accuracy), percent(clean.meanClassAccuracy)])],
  ...(figures[0]?.corruptions ?? []).map(({ name }, c) => [
    name,
    ...figures.flatMap(({ corruptions }) => {
      const mean = corruptions[c]?.mean;
      return [percent(mean?.accuracy ?? null), percent(mean?.meanClassAccuracy ?? null)];
    }),
  ]),
  ['mean', ...figures.flatMap(({ mean }) => [percent(mean.accuracy), percent(mean.meanClassAccuracy)])],
];
console.log('\nMean over the five strengths');
console.log(formatTable([['', ...networks.flatMap(({ name }) => [`${name} %`, 'class mean %'])], ...rows]));
if (options.plot !== undefined) await writeFile(options.plot, await renderSvg(corruptionChart(networks, on)));
await ours.dispose();
