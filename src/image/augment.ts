import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import type { Random } from '../common/random.js';
import { valueAt } from '../common/typed-item.js';
import { type Augmentation, blurSigma, jpegQuality, noAugmentation } from './augmentation.js';
import { addNoise, correctGamma } from './degrade.js';
import { erase } from './erase.js';
import { gaussianBlur } from './gaussian-blur.js';
import { drawCrop, flipped, type Movement, moves, resample } from './geometry.js';
import { type InputFormat, normaliseInto } from './input-format.js';
import { jpegLoss } from './jpeg-loss.js';

/**
 * The random stream of a picture in an epoch, and under it one of each change that came later, by its name. A setting that
 * is changed so leaves what others draw as it was.
 */
export type Streams = (
  ...change: readonly [] | readonly [name: 'crop' | 'blur' | 'gamma' | 'noise' | 'jpeg']
) => Random;

/** What was drawn for one picture. */
interface Draw extends Movement {
  readonly brightness: number;
  readonly contrast: number;
}

/** Everything is drawn, in one order, also what is switched off: a changed setting leaves the other draws as they were. */
function draw(augmentation: Augmentation, size: number, stream: Random, streams: Streams): Draw {
  const { flip, rotation, zoom, shift, brightness, contrast } = augmentation;
  return {
    flip: stream.next() < flip,
    angle: (stream.uniform(-rotation, rotation) * Math.PI) / 180,
    zoom: stream.uniform(zoom[0], zoom[1]),
    shiftX: stream.uniform(-shift, shift) * size,
    shiftY: stream.uniform(-shift, shift) * size,
    brightness: stream.uniform(1 - brightness, 1 + brightness),
    contrast: stream.uniform(1 - contrast, 1 + contrast),
    ...drawCrop(augmentation, size, () => streams('crop')),
  };
}

/**
 * Normalises one picture (HWC, 8 bits) into `out` at `offset` (CHW), changed at random as `augmentation` says, in this order:
 *
 * 1. flip, rotation, zoom, shift and crop, in one bilinear pass,
 * 2. blur, gamma correction, noise, the loss of JPEG,
 * 3. brightness (a factor) and contrast (about the mean luma), clamped to [0, 255] once,
 * 4. normalisation, then erasing.
 *
 * @param streams of this picture in this epoch; the result depends on nothing else
 */
export function augmentInto(
  out: Float32Array,
  offset: number,
  picture: Uint8Array,
  format: InputFormat,
  augmentation: Augmentation,
  streams: Streams,
): void {
  const { size } = format;
  const stream = streams();
  const drawn = draw(augmentation, size, stream, streams);
  if (moves(drawn) || drawn.brightness !== 1 || drawn.contrast !== 1 || degrades(augmentation)) {
    const values = moves(drawn) ? resample(picture, format, drawn) : flipped(picture, format, drawn.flip);
    degrade(values, format, augmentation, streams);
    adjustAndNormalise(out, offset, values, format, drawn);
  } else {
    normaliseInto(out, offset, picture, format, drawn.flip);
  }
  if (augmentation.erasing !== null) erase(out, offset, format, augmentation.erasing, stream);
}

const degrades = ({ blur, gammaCorrection, noise, jpeg }: Augmentation): boolean =>
  blur > 0 || gammaCorrection > 0 || noise > 0 || jpeg > 0;

/** What a camera and a file do to a picture (HWC, values of 0 to 255), in place. */
function degrade(values: Float32Array, format: InputFormat, augmentation: Augmentation, streams: Streams): void {
  const { blur, gammaCorrection, noise, jpeg } = augmentation;
  const { size, channels } = format;
  const picture = { width: size, height: size, channels, data: values };
  if (blur > 0) {
    const stream = streams('blur');
    if (stream.next() < blur) gaussianBlur(picture, stream.uniform(...blurSigma) * size);
  }
  if (gammaCorrection > 0) {
    const most = Math.log(1 + gammaCorrection);
    correctGamma(values, Math.exp(streams('gamma').uniform(-most, most)));
  }
  if (noise > 0) {
    const stream = streams('noise');
    addNoise(values, 255 * stream.uniform(0, noise), stream);
  }
  if (jpeg > 0) {
    const stream = streams('jpeg');
    const [least, most] = jpegQuality;
    if (stream.next() < jpeg) jpegLoss(picture, least + stream.int(most - least + 1));
  }
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
  streams: Streams,
): void {
  const { size, channels } = format;
  const stream = streams();
  if (draw(augmentation, size, stream, streams).flip) {
    for (let row = 0; row < channels * size; row++) {
      values.subarray(offset + row * size, offset + (row + 1) * size).reverse();
    }
  }
  if (augmentation.erasing !== null) erase(values, offset, format, augmentation.erasing, stream);
}

/** @throws UserError where an augmentation needs the picture as it was before normalisation. */
export function checkTensorAugmentation(augmentation: Augmentation): void {
  const { flip, erasing } = augmentation;
  const plain: Augmentation = { ...noAugmentation, flip, erasing };
  const values = (one: Augmentation): string => JSON.stringify(Object.entries(one).sort());
  if (values(augmentation) === values(plain)) return;
  throw new UserError(
    'Pictures given as tensors can be mirrored and erased, not turned, scaled, shifted, cropped, brightened or degraded; ' +
      'use the augmentation none, rafdb or affectnet, and no other change.',
    'usage',
    { settings: ['augmentation'] },
  );
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
    const r = valueAt(values, i);
    luma += channels === 1 ? r : 0.299 * r + 0.587 * valueAt(values, i + 1) + 0.114 * valueAt(values, i + 2);
  }
  const gain = brightness * contrast;
  const bias = brightness * (1 - contrast) * (luma / area);
  for (let c = 0; c < channels; c++) {
    const scale = 1 / (255 * itemAt(std, c));
    const shift = -itemAt(mean, c) / itemAt(std, c);
    const plane = offset + c * area;
    for (let i = 0, at = c; i < area; i++, at += channels) {
      const value = Math.max(0, Math.min(255, gain * valueAt(values, at) + bias));
      out[plane + i] = value * scale + shift;
    }
  }
}
