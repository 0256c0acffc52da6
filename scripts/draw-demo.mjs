// Draws docs/demo.svg, the picture in the README: the sample portrait beside what the network says of it.
// Run it after `npm run build`, with the weights in place; nothing in it is typed by hand.
import { readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { loadClassifier, predict, requireBundledCheckpoint } from '../dist/src/index.js';
import { root } from './support/steps.mjs';

const portrait = `${root}assets/astronaut-face.png`;
const classifier = await loadClassifier(await requireBundledCheckpoint());
const [scores = []] = await predict(classifier, [portrait]);
await classifier.dispose();

const jpeg = await sharp(await readFile(portrait))
  .jpeg({ quality: 85 })
  .toBuffer();
const rowHeight = 26;
const height = 224 + 32 + 34;
const top = 16 + 34 + (224 - rowHeight * scores.length) / 2;
const rows = scores.map(({ label, probability }, i) => {
  const y = top + i * rowHeight;
  const width = Math.max(1, Math.round(probability * 240));
  return `<text class="label" x="360" y="${y + 17}">${label}</text>
  <rect x="372" y="${y + 4}" width="${width}" height="18" rx="2" fill="${i === 0 ? '#3fb950' : '#6e7681'}"/>
  <text x="${378 + width}" y="${y + 17}">${(probability * 100).toFixed(1)}%</text>`;
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 ${height}" width="700" height="${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">
  <title>The sample portrait and the expressions ranked for it: ${scores.map(({ label, probability }) => `${label} ${(probability * 100).toFixed(1)}%`).join(', ')}</title>
  <style>text { fill: #e6edf3 } .label { text-anchor: end }</style>
  <rect width="700" height="${height}" rx="8" fill="#0d1117"/>
  <text x="16" y="32">$ npx poster predict assets/astronaut-face.png --aligned</text>
  <image x="16" y="50" width="224" height="224" href="data:image/jpeg;base64,${jpeg.toString('base64')}"/>
  ${rows.join('\n  ')}
</svg>
`;
await writeFile(`${root}docs/demo.svg`, svg);
