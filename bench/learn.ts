/*
 * What learning from few pictures brings, and how long it takes:
 *   npm run build && node dist/bench/learn.js --data data/ferplus --split valid --classes surprise,sadness,anger
 * Some pictures of each class teach, as if somebody had recorded them, and others of the split measure. With `--new` the classes
 * have names that the network does not know, so that it begins without rows for them.
 */
import { parseArgs } from 'node:util';
import { defined } from '../src/common/defined.js';
import { percent } from '../src/common/percent.js';
import { random } from '../src/common/random.js';
import type { Picture } from '../src/image/index.js';
import { type LabelledCrop, Learner, readBase } from '../src/learn/index.js';
import { loadDataset } from '../src/node/datasets/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { CropClassifier, cropWhole, loadClassifier } from '../src/recognize/index.js';
import { encodeModel, type ModelCheckpoint, safetensorsChunks } from '../src/safetensors/index.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string', default: 'valid' },
    classes: { type: 'string', default: 'surprise,sadness,anger' },
    shots: { type: 'string', default: '30' },
    unseen: { type: 'string', default: '200' },
    seed: { type: 'string', default: '3' },
    epochs: { type: 'string' },
    lr: { type: 'string' },
    copies: { type: 'string' },
    threads: { type: 'string' },
    new: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    frozen: { type: 'string' },
  },
});
if (options.data === undefined) {
  console.error('Name the dataset: node dist/bench/learn.js --data data/ferplus --split valid');
  process.exit(2);
}

const classes = options.classes.split(',');
const [shots, unseen, seed] = [Number(options.shots), Number(options.unseen), Number(options.seed)];
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const threads = number(options.threads);
const { labels, samples } = await loadDataset(options.data, options.split);
type Shown = LabelledCrop & { readonly crop: Picture };
const taught: Shown[] = [];
const others: Shown[] = [];
for (const name of classes) {
  const label = labels.labels.indexOf(name);
  const own = random(seed, name).shuffle(samples.filter((sample) => sample.label === label));
  for (const [i, { path }] of own.slice(0, shots + Math.ceil(unseen / classes.length)).entries()) {
    const crop = { crop: await decodePicture(path), label: options.new ? `my ${name}` : name };
    (i < shots ? taught : others).push(crop);
  }
}
const measured = others.slice(0, unseen);

/** Share of unseen pictures that are right, among all answers and among the classes that are taught. */
async function accuracies(checkpoint: ModelCheckpoint): Promise<string> {
  const { metadata, tensors } = encodeModel(checkpoint);
  const bytes = Buffer.concat([...safetensorsChunks(tensors, metadata)]);
  const classifier = await loadClassifier(bytes, defined({ threads }));
  const crops = measured.map(({ crop }) => cropWhole(crop, classifier.preprocessing));
  const scores = await new CropClassifier(classifier).classify(crops, { batchSize: 64 });
  await classifier.dispose();
  const names = new Set(measured.map(({ label }) => label));
  const share = (isAsked: (label: string) => boolean): string => {
    const right = scores.filter((all, i) => all.find(({ label }) => isAsked(label))?.label === measured[i]?.label);
    return `${percent(right.length / measured.length)}%`;
  };
  return `${share(() => true)}, among the ${names.size} taught ${share((label) => names.has(label))}`;
}

const base = await readBase();
console.log(`${taught.length} pictures of ${classes.join(', ')}; ${measured.length} unseen ones measure`);
if (!options.new) console.log(`the bundled weights: ${await accuracies(base)}`);
const [begun, before] = [performance.now(), process.cpuUsage()];
const learner = await Learner.create({
  base,
  crops: taught,
  ...defined({ threads, epochs: number(options.epochs), lr: number(options.lr), copies: number(options.copies) }),
  ...(options.whole ? { frozen: [] } : {}),
  ...defined({ frozen: options.frozen?.split(',') }),
});
for await (const { epoch, loss, accuracy, crossEntropy, isBest } of learner.train()) {
  const figures = `held out ${percent(accuracy)}%, ${crossEntropy.toFixed(3)} nats${isBest ? ', best so far' : ''}`;
  console.log(`epoch ${epoch}: loss ${loss?.toFixed(3) ?? '-'}; ${figures}`);
}
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(before);
const { checkpoint, epoch, evaluation } = learner.best();
await learner.dispose();
const computed = ((user + system) / 1e6).toFixed(1);
console.log(
  `${seconds.toFixed(1)} s, ${computed} s of CPU; the best is epoch ${epoch}: held out ${percent(evaluation.accuracy)}%`,
);
console.log(`after: ${await accuracies(checkpoint)}`);
