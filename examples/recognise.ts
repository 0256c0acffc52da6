/** Reads the expression on a face crop: `node dist/examples/recognise.js [PICTURE] [CHECKPOINT]`. */
import { loadClassifier, predict, requireBundledCheckpoint } from '../src/index.js';

const [picture = 'assets/astronaut-face.png', checkpoint = await requireBundledCheckpoint()] = process.argv.slice(2);

const classifier = await loadClassifier(checkpoint);
const [scores = []] = await predict(classifier, [picture]);
for (const { label, probability } of scores) console.log(`${label.padEnd(10)} ${(probability * 100).toFixed(1)}%`);
await classifier.dispose();
