import type { CropTemplate, KeypointName } from '../common/preprocessing.js';
import type { Random } from '../common/random.js';
import { addNoise } from './degrade.js';
import { type FloatPicture, gaussianBlur } from './gaussian-blur.js';
import { jpegLoss } from './jpeg-loss.js';
import { meanOf, painted } from './paint.js';
import { type Picture, resizeBilinear, toLuma } from './resize.js';
import { turn } from './similarity.js';
import { warp } from './warp.js';

/** What a corruption is told besides the picture and its strength. */
export interface CorruptionContext {
  /** Where the parts of the face lie, as fractions of the picture's sides. */
  readonly points: CropTemplate['points'];
  /** Of this picture and corruption: what is drawn is the same at every strength. */
  readonly stream: Random;
}

/** One way in which face crops come out worse than those of datasets. */
export interface Corruption {
  /** For people and as a key: `low resolution`. */
  readonly name: string;
  /** What a strength counts, for people: `pixels across`. */
  readonly unit: string;
  /** From the weakest to the strongest. */
  readonly strengths: Strengths;
  /** Points that the template must have. */
  readonly needs: readonly KeypointName[];
  /** The picture, corrupted; its size and channels stay. */
  readonly apply: (picture: Picture, strength: number, context: CorruptionContext) => Picture;
}
export type Strengths = readonly [number, number, number, number, number];

/** Longer sides are shrunk to this before anything is done: ImageNet-C's size, and so its noise and its blocks of JPEG. */
const corruptionSide = 224;

/**
 * A decoded picture as corruptions take it: at most `corruptionSide` pixels long, and with one channel where it is gray, since
 * noise in a gray picture is gray.
 */
export function corruptible(picture: Picture): Picture {
  const { width, height } = picture;
  const factor = Math.min(1, corruptionSide / Math.max(width, height));
  const side = (length: number): number => Math.max(1, Math.round(length * factor));
  const small = resizeBilinear(picture, side(width), side(height));
  return isGray(small) ? toLuma(small) : small;
}

function isGray({ channels, data }: Picture): boolean {
  return channels === 1 || data.every((value, i) => value === data[i - (i % 3)]);
}

/** Too much light: a share of the range is added to every value. Strengths are ImageNet-C's. */
export const brighter = (picture: Picture, share: number): Picture =>
  changed(picture, (values) => {
    for (const [i, value] of values.entries()) values[i] = value + 255 * share;
  });

/** Too little light: values are multiplied, and what is left of them is rounded to 8 bits. */
export const darker = (picture: Picture, factor: number): Picture =>
  changed(picture, (values) => {
    for (const [i, value] of values.entries()) values[i] = value * factor;
  });

/** Haze: the distance of every value from its channel's mean is multiplied. Strengths are ImageNet-C's. */
const lessContrast = (picture: Picture, factor: number): Picture =>
  changed(picture, (values) => {
    const means = meanOf(picture);
    for (const [i, value] of values.entries()) {
      const mean = means[i % picture.channels];
      if (mean !== undefined) values[i] = mean + (value - mean) * factor;
    }
  });

/** A lens out of focus: a Gaussian with this deviation, as a share of the shorter side. The strengths go beyond ImageNet-C's, up to 2.9 pixels of 48. */
export const blurred = (picture: Picture, share: number): Picture =>
  changed(picture, (_, floats) => gaussianBlur(floats, share * shorter(picture)));

/** A sensor in poor light: Gaussian noise in every value, with this deviation as a share of the range. */
export const noisy = (picture: Picture, deviation: number, { stream }: CorruptionContext): Picture =>
  changed(picture, (values) => addNoise(values, 255 * deviation, stream));

/** A file saved at a low quality, as libjpeg counts. */
export const compressed = (picture: Picture, quality: number): Picture =>
  changed(picture, (_, floats) => jpegLoss(floats, quality));

/** A face far away: shrunk to so many pixels across, and enlarged again. Smaller pictures stay as they are. */
function coarser(picture: Picture, pixels: number): Picture {
  const factor = Math.min(1, pixels / shorter(picture));
  const side = (length: number): number => Math.max(1, Math.round(length * factor));
  const small = resizeBilinear(picture, side(picture.width), side(picture.height));
  return resizeBilinear(small, picture.width, picture.height);
}

/** A head that leans, or a crop that was not turned upright: by so many degrees, to a side that is drawn. */
export function rotated(picture: Picture, degrees: number, { stream }: CorruptionContext): Picture {
  const sign = stream.next() < 0.5 ? -1 : 1;
  return warp(picture, turn(sign * degrees, centreOf(picture), centreOf(picture)), picture.width, picture.height);
}

