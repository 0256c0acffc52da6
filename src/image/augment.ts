import { UserError } from '../common/errors.js';
import type { Preprocessing } from '../common/preprocessing.js';
import type { Random } from '../common/random.js';

/** Closed interval [from, to]. */
export type Range = readonly [from: number, to: number];

/** Random erasing as torchvision's `RandomErasing` (arXiv 1708.04896); the erased box is 0 after normalisation. */
export interface Erasing {
  readonly probability: number;
  /** Erased share of the picture's area. */
  readonly scale: Range;
  /** Height / width of the box, drawn log-uniformly. */
  readonly ratio: Range;
}

/** What is done at random to a training picture. All-zero probabilities and ranges leave it as it is. */
export interface Augmentation {
  /** Probability of a horizontal flip. */
  readonly flip: number;
  /** Largest rotation to either side, in degrees. */
  readonly rotation: number;
  /** Zoom factor about the picture's centre; [1, 1] is none. */
  readonly scale: Range;
  /** Largest shift along each axis, as a fraction of the side. */
  readonly shift: number;
  /** Brightness factor is drawn from [1 - brightness, 1 + brightness]. */
  readonly brightness: number;
  /** Contrast factor (about the picture's mean luma) is drawn from [1 - contrast, 1 + contrast]. */
  readonly contrast: number;
  readonly erasing: Erasing | null;
}

/** Pictures as they are: evaluation. */
export const noAugmentation: Augmentation = {
  flip: 0,
  rotation: 0,
  scale: [1, 1],
  shift: 0,
  brightness: 0,
  contrast: 0,
  erasing: null,
};
/** Published recipe for RAF-DB: flip, erasing with p 0.5 over 2 to 10% of the area. */
export const rafdbAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  erasing: { probability: 0.5, scale: [0.02, 0.1], ratio: [0.3, 3.3] },
};
/** Published recipe for AffectNet-7, AffectNet-8 and CAER-S: flip, always erasing 5% of the area. */
export const affectnetAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  erasing: { probability: 1, scale: [0.05, 0.05], ratio: [0.3, 3.3] },
};
/** Default of the small network for 48x48 crops. */
export const nanoAugmentation: Augmentation = {
  ...noAugmentation,
  flip: 0.5,
  rotation: 15,
  scale: [0.85, 1.15],
  shift: 0.1,
  brightness: 0.2,
  contrast: 0.2,
};

