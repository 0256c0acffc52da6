/*
 * What the whole pipeline costs in accuracy: face crops are placed in larger pictures, found by the detector, cropped by the
 * template and read, beside the same crops given as they are.
 *   npm run build && node dist/bench/placed-faces.js --data ferplus --split valid --sample 300 --estimate 300
 * Options: --sample N (pictures, evenly over the split's list; default 300), --sizes LIST (sides of placed crops, default
 * 48,72,96,160,240), --backgrounds LIST (gray, noise, photo; default all), --seed N, --checkpoint FILE, --threads N (default 1), and
 * --estimate N: measure where eyes, nose and mouth are found in N placed crops of the training split, and try that template too.
 * Pictures are 640 x 480. Each crop lies somewhere within; of the faces that are found, one whose middle is in the crop counts.
 */
import { parseArgs } from 'node:util';
import { itemAt } from '../src/common/item-at.js';
import { percent } from '../src/common/percent.js';
import type { CropTemplate } from '../src/common/preprocessing.js';
import { random } from '../src/common/random.js';
import { cropTemplateFor, type Face, intersectionOverUnion, type KeypointName } from '../src/detect/index.js';
import { type Picture, resizeBilinear } from '../src/image/index.js';
import { loadDataset, type Sample } from '../src/node/datasets/index.js';
import { decodePicture } from '../src/node/decode/index.js';
import { formatTable } from '../src/node/report/index.js';
import { cropFace, cropWhole, Recognizer } from '../src/recognize/index.js';
import { evenly } from './dataset-sample.js';
import { portrait } from './sample-media.js';
import { median } from './turns.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string', default: 'valid' },
    sample: { type: 'string', default: '300' },
    sizes: { type: 'string', default: '48,72,96,160,240' },
    backgrounds: { type: 'string', default: 'gray,noise,photo' },
    estimate: { type: 'string' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
    checkpoint: { type: 'string' },
  },
});
if (options.data === undefined) {
  console.error('Name the dataset: node dist/bench/placed-faces.js --data data/ferplus --split valid');
  process.exit(2);
}
const [width, height] = [640, 480];
const seed = Number(options.seed);
const recognizer = await Recognizer.load({
  threads: Number(options.threads),
  ...(options.checkpoint === undefined ? {} : { checkpoint: options.checkpoint }),
});
const { preprocessing } = recognizer.classifier;
const stored = cropTemplateFor(preprocessing);

/** What is behind the crop, RGB. */
async function backgroundOf(name: string): Promise<(index: number) => Uint8Array> {
  const values = 3 * width * height;
  if (name === 'gray') return () => new Uint8Array(values).fill(118);
  if (name === 'noise') {
    return (index) => {
      const stream = random(seed, 'background', index);
      return Uint8Array.from({ length: values }, () => 78 + stream.int(80));
    };
  }
  if (name !== 'photo') throw new Error(`there is no background ${name}; give gray, noise or photo`);
  // Colours and shades of a photo, out of focus: its face cannot be found.
  const { data } = resizeBilinear(resizeBilinear(await decodePicture(portrait), 16, 12), width, height);
  return () => data.slice();
}

/** A square of a picture, in pixels. */
interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

function pasted(
  crop: Picture,
  side: number,
  background: Uint8Array,
  index: number,
): { photo: Picture; square: Square } {
  const stream = random(seed, 'place', index);
  const [x, y] = [stream.int(width - side + 1), stream.int(height - side + 1)];
  const { data, channels } = resizeBilinear(crop, side, side);
  for (let row = 0; row < side; row++) {
    for (let at = 0; at < 3 * side; at++) {
      const from = channels === 3 ? 3 * row * side + at : row * side + Math.floor(at / 3);
      background[3 * ((y + row) * width + x) + at] = itemAt(data, from);
    }
  }
  return { photo: { width, height, channels: 3, data: background }, square: { x, y, side } };
}

async function faceIn(photo: Picture, { x, y, side }: Square): Promise<Face | undefined> {
  const faces = (await recognizer.detector?.detect(photo)) ?? [];
  const whole = { x, y, width: side, height: side };
  const overlap = (face: Face): number => intersectionOverUnion(face.box, whole);
  const within = faces.filter(({ box }) => {
    const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
    return cx > x && cx < x + side && cy > y && cy < y + side && box.width > side / 4;
  });
  return within.sort((a, b) => overlap(b) - overlap(a))[0];
}

