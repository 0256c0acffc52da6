/*
 * How far maps point at what the network uses: cover a ninth of each picture, where a map is highest, with the picture's
 * mean, and see how much probability the class ranked first loses. A map that says nothing does as well as chance.
 *
 *     node dist/bench/explanations.js DATASET [SPLIT] [PICTURES] [CHECKPOINT]
 */
import { random } from '../src/common/random.js';
import { type AttentionMap, type ClassTokenAttention, loadExplainer } from '../src/explain/index.js';
import { loadDataset } from '../src/node/datasets/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { stratifiedSample } from '../src/node/measure/index.js';
import { loadClassifier, loadPicture } from '../src/recognize/index.js';

const [, , root, split = 'valid', count = '500', checkpoint = bundledCheckpoint()] = process.argv;
if (root === undefined)
  throw new Error('usage: node dist/bench/explanations.js DATASET [SPLIT] [PICTURES] [CHECKPOINT]');
const { samples } = await loadDataset(root, split);
const chosen = stratifiedSample(
  Int32Array.from(samples, ({ label }) => label),
  Number(count),
  0,
);
const explainer = await loadExplainer(checkpoint);
const classifier = await loadClassifier(checkpoint);
const { imageSize } = classifier.preprocessing;
const losses = new Map<string, number>();

for (const index of chosen) {
  const picture = await loadPicture(samples[index]?.path ?? '', classifier.preprocessing);
  const { classToken, scales, scores, target } = await explainer.explain(picture);
  const stream = random(0, 'explanations', index);
  const chance = (side: number): AttentionMap => ({
    side,
    values: Float32Array.from({ length: side * side }, () => stream.next()),
  });
  const maps: [string, AttentionMap][] = [
    ...(classToken === undefined ? [] : ofClassToken(classToken, chance)),
    ...scales.flatMap((one): [string, AttentionMap][] => [
      [`scale ${one.scale}, attention`, one.attention],
      [`scale ${one.scale}, relevance`, one.relevance],
      [`chance at scale ${one.scale}`, chance(one.attention.side)],
    ]),
  ];
  const before = scores[0]?.probability ?? 0;
  for (const [name, { side, values }] of maps) {
    const { probabilities } = await classifier.classify(covered(picture, values, side), 1);
    const after = probabilities[classifier.labels.labels.indexOf(target)] ?? 0;
    losses.set(name, (losses.get(name) ?? 0) + (before - after) / chosen.length);
  }
}
console.log(`probability lost, mean over ${chosen.length} pictures of ${root}, split ${split}:`);
for (const [name, loss] of losses) console.log(`${name.padEnd(24)}${(100 * loss).toFixed(1)}%`);
await explainer.dispose();
await classifier.dispose();

function ofClassToken(
  { attention, rollout, relevance }: ClassTokenAttention,
  chance: (side: number) => AttentionMap,
): [string, AttentionMap][] {
  return [
    ['class token, attention', attention.all],
    ['class token, rollout', rollout.all],
    ['class token, relevance', relevance.all],
    ['chance', chance(attention.all.side)],
  ];
}

/** The picture with the highest ninth of the map's cells replaced by its mean. */
function covered(picture: Float32Array, values: Float32Array, side: number): Float32Array {
  const mean = picture.reduce((a, b) => a + b, 0) / picture.length;
  const highest = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  const cells = new Set(highest.slice(0, Math.round(values.length / 9)));
  const cellOf = (at: number): number => Math.trunc((at * side) / imageSize);
  return picture.map((value, i) => {
    const [x, y] = [i % imageSize, Math.trunc(i / imageSize) % imageSize];
    return cells.has(cellOf(y) * side + cellOf(x)) ? mean : value;
  });
}
