import { itemAt } from '../common/item-at.js';
import type { Random } from '../common/random.js';
import { valueAt } from '../common/typed-item.js';

/** Mixing of pictures of a batch, two at a time, with their targets. 0 mixes none. */
export interface Mixing {
  /** Strength of mixup (arXiv 1710.09412): shares are drawn from Beta(mixup, mixup). */
  readonly mixup: number;
  /** Strength of CutMix (arXiv 1905.04899), in the same way. With both, each picture takes one of them at even chance. */
  readonly cutmix: number;
}

export const noMixing: Mixing = { mixup: 0, cutmix: 0 };

/** What is mixed, in place. */
export interface MixedBatch {
  readonly size: number;
  /** [n, C, S, S] */
  readonly images: Float32Array;
  /** [n, K] */
  readonly targets: Float32Array;
  /** [n]: of what is mixed, the label of the larger share. */
  readonly labels: Int32Array;
}

/**
 * Mixes each picture of a batch with another one, or rarely with itself, and its targets in the same shares.
 * @param side of a picture in pixels
 * @param stream of this batch in this epoch; the result depends on nothing else
 */
export function mixBatch(batch: MixedBatch, side: number, { mixup, cutmix }: Mixing, stream: Random): void {
  const { size, images, targets, labels } = batch;
  if (size === 0 || (mixup === 0 && cutmix === 0)) return;
  const [pixels, classes] = [images.length / size, targets.length / size];
  const before = { images: images.slice(), targets: targets.slice(), labels: labels.slice() };
  const partners = stream.shuffle(Int32Array.from({ length: size }, (_, i) => i));
  partners.forEach((partner, i) => {
    const blends = stream.next() * (Number(mixup > 0) + Number(cutmix > 0)) < Number(mixup > 0);
    const wanted = stream.beta(blends ? mixup : cutmix);
    const own = images.subarray(i * pixels, (i + 1) * pixels);
    const other = before.images.subarray(partner * pixels, (partner + 1) * pixels);
    const share = blends ? blend(own, other, wanted) : paste(own, other, side, wanted, stream);
    const shares = before.targets.subarray(partner * classes, (partner + 1) * classes);
    blend(targets.subarray(i * classes, (i + 1) * classes), shares, share);
    if (share < 0.5) labels[i] = itemAt(before.labels, partner);
  });
}

/** @returns the share of `own` that is kept */
function blend(own: Float32Array, other: Float32Array, share: number): number {
  for (let i = 0; i < own.length; i++) own[i] = share * valueAt(own, i) + (1 - share) * valueAt(other, i);
  return share;
}

/** Pastes a box of another picture over the same place of this one. @returns the share of the area that is kept */
function paste(own: Float32Array, other: Float32Array, side: number, share: number, stream: Random): number {
  const length = Math.floor(side * Math.sqrt(1 - share));
  // Its centre lies anywhere in the picture; what reaches beyond is cut off.
  const [left, right] = span(stream.int(side), length, side);
  const [top, bottom] = span(stream.int(side), length, side);
  for (let row = 0; row < own.length / side; row++) {
    const y = row % side;
    if (y < top || y >= bottom) continue;
    own.set(other.subarray(row * side + left, row * side + right), row * side + left);
  }
  return 1 - ((right - left) * (bottom - top)) / (side * side);
}

function span(center: number, length: number, side: number): readonly [from: number, to: number] {
  const from = center - Math.floor(length / 2);
  return [Math.max(0, from), Math.min(side, from + length)];
}
