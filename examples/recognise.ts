/** Finds the faces of a photo and reads their expressions: `node dist/examples/recognise.js [PICTURE] [CHECKPOINT]`. */
import { Recognizer } from '../src/index.js';

const [picture = 'assets/astronaut.png', checkpoint] = process.argv.slice(2);

const recognizer = await Recognizer.load(checkpoint === undefined ? {} : { checkpoint });
const { faces } = await recognizer.recognize(picture);
for (const { expression, probability, box } of faces) {
  const place = `at (${Math.round(box.x)}, ${Math.round(box.y)}), ${Math.round(box.width)} pixels wide`;
  console.log(`${expression} ${(probability * 100).toFixed(1)}% ${place}`);
}
await recognizer.dispose();