const names = ['rightEye', 'leftEye', 'noseTip', 'mouth'] as const satisfies readonly KeypointName[];
type Positions = Record<(typeof names)[number], { readonly x: number; readonly y: number }[]>;
const noPositions = (): Positions => ({ rightEye: [], leftEye: [], noseTip: [], mouth: [] });

function note(positions: Positions, { keypoints }: Face, { x, y, side }: Square): void {
  for (const name of names) {
    positions[name].push({ x: (keypoints[name].x - x) / side, y: (keypoints[name].y - y) / side });
  }
}

/** The medians, the same on both sides, as `scripts/crop-template.mjs` has them. */
function templateOf(positions: Positions): CropTemplate {
  const at = (name: keyof Positions, axis: 'x' | 'y'): number => median(positions[name].map((point) => point[axis]));
  const eyeX = (at('rightEye', 'x') + 1 - at('leftEye', 'x')) / 2;
  const eyeY = (at('rightEye', 'y') + at('leftEye', 'y')) / 2;
  const rounded = (x: number, y: number) => [Number(x.toFixed(3)), Number(y.toFixed(3))] as const;
  return {
    name: 'as found',
    points: {
      rightEye: rounded(eyeX, eyeY),
      leftEye: rounded(1 - eyeX, eyeY),
      noseTip: rounded(0.5, at('noseTip', 'y')),
      mouth: rounded(0.5, at('mouth', 'y')),
    },
  };
}

async function labelsOf(crops: readonly Picture[]): Promise<string[]> {
  const scores = await recognizer.crops.classify(crops);
  return scores.map(([best]) => best?.label ?? '');
}

/** Where faces are found in placed crops of the training split. */
async function estimated(data: string, count: number): Promise<CropTemplate> {
  const { samples } = await loadDataset(data, 'train');
  const background = await backgroundOf('gray');
  const positions = noPositions();
  const chosen = evenly(samples, count);
  for (const [i, { path }] of chosen.entries()) {
    const { photo, square } = pasted(await decodePicture(path), 96, background(i), i);
    const face = await faceIn(photo, square);
    if (face !== undefined) note(positions, face, square);
  }
  const template = templateOf(positions);
  const found = positions.mouth.length;
  console.log(`Found in ${found} of ${chosen.length} training crops; ${JSON.stringify(template.points)}`);
  return template;
}

async function measure(samples: readonly Sample[], truth: readonly string[], templates: readonly CropTemplate[]) {
  const decoded = await Promise.all(samples.map(({ path }) => decodePicture(path)));
  const own = await labelsOf(decoded.map((picture) => cropWhole(picture, preprocessing)));
  const share = (list: readonly boolean[]): string => percent(list.filter(Boolean).length / Math.max(1, list.length));
  console.log(`As crops: ${share(own.map((label, i) => label === truth[i]))}% of ${samples.length} right`);
  const rows = [['background', 'side', 'found %', 'as crops %', 'template', 'of found %', 'of all %', 'as the crop %']];
  for (const name of (options.backgrounds ?? '').split(',')) {
    const background = await backgroundOf(name);
    for (const side of (options.sizes ?? '').split(',').map(Number)) {
      const found: number[] = [];
      const crops = templates.map((): Picture[] => []);
      for (const [i, crop] of decoded.entries()) {
        const { photo, square } = pasted(crop, side, background(i), i);
        const face = await faceIn(photo, square);
        if (face === undefined) continue;
        found.push(i);
        for (const [t, template] of templates.entries()) {
          itemAt(crops, t).push(cropFace(photo, face.keypoints, { ...preprocessing, crop: template }));
        }
      }
      const ofFound = share(found.map((i) => own[i] === truth[i]));
      for (const [t, template] of templates.entries()) {
        const labels = await labelsOf(itemAt(crops, t));
        const right = found.map((i, n) => labels[n] === truth[i]);
        const all = percent(right.filter(Boolean).length / samples.length);
        const same = share(found.map((i, n) => labels[n] === own[i]));
        const shown = percent(found.length / samples.length);
        rows.push([name, String(side), shown, ofFound, template.name, share(right), all, same]);
      }
    }
  }
  console.log(formatTable(rows));
}

const { labels, samples } = await loadDataset(options.data, options.split);
const chosen = evenly(samples, Number(options.sample));
const truth = chosen.map(({ label }) => itemAt(labels.labels, label));
const others = options.estimate === undefined ? [] : [await estimated(options.data, Number(options.estimate))];
await measure(chosen, truth, [stored, ...others]);
await recognizer.dispose();