/** Picture and network size of `augmentInto`. */
export interface InputFormat {
  /** Side of the square picture in pixels. */
  readonly size: number;
  readonly channels: 1 | 3;
  /** `table[c * 256 + v]`: value v of channel c, normalised (`normalisation`). */
  readonly table: Float32Array;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** @throws RangeError where mean and std do not fit the channels. */
export function inputFormat(preprocessing: Preprocessing): InputFormat {
  const { imageSize: size, channels, mean, std } = preprocessing;
  const table = new Float32Array(channels * 256);
  for (let c = 0; c < channels; c++) {
    const m = mean[c];
    const s = std[c];
    if (m === undefined || s === undefined || !(s > 0)) {
      throw new RangeError(`preprocessing has no mean, or no std above 0, for channel ${c} of ${channels}`);
    }
    // Every step rounded to float32, as PyTorch's ToTensor and Normalize do.
    for (let v = 0; v < 256; v++) {
      table[c * 256 + v] = Math.fround(Math.fround(Math.fround(v / 255) - Math.fround(m)) / Math.fround(s));
    }
  }
  return { size, channels, table, mean, std };
}

/** What was drawn for one picture. */
interface Draw {
  readonly flip: boolean;
  /** Radians, counter-clockwise on the screen. */
  readonly angle: number;
  readonly scale: number;
  /** Pixels. */
  readonly shiftX: number;
  readonly shiftY: number;
  readonly brightness: number;
  readonly contrast: number;
}

/** Everything is drawn, in one order, also what is switched off: a changed setting leaves the other draws as they were. */
function draw(augmentation: Augmentation, size: number, stream: Random): Draw {
  const { flip, rotation, scale, shift, brightness, contrast } = augmentation;
  return {
    flip: stream.next() < flip,
    angle: (stream.uniform(-rotation, rotation) * Math.PI) / 180,
    scale: stream.uniform(scale[0], scale[1]),
    shiftX: stream.uniform(-shift, shift) * size,
    shiftY: stream.uniform(-shift, shift) * size,
    brightness: stream.uniform(1 - brightness, 1 + brightness),
    contrast: stream.uniform(1 - contrast, 1 + contrast),
  };
}

/**
 * Normalises one picture (HWC, 8 bits) into `out` at `offset` (CHW), changed at random as `augmentation` says: flip,
 * rotation, scale and shift in one bilinear pass (coordinates beyond the border take the border's pixel), then
 * brightness (a factor) and contrast (about the mean luma), clamped to [0, 255] once, then normalisation, then erasing.
 * @param stream stream of this picture in this epoch; the result depends on nothing else
 */
export function augmentInto(
  out: Float32Array,
  offset: number,
  picture: Uint8Array,
  format: InputFormat,
  augmentation: Augmentation,
  stream: Random,
): void {
  const { size } = format;
  const drawn = draw(augmentation, size, stream);
  const moves = drawn.angle !== 0 || drawn.scale !== 1 || drawn.shiftX !== 0 || drawn.shiftY !== 0;
  if (moves || drawn.brightness !== 1 || drawn.contrast !== 1) {
    const values = moves ? resample(picture, format, drawn) : flipped(picture, format, drawn.flip);
    adjustAndNormalise(out, offset, values, format, drawn);
  } else {
    normaliseInto(out, offset, picture, format, drawn.flip);
  }
  if (augmentation.erasing !== null) erase(out, offset, format, augmentation.erasing, stream);
}

/**
 * What of an augmentation can be done to a picture that is normalised already, in place (CHW at `offset`): the mirror and
 * the erased box, drawn as `augmentInto` draws them.
 */
export function augmentNormalised(
  values: Float32Array,
  offset: number,
  format: InputFormat,
  augmentation: Augmentation,
  stream: Random,
): void {
  const { size, channels } = format;
  if (draw(augmentation, size, stream).flip) {
    for (let row = 0; row < channels * size; row++) {
      values.subarray(offset + row * size, offset + (row + 1) * size).reverse();
    }
  }
  if (augmentation.erasing !== null) erase(values, offset, format, augmentation.erasing, stream);
}

/** @throws UserError where an augmentation needs the picture as it was before normalisation. */
export function checkTensorAugmentation({ rotation, scale, shift, brightness, contrast }: Augmentation): void {
  if (rotation === 0 && scale[0] === 1 && scale[1] === 1 && shift === 0 && brightness === 0 && contrast === 0) return;
  throw new UserError(
    'Pictures given as tensors can be mirrored and erased, not turned, scaled, shifted or brightened; use the ' +
      'augmentation none, rafdb or affectnet.',
    'usage',
    { settings: ['augmentation'] },
  );
}

/** Normalises one picture (HWC, 8 bits) into `out` at `offset` (CHW), optionally mirrored. */
export function normaliseInto(
  out: Float32Array,
  offset: number,
  picture: Uint8Array,
  format: InputFormat,
  flip = false,
): void {
  const { size, channels, table } = format;
  for (let c = 0; c < channels; c++) {
    const plane = offset + c * size * size;
    for (let y = 0; y < size; y++) {
      const row = plane + y * size;
      let at = (flip ? (y + 1) * size - 1 : y * size) * channels + c;
      const step = flip ? -channels : channels;
      for (let x = 0; x < size; x++, at += step) out[row + x] = table[c * 256 + (picture[at] ?? 0)] ?? 0;
    }
  }
}

function flipped(picture: Uint8Array, { size, channels }: InputFormat, flip: boolean): Float32Array {
  const values = Float32Array.from(picture);
  if (!flip) return values;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < channels; c++) {
        values[(y * size + x) * channels + c] = picture[(y * size + size - 1 - x) * channels + c] ?? 0;
      }
    }
  }
  return values;
}

