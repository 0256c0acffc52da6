// Where faces lie in the crops of a dataset: node scripts/crop-template.mjs DATASET [SPLIT] [SAMPLES]
// Prints a crop template: the median places of eyes, nose and mouth, made the same on both sides. Keeps no picture.

import { loadFaceDetector } from '../dist/src/detect/index.js';
import { decodePicture, loadDataset } from '../dist/src/node/datasets/index.js';

const [root, split = 'train', count = '4000'] = process.argv.slice(2);
if (root === undefined) {
  console.error('Name the dataset: node scripts/crop-template.mjs data/ferplus train 4000');
  process.exit(2);
}
const { samples } = await loadDataset(root, split, { keepNonMajority: true });
const wanted = Math.min(Number(count), samples.length);
const detector = await loadFaceDetector();
/** By name, [x, y] as fractions of the crop's sides. */
const positions = new Map();
let found = 0;
for (let i = 0; i < wanted; i++) {
  // Spread evenly over the list, which is sorted by class.
  const picture = await decodePicture(samples[Math.floor((i * samples.length) / wanted)].path);
  const [face] = await detector.detect(picture, { turned: false, maxFaces: 1, minScore: 0.4 });
  if (face === undefined) continue;
  found++;
  for (const [name, { x, y }] of Object.entries(face.keypoints)) {
    if (!positions.has(name)) positions.set(name, []);
    positions.get(name).push([x / picture.width, y / picture.height]);
  }
}
await detector.dispose();

const quantile = (name, axis, q) => {
  const values = positions.get(name).map((position) => position[axis]);
  values.sort((a, b) => a - b);
  return values[Math.floor(q * (values.length - 1))];
};
const median = (name, axis) => quantile(name, axis, 0.5);
const rounded = (value) => Number(value.toFixed(3));
console.log(`faces found in ${found} of ${wanted} crops (${((100 * found) / wanted).toFixed(1)}%)`);
for (const name of positions.keys()) {
  const row = [0, 1].map((axis) => [0.1, 0.5, 0.9].map((q) => quantile(name, axis, q).toFixed(3)).join(' '));
  console.log(`${name.padEnd(8)}  x ${row[0]}  y ${row[1]}  (10%, 50%, 90%)`);
}
const eyeX = (median('rightEye', 0) + 1 - median('leftEye', 0)) / 2;
const eyeY = rounded((median('rightEye', 1) + median('leftEye', 1)) / 2);
const points = {
  rightEye: [rounded(eyeX), eyeY],
  leftEye: [rounded(1 - eyeX), eyeY],
  noseTip: [0.5, rounded(median('noseTip', 1))],
  mouth: [0.5, rounded(median('mouth', 1))],
};
console.log(JSON.stringify(points));
