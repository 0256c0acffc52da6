import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { random } from '../../common/random.js';
import { augmentNormalised } from '../../image/augment.js';
import { inputFormat } from '../../image/input-format.js';
import type { MadeBatch, MakerJob, MakerSettings } from './batch-job.js';
import { readNpyInto } from './npy-array.js';

/**
 * Batches of pictures that were prepared elsewhere, so that two programs train on the very same numbers: `.npy` files of
 * float32 [C, S, S], normalised. Each is read when it is needed.
 */
export function createTensorBatchMaker(settings: MakerSettings): (job: MakerJob) => Promise<MadeBatch> {
  const { paths, preprocessing, augmentation, seed } = settings;
  const { channels, imageSize } = preprocessing;
  const format = inputFormat(preprocessing);
  const shape = [channels, imageSize, imageSize];
  const length = channels * imageSize * imageSize;

  return async ({ epoch, indices, occurrences }) => {
    const images = new Float32Array(indices.length * length);
    const kept: number[] = [];
    const failures: { index: number; reason: string }[] = [];
    for (const [i, index] of indices.entries()) {
      const at = kept.length * length;
      try {
        await readNpyInto(itemAt(paths, index), shape, images.subarray(at, at + length));
      } catch (error) {
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        failures.push({ index, reason: error.message });
        continue;
      }
      const picture = [epoch, index, itemAt(occurrences, i)] as const;
      augmentNormalised(images, at, format, augmentation, (...change) =>
        random(seed, 'augment', ...picture, ...change),
      );
      kept.push(i);
    }
    const read = images.slice(0, kept.length * length);
    return { images: read, kept: Int32Array.from(kept), lowContrast: null, failures };
  };
}
