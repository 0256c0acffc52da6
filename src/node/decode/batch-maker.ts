import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { Preprocessing } from '../../common/preprocessing.js';
import { random } from '../../common/random.js';
import { augmentInto } from '../../image/augment.js';
import { withContrast } from '../../image/contrast.js';
import { inputFormat } from '../../image/input-format.js';
import { toNetworkSize } from '../../image/resize.js';
import type { MadeBatch, MakerJob, MakerSettings, PictureCache } from './batch-job.js';
import { decodePicture } from './decode.js';
import { createTensorBatchMaker } from './tensor-batch-maker.js';

/** Bytes of one picture at network size. */
function pictureBytes({ imageSize, channels }: Preprocessing): number {
  return imageSize * imageSize * channels;
}

/** A cache where it fits into `limit` bytes; memory is taken by the system as it is filled. */
export function pictureCache(samples: number, preprocessing: Preprocessing, limit: number): PictureCache | null {
  const bytes = samples * pictureBytes(preprocessing);
  if (bytes > limit) return null;
  try {
    return { pixels: new SharedArrayBuffer(bytes), filled: new SharedArrayBuffer(samples) };
  } catch {
    return null; // No address space left for it: decode every time.
  }
}

/** Pictures decoded at once by one maker: libvips' threads work while this thread resizes. */
const lanes = 3;

/** The work of one thread: batches of decoded, resized, augmented and normalised pictures. */
export function createBatchMaker(settings: MakerSettings): (job: MakerJob) => Promise<MadeBatch> {
  if (settings.tensors) return createTensorBatchMaker(settings);
  const { paths, preprocessing, augmentation, seed, orient, cache, lowContrast } = settings;
  const { imageSize, channels } = preprocessing;
  const format = inputFormat(preprocessing);
  const bytes = pictureBytes(preprocessing);
  const pixels = cache === null ? null : new Uint8Array(cache.pixels);
  const filled = cache === null ? null : new Uint8Array(cache.filled);
  const failed = new Map<number, string>();
  let scratch = new Uint8Array(0);

  /** Brings a picture to `target`; the sentence why not, where it cannot be read. */
  const fetch = async (index: number, target: Uint8Array): Promise<string | undefined> => {
    if (filled !== null && Atomics.load(filled, index) === 1) return undefined;
    const known = failed.get(index);
    if (known !== undefined) return known;
    try {
      const decoded = await decodePicture(itemAt(paths, index), { orient });
      target.set(toNetworkSize(decoded, preprocessing.imageSize, preprocessing.channels).data);
      // Two workers may fill the same slot at once: with the same bytes.
      if (filled !== null) Atomics.store(filled, index, 1);
      return undefined;
    } catch (error) {
      // What the picture is to blame for; too many open files, say, is no reason to leave it out.
      if (!(error instanceof UserError) || error.kind !== 'input') throw error;
      failed.set(index, error.message);
      return error.message;
    }
  };

  return async ({ epoch, indices, occurrences }) => {
    const count = indices.length;
    if (pixels === null && scratch.length < count * bytes) scratch = new Uint8Array(count * bytes);
    const slots = Array.from(indices, (index, i) =>
      pixels === null
        ? scratch.subarray(i * bytes, (i + 1) * bytes)
        : pixels.subarray(index * bytes, (index + 1) * bytes),
    );
    const reasons: (string | undefined)[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const i = next++;
        const slot = slots[i];
        if (slot !== undefined) reasons[i] = await fetch(itemAt(indices, i), slot);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const kept = Int32Array.from(slots.keys()).filter((i) => reasons[i] === undefined);
    const images = new Float32Array(kept.length * bytes);
    let low = 0;
    kept.forEach((i, n) => {
      const slot = slots[i];
      if (slot === undefined) return;
      let data: Uint8Array = slot;
      if (lowContrast !== null) {
        const contrasted = withContrast({ width: imageSize, height: imageSize, channels, data }, lowContrast);
        if (contrasted.lowContrast) low++;
        data = contrasted.data;
      }
      const picture = [epoch, itemAt(indices, i), itemAt(occurrences, i)] as const;
      augmentInto(images, n * bytes, data, format, augmentation, (...change) =>
        random(seed, 'augment', ...picture, ...change),
      );
    });
    const failures = [...slots.keys()].flatMap((i) => {
      const reason = reasons[i];
      return reason === undefined ? [] : [{ index: itemAt(indices, i), reason }];
    });
    return { images, kept, lowContrast: lowContrast === null ? null : low, failures };
  };
}