/** A crop beside the face: by so large a share of the sides, in a direction that is drawn. */
export function shifted(picture: Picture, share: number, { stream }: CorruptionContext): Picture {
  const { width, height } = picture;
  const angle = stream.uniform(0, 2 * Math.PI);
  const shift = { tx: share * width * Math.cos(angle), ty: share * height * Math.sin(angle) };
  return warp(picture, { a: 1, b: 0, ...shift }, width, height);
}

/** A crop too tight or too wide: the face is larger or, by an even draw, smaller by this factor. */
function rescaled(picture: Picture, factor: number, { stream }: CorruptionContext): Picture {
  const scale = stream.next() < 0.5 ? factor : 1 / factor;
  const { x, y } = centreOf(picture);
  return warp(picture, { a: scale, b: 0, tx: x - scale * x, ty: y - scale * y }, picture.width, picture.height);
}

/**
 * Sunglasses: a box in the picture's mean colour over both eyes, as high as this share of their distance, and wider by as much
 * to both sides, half.
 */
function eyesHidden(picture: Picture, share: number, { points }: CorruptionContext): Picture {
  const [right, left] = [pointOf(points, 'rightEye'), pointOf(points, 'leftEye')];
  const distance = left.x - right.x;
  const [x, y] = [(right.x + left.x) / 2, (right.y + left.y) / 2];
  return painted(picture, { x, y, width: (1 + share) * distance, height: share * distance });
}

/** A mask or a hand: a box in the picture's mean colour over the mouth, as high as this share of the eyes' distance, and wider by half of that distance. */
function mouthHidden(picture: Picture, share: number, { points }: CorruptionContext): Picture {
  const distance = pointOf(points, 'leftEye').x - pointOf(points, 'rightEye').x;
  return painted(picture, { ...pointOf(points, 'mouth'), width: (0.5 + share) * distance, height: share * distance });
}

const corruption = (
  name: string,
  unit: string,
  strengths: Strengths,
  apply: Corruption['apply'],
  needs: readonly KeypointName[] = [],
): Corruption => ({ name, unit, strengths, needs, apply });

/** All of them, in the order of tables. Model: Hendrycks and Dietterich, arXiv 1903.12261. */
export const corruptions: readonly Corruption[] = [
  corruption('brightness', 'share of the range added', [0.1, 0.2, 0.3, 0.4, 0.5], brighter),
  corruption('darkness', 'factor of values', [0.5, 0.3, 0.2, 0.1, 0.05], darker),
  corruption('contrast', 'factor of contrast', [0.4, 0.3, 0.2, 0.1, 0.05], lessContrast),
  corruption('blur', 'deviation, share of the side', [0.01, 0.02, 0.03, 0.04, 0.06], blurred),
  corruption('noise', 'deviation, share of the range', [0.02, 0.04, 0.06, 0.08, 0.1], noisy),
  corruption('JPEG', 'quality', [50, 30, 20, 10, 5], compressed),
  corruption('low resolution', 'pixels across', [32, 24, 16, 12, 8], coarser),
  corruption('rotation', 'degrees', [10, 20, 30, 45, 60], rotated),
  corruption('eyes hidden', 'height in eye distances', [0.2, 0.35, 0.5, 0.75, 1], eyesHidden, ['rightEye', 'leftEye']),
  corruption('mouth hidden', 'height in eye distances', [0.2, 0.35, 0.5, 0.75, 1], mouthHidden, [
    'rightEye',
    'leftEye',
    'mouth',
  ]),
  corruption('shift', 'share of the side', [0.05, 0.1, 0.2, 0.3, 0.4], shifted),
  corruption('scale', 'factor, or its inverse', [1.1, 1.2, 1.35, 1.5, 1.75], rescaled),
];

const shorter = ({ width, height }: Picture): number => Math.min(width, height);
const centreOf = ({ width, height }: Picture) => ({ x: width / 2, y: height / 2 });

function pointOf(points: CropTemplate['points'], name: KeypointName): { readonly x: number; readonly y: number } {
  const point = points[name];
  if (point === undefined) throw new RangeError(`the template does not say where ${name} is`);
  return { x: point[0], y: point[1] };
}

/** A picture whose values are changed as numbers, clamped and rounded to 8 bits once. */
function changed(picture: Picture, change: (values: Float32Array, floats: FloatPicture) => void): Picture {
  const data = Float32Array.from(picture.data);
  change(data, { ...picture, data });
  return { ...picture, data: new Uint8Array(Uint8ClampedArray.from(data).buffer) };
}
