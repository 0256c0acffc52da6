import type { Studies } from '../study-names.js';
import type { PosterV1Config } from './poster-v1-config.js';

/** What POSTER V2 takes from POSTER V1. */
export const posterV1Studies: Studies<PosterV1Config> = {
  'two-stream': () => [
    { name: 'both', summary: 'cross-fusion both ways', options: {} },
    {
      name: 'landmark-to-image',
      summary: "the landmark stream's queries ask the image, and not the other way round",
      options: { directions: 'landmark-to-image' },
    },
  ],
  'multi-scale': () => [
    { name: 'pyramid', summary: 'tokens at three widths', options: {} },
    { name: 'one-scale', summary: 'tokens at the widest alone', options: { multiScale: 'none' } },
  ],
};
