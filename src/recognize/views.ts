import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { valueAt } from '../common/typed-item.js';
import { type Movement, resample } from '../image/geometry.js';
import { logSoftmax } from '../metrics/index.js';
import type { Classified } from './classified.js';
import type { Classifier } from './classifier.js';

/** How a picture is looked at: all of it or a square of it at full size, as it is or as a mirror image. */
export interface View {
  readonly name: string;
  readonly mirrored: boolean;
  /** Side of the square as a fraction of the picture's; 1 is all of it. */
  readonly side: number;
  /** Where the square lies: -1 at the left or top border, 0 in the middle, 1 at the right or bottom border. */
  readonly x: number;
  readonly y: number;
}

/** How many crops there can be: the middle; the corners too, as Krizhevsky et al. (2012) have them; a grid of three by three. */
export const cropCounts = [1, 5, 9] as const;
export type CropCount = (typeof cropCounts)[number];

/** Squares that are cut out of each picture. */
export interface Crops {
  readonly count: CropCount;
  /** Their side as a fraction of the picture's. Default 0.875, as 224 of 256 pixels. */
  readonly scale?: number;
}

export interface ViewOptions {
  /** Mirror images too (default false). */
  readonly flip?: boolean;
  /** Crops in place of the picture itself. */
  readonly crops?: Crops;
}

export const usualCropScale = 0.875;

const rows = ['top', 'middle', 'bottom'] as const;
const columns = ['left', 'middle', 'right'] as const;

/**
 * The views of a picture: itself or its crops, and the mirror image of each.
 * @throws UserError for another number of crops, or none that lie within the picture
 */
export function viewsOf({ flip = false, crops }: ViewOptions): readonly View[] {
  const straight = crops === undefined ? [whole] : cropViews(crops);
  return flip ? [...straight, ...straight.map(mirrorOf)] : straight;
}

const whole: View = { name: 'picture', mirrored: false, side: 1, x: 0, y: 0 };

const mirrorOf = (view: View): View => ({
  ...view,
  name: view === whole ? 'mirror image' : `mirror image, ${view.name}`,
  mirrored: true,
});

function cropViews({ count, scale = usualCropScale }: Crops): View[] {
  if (!cropCounts.includes(count)) {
    throw new UserError(`A picture cannot be seen in ${count} crops; choose 1, 5 or 9.`, 'usage', {
      settings: ['crops'],
    });
  }
  if (!(scale > 0 && scale <= 1)) {
    throw new UserError(`A crop cannot have ${scale} of the side; give a number above 0, at most 1.`, 'usage', {
      settings: ['cropScale'],
    });
  }
  const grid = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, x: c - 1, y: r - 1 })));
  return grid
    .filter(({ x, y }) => count === 9 || (x === 0 && y === 0) || (count === 5 && x !== 0 && y !== 0))
    .map(({ row, column, x, y }) => {
      const position = x === 0 && y === 0 ? 'middle' : `${row} ${column}`;
      return { name: `${position} crop`, mirrored: false, side: scale, x, y };
    });
}

/** Pictures [n, C, S, S] as a view has them, in new memory unless it is all of them as they are. */
export function applyView(images: Float32Array, size: number, view: View): Float32Array {
  if (view.side === 1) return view.mirrored ? mirrored(images, size) : images;
  const free = (size * (1 - view.side)) / 2;
  const square = { crop: view.side, cropX: free * view.x, cropY: free * view.y };
  const movement: Movement = { flip: view.mirrored, angle: 0, zoom: 1, shiftX: 0, shiftY: 0, ...square };
  const output = new Float32Array(images.length);
  const area = size * size;
  for (let at = 0; at < images.length; at += area) {
    output.set(resample(images.subarray(at, at + area), { size, channels: 1 }, movement), at);
  }
  return output;
}

/** Pictures [n, C, S, S] turned left to right, in new memory. */
export function mirrored(images: Float32Array, width: number): Float32Array {
  const turned = new Float32Array(images.length);
  for (let row = 0; row < images.length; row += width) {
    for (let x = 0; x < width; x++) turned[row + x] = valueAt(images, row + width - 1 - x);
  }
  return turned;
}

/**
 * A classifier that looks at each picture in several views and gives the mean of their softmax outputs, as
 * Krizhevsky et al. (2012) do. Its logits are the logarithms of those means: their softmax is the mean
 * again, so that every figure that is computed from logits fits. It takes as many times as long. Disposing of it disposes
 * of the other.
 */
export function withViews(classifier: Classifier, views: readonly View[]): Classifier {
  const classes = classifier.labels.labels.length;
  const { imageSize } = classifier.preprocessing;
  return {
    ...classifier,
    async classify(images, n) {
      const all: Classified[] = [];
      for (const view of views) all.push(await classifier.classify(applyView(images, imageSize, view), n));
      const [only, second] = all;
      if (only !== undefined && second === undefined) return only;
      const logits = meanOf(
        all.map((one) => one.logits),
        classes,
      );
      const mean = { logits, probabilities: logits.map(Math.exp) };
      const raw = all.flatMap(({ rawLogits }) => (rawLogits === undefined ? [] : [rawLogits]));
      return raw.length === 0 ? mean : { ...mean, rawLogits: meanOf(raw, classes) };
    },
  };
}

/** Logarithms of the means of softmax outputs, each [n, K]. */
function meanOf(views: readonly Float32Array[], classes: number): Float32Array {
  const means = new Float32Array(itemAt(views, 0).length);
  for (let i = 0; i < means.length; i += classes) {
    const ofViews = views.map((logits) => logSoftmax(logits.subarray(i, i + classes)));
    for (let c = 0; c < classes; c++) means[i + c] = logMean(ofViews.map((values) => itemAt(values, c)));
  }
  return means;
}

/** Logarithm of the mean of exponentials, without leaving their range. */
function logMean(values: readonly number[]): number {
  const max = Math.max(...values);
  if (max === Number.NEGATIVE_INFINITY) return max;
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0) / values.length);
}
