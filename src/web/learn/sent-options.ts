import { aList, requireOptions } from '../../common/check-options.js';
import type { LearnOptions } from '../../learn/index.js';
import { isCheckpoint } from '../../learn/is-checkpoint.js';
import { pictureReader } from '../decode/dom-pictures.js';
import { baseAddress } from '../host/base-address.js';

/**
 * What a learner is made of, as a worker can be sent it: addresses are whole, and elements of the page are read here.
 * @throws UserError where an element has no pixels, or none that the page may read
 */
export async function sentOptions(options: LearnOptions): Promise<LearnOptions> {
  requireOptions<LearnOptions>(options, { crops: aList }, 'Learner.create');
  const { base, crops } = options;
  const sent: LearnOptions['crops'][number][] = [];
  for (const [i, { crop, label }] of crops.entries()) {
    const read = pictureReader(crop);
    const request = { name: `Crop ${i + 1}`, transparency: 'drop' } as const;
    sent.push({ label, crop: read === undefined ? wholeAddress(crop) : (await read(request)).picture });
  }
  return { ...options, crops: sent, ...(base === undefined || isCheckpoint(base) ? {} : { base: wholeAddress(base) }) };
}

/** A worker's own address is another one, and no URL can be sent. */
function wholeAddress<T>(source: T): T | string {
  if (source instanceof URL) return source.href;
  if (typeof source !== 'string' || !URL.canParse(source, baseAddress())) return source;
  return new URL(source, baseAddress()).href;
}
