// Measures the bundled weights and writes their figures into MODEL_CARD.md:
//   npm run build && node scripts/model-card.mjs --data DIR [--split NAME] [--card FILE]
// Only what lies between markers changes. Run it whenever the weights change; a test holds card and file together.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInference, countParameters, parseNetwork } from '../dist/src/models/index.js';
import { loadModel } from '../dist/src/node/checkpoints/index.js';
import { loadDataset, splitAmong, splitsOf } from '../dist/src/node/datasets/index.js';
import { requireBundledCheckpoint } from '../dist/src/node/host/bundled-weights.js';
import { evaluateOn } from '../dist/src/node/measure/index.js';
import { loadClassifier } from '../dist/src/recognize/index.js';
import { figuresText, fileText, modelIndexText, replacePart } from './support/model-card-text.mjs';
import { root } from './support/steps.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string' },
    card: { type: 'string', default: `${root}MODEL_CARD.md` },
  },
});
if (options.data === undefined) {
  console.error('Name the dataset: node scripts/model-card.mjs --data data/ferplus --split valid');
  process.exit(2);
}
const weights = await requireBundledCheckpoint();
const bytes = await readFile(weights);
const { parameters: _, ...description } = await loadModel(weights);

const classifier = await loadClassifier(weights);
const measured = await evaluateOn(classifier, options.data, { split: options.split });
const { split, protocol } = measured;
const measuredOtherwise = async (title, how) => ({
  title,
  result: await evaluateOn(classifier, options.data, { split, ...how }),
});
const others = [];
if (protocol.shared !== null) {
  others.push(await measuredOtherwise(`not in '${protocol.shared.split}'`, { unseen: true }));
}
// As those count who have seven expressions.
if (classifier.labels.labels.includes('contempt')) {
  others.push(await measuredOtherwise('without contempt', { without: ['contempt'] }));
}
await classifier.dispose();

const trained = splitAmong(await splitsOf(options.data), description.training?.protocol?.trainSplit ?? 'train');
let trainCounts = null;
if (trained !== undefined) {
  const { samples } = await loadDataset(options.data, trained, { labels: description.labels });
  trainCounts = measured.labels.labels.map((_, c) => samples.filter(({ label }) => label === c).length);
}

const about = {
  path: relative(root, weights).replaceAll(sep, '/'),
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  parameters: countParameters(buildInference(parseNetwork(description.model, 'the checkpoint')).parameters.values()),
  description,
};
let text = await readFile(options.card, 'utf8');
text = replacePart(text, 'model-index', modelIndexText(description.model.name, measured), ['# ', '']);
text = replacePart(text, 'file', fileText(about));
text = replacePart(text, 'figures', figuresText(measured, others, trainCounts));
await writeFile(options.card, text);
const { samples, accuracy } = measured.evaluation;
console.log(`${options.card}: ${(100 * accuracy).toFixed(1)}% of ${samples} pictures right`);
