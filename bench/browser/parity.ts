import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { formatTable } from '../../src/node/report/index.js';
import { type Recognition, Recognizer } from '../../src/recognize/index.js';
import { photoOfFaces, portrait } from '../sample-media.js';
import { openChromium, webGpu } from './chromium.js';
import type {} from './poster-page.js';
import { openSite } from './site.js';

/** Pictures of all that decoders and the detector are asked for, by name; what has no losses is PNG. */
export async function parityPictures(): Promise<ReadonlyMap<string, Uint8Array>> {
  const png = await readFile(portrait);
  const photo = sharp(await photoOfFaces());
  const smaller = sharp(png).resize(256);
  return new Map<string, Uint8Array>([
    ['portrait.png', png],
    ['photo.png', await photo.clone().png().toBuffer()],
    ['gray.png', await smaller.clone().grayscale().png().toBuffer()],
    ['small.png', await sharp(png).resize(200).png().toBuffer()],
    ['lying.png', await smaller.clone().rotate(90).png().toBuffer()],
    ['portrait.jpg', await sharp(png).jpeg({ quality: 90 }).toBuffer()],
    ['photo.jpg', await photo.clone().jpeg({ quality: 90 }).toBuffer()],
    ['exif.jpg', await smaller.clone().rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer()],
  ]);
}

const backends = [
  ['WASM', 'device=cpu', []],
  ['WebGPU, software adapter', 'device=webgpu', webGpu],
] as const;

/** The greatest distances between two results of one picture: of boxes in pixels, and of probabilities. */
interface Distance {
  readonly pixels: number;
  readonly scores: number;
}

function distance(there: Recognition, here: Recognition): Distance {
  // Another number of faces is no distance at all.
  if (there.faces.length !== here.faces.length) return { pixels: Number.NaN, scores: Number.NaN };
  let [pixels, scores] = [0, 0];
  for (const face of here.faces) {
    // Faces come by their scores, and those of two may be nearly the same.
    const others = there.faces.map((other) => ({ other, off: offBy(other.box, face.box) }));
    const nearest = others.reduce((a, b) => (b.off < a.off ? b : a));
    pixels = Math.max(pixels, nearest.off);
    for (const { label, probability } of face.scores) {
      const found = nearest.other.scores.find((score) => score.label === label)?.probability ?? Number.NaN;
      scores = Math.max(scores, Math.abs(found - probability));
    }
  }
  return { pixels, scores };
}

type Box = Recognition['faces'][number]['box'];

const offBy = (a: Box, b: Box): number =>
  Math.max(...(['x', 'y', 'width', 'height'] as const).map((side) => Math.abs(a[side] - b[side])));

/** The same pictures in Node and in Chromium, on each backend. @returns whether PNGs stay within a pixel and 0.001 */
export async function parity(): Promise<boolean> {
  const pictures = await parityPictures();
  const recognizer = await Recognizer.load();
  const expected = await recognizer.recognize([...pictures.values()]);
  await recognizer.dispose();
  const names = [...pictures.keys()];
  const files = new Map([...pictures].map(([name, bytes]) => [`/pictures/${name}`, bytes] as const));
  const site = await openSite({ programs: ['poster-page'], files });
  const rows = [['backend', ...names.map((name, i) => `${name} (${expected[i]?.faces.length})`)]];
  let holds = true;
  try {
    for (const [name, query, args] of backends) {
      const browser = await openChromium({ args });
      try {
        const page = await browser.page(`${site.address}poster-page?${query}`, 'poster');
        const results = await page.evaluate((paths) => poster.results(paths), [...files.keys()]);
        const cells = results.map((result, i) => {
          const own = expected[i];
          if (own === undefined) throw new Error('there is a result too many');
          const { pixels, scores } = distance(result, own);
          if (names[i]?.endsWith('.png')) holds &&= pixels <= 1 && scores <= 1e-3;
          return `${pixels.toFixed(3)} px, ${scores.toExponential(1)}`;
        });
        rows.push([name, ...cells]);
      } catch (error) {
        rows.push([name, `does not run here: ${String(error).split('\n')[0]}`]);
      } finally {
        await browser.close();
      }
    }
  } finally {
    site.close();
  }
  console.log('Chromium beside Node: greatest distance of boxes in pixels, of probabilities (faces in brackets)');
  const [head = [], ...rest] = rows;
  // One column for each backend reads better than one for each picture.
  console.log(formatTable(head.map((_, i) => [head, ...rest].map((row) => row[i] ?? ''))));
  return holds;
}
