/** Finds the faces of a photo and reads their expressions: `node dist/examples/recognise.js [PICTURE]`. */
import { Recognizer } from 'poster-v2';

const [picture = 'assets/astronaut.png'] = process.argv.slice(2);

const recognizer = await Recognizer.load();
const { faces } = await recognizer.recognize(picture);
for (const { expression, probability, box } of faces) {
  const position = `at (${Math.round(box.x)}, ${Math.round(box.y)}), ${Math.round(box.width)} pixels wide`;
  console.log(`${expression} ${(probability * 100).toFixed(1)}% ${position}`);
}
await recognizer.dispose();