/** Flip, then rotation, scale and shift about the centre: each output pixel looks up where it came from. */
function resample(picture: Uint8Array, { size, channels }: InputFormat, drawn: Draw): Float32Array {
  const values = new Float32Array(size * size * channels);
  const center = (size - 1) / 2;
  const last = size - 1;
  const cos = Math.cos(drawn.angle) / drawn.scale;
  const sin = Math.sin(drawn.angle) / drawn.scale;
  const mirror = drawn.flip ? -1 : 1;
  let target = 0;
  for (let y = 0; y < size; y++) {
    const v = y - center - drawn.shiftY;
    for (let x = 0; x < size; x++) {
      const u = x - center - drawn.shiftX;
      // The inverse of: mirror, turn by `angle` (y points down), scale, shift.
      const sourceX = Math.max(0, Math.min(last, center + mirror * (cos * u - sin * v)));
      const sourceY = Math.max(0, Math.min(last, center + sin * u + cos * v));
      const x0 = Math.floor(sourceX);
      const y0 = Math.floor(sourceY);
      const fx = sourceX - x0;
      const fy = sourceY - y0;
      const top = (y0 * size + x0) * channels;
      const right = x0 < last ? channels : 0;
      const down = y0 < last ? size * channels : 0;
      for (let c = 0; c < channels; c++) {
        const at = top + c;
        const a = picture[at] ?? 0;
        const b = picture[at + right] ?? 0;
        const d = picture[at + down] ?? 0;
        const e = picture[at + down + right] ?? 0;
        const upper = a + (b - a) * fx;
        values[target++] = upper + (d + (e - d) * fx - upper) * fy;
      }
    }
  }
  return values;
}

function adjustAndNormalise(
  out: Float32Array,
  offset: number,
  values: Float32Array,
  format: InputFormat,
  { brightness, contrast }: Draw,
): void {
  const { size, channels, mean, std } = format;
  const area = size * size;
  let luma = 0;
  for (let i = 0; i < values.length; i += channels) {
    const r = values[i] ?? 0;
    luma += channels === 1 ? r : 0.299 * r + 0.587 * (values[i + 1] ?? 0) + 0.114 * (values[i + 2] ?? 0);
  }
  const gain = brightness * contrast;
  const bias = brightness * (1 - contrast) * (luma / area);
  for (let c = 0; c < channels; c++) {
    const scale = 1 / (255 * (std[c] ?? 1));
    const shift = -(mean[c] ?? 0) / (std[c] ?? 1);
    const plane = offset + c * area;
    for (let i = 0, at = c; i < area; i++, at += channels) {
      const value = Math.max(0, Math.min(255, gain * (values[at] ?? 0) + bias));
      out[plane + i] = value * scale + shift;
    }
  }
}

/** torchvision's RandomErasing: up to ten tries for a box that fits, else nothing. */
function erase(out: Float32Array, offset: number, format: InputFormat, erasing: Erasing, stream: Random): void {
  if (stream.next() >= erasing.probability) return;
  const { size, channels } = format;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = size * size * stream.uniform(erasing.scale[0], erasing.scale[1]);
    const ratio = Math.exp(stream.uniform(Math.log(erasing.ratio[0]), Math.log(erasing.ratio[1])));
    const height = Math.round(Math.sqrt(area * ratio));
    const width = Math.round(Math.sqrt(area / ratio));
    if (height >= size || width >= size) continue;
    const top = stream.int(size - height + 1);
    const left = stream.int(size - width + 1);
    for (let c = 0; c < channels; c++) {
      for (let y = top; y < top + height; y++) {
        const row = offset + (c * size + y) * size + left;
        out.fill(0, row, row + width);
      }
    }
    return;
  }
}
