import { random } from '../common/random.js';
import type { DropMask } from '../nn/index.js';

/**
 * Stochastic depth masks for a micro-batch: 1 / (1 - rate) where a picture keeps the branch, 0 where it skips it.
 * They depend on the seed and on where in training the pictures are, not on what was drawn before.
 */
export function drawMasks(
  masks: ReadonlyMap<string, DropMask>,
  size: number,
  seed: number,
  position: readonly number[],
): Map<string, Float32Array> {
  const drawn = new Map<string, Float32Array>();
  for (const [name, { rate }] of masks) {
    const generator = random(seed, name, ...position);
    drawn.set(
      name,
      Float32Array.from({ length: size }, () => (generator.next() < rate ? 0 : 1 / (1 - rate))),
    );
  }
  return drawn;
}
