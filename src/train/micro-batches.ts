import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { Batch } from '../image/index.js';
import type { DropMask } from '../nn/index.js';
import type { MicroBatch } from './engine.js';
import { drawMasks } from './masks.js';

/** What batches are cut and masked by. */
export interface Cut {
  readonly classes: number;
  /** Pictures that pass through the network at once. */
  readonly microBatch: number;
  readonly masks: ReadonlyMap<string, DropMask>;
  readonly seed: number;
  readonly epoch: number;
  /** Index of the batch in its epoch. */
  readonly index: number;
  /** Pictures of the whole batch, of which this may be a share, and how many of them come before this share. */
  readonly samples: number;
  readonly before: number;
}

/** Cuts a batch, or a share of one, into what passes through the network at once; images and targets are not copied. */
export function microBatches(batch: Batch, cut: Cut): MicroBatch[] {
  const { classes, microBatch, masks, seed, epoch, index, samples, before } = cut;
  const targets = batch.targets ?? oneHot(batch.labels, classes);
  const pixels = batch.images.length / batch.size;
  const parts: MicroBatch[] = [];
  for (let start = 0; start < batch.size; start += microBatch) {
    const end = Math.min(batch.size, start + microBatch);
    const size = end - start;
    parts.push({
      size,
      images: batch.images.subarray(start * pixels, end * pixels),
      targets: targets.subarray(start * classes, end * classes),
      weight: 1 / samples,
      masks: drawMasks(masks, size, seed, [epoch, index, before + start]),
      ...defined({ keys: batch.keys?.slice(start, end) }),
    });
  }
  return parts;
}

/** [n, classes]: 1 for the label. */
export function oneHot(labels: ArrayLike<number>, classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) targets[i * classes + Number(labels[i])] = 1;
  return targets;
}

/** @throws UserError (kind `usage`) where the parts of a batch do not fit its number of pictures, or a label is no class. */
export function checkBatch({ size, images, labels, targets, keys }: Batch, pixels: number, classes: number): void {
  const fits =
    images.length === size * pixels &&
    labels.length === size &&
    (targets === undefined || targets.length === size * classes);
  if (keys !== undefined && keys.length !== size) {
    throw new UserError(`A batch of ${size} pictures has ${keys.length} keys; give each its own, or none.`, 'usage');
  }
  if (fits) {
    // Where there are targets, these are learned.
    if (targets === undefined) checkLabels(labels, classes);
    return;
  }
  throw new UserError(
    `A batch of ${size} pictures needs ${size * pixels} pixel values, ${size} labels and, if any, ${size * classes} ` +
      `targets, not ${images.length}, ${labels.length} and ${targets?.length ?? 0}; make it again.`,
    'usage',
  );
}

function checkLabels(labels: ArrayLike<number>, classes: number): void {
  const wrong = Array.from(labels).find((label) => !(Number.isSafeInteger(label) && label >= 0 && label < classes));
  if (wrong === undefined) return;
  throw new UserError(
    `A picture of a batch has the label ${wrong}; a network of ${classes} classes learns labels from 0 to ${classes - 1}.`,
    'usage',
  );
}
