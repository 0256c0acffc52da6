import { advice, UserError } from '../../../common/errors.js';
import { caers, canonicalLabel } from '../../../common/label-sets.js';
import { type ClassFolders, hasClassFolders, readClassFolders } from './class-folders.js';
import type { Problems, Release } from './release.js';

const names = caers.labels.map(canonicalLabel);
const byName: ClassFolders = {
  labels: caers,
  folders: caers.labels,
  reported: 'test',
  labelOf: (folder) => {
    const label = names.indexOf(canonicalLabel(folder));
    return label === -1 ? undefined : label;
  },
};

/**
 * CAER-S: `train/<Name>/0001.png`, `test/...`. The release holds whole scenes.
 * @param crops the pictures are face crops already.
 */
export async function readCaerS(src: string, problems: Problems, crops: boolean): Promise<Release> {
  if (!(await hasClassFolders(src, byName))) {
    throw new UserError(`${src} is not CAER-S: it has no train/ or test/ with folders ${caers.labels.join(', ')}.`);
  }
  const release = await readClassFolders(src, byName, problems);
  if (crops) return release;
  return {
    ...release,
    warnings: [
      advice(
        'The release of CAER-S holds whole scenes, and the network is made for face crops: crop the faces first, ' +
          'into the same folders, and prepare those as crops.',
        'cropDataset',
        'crops',
      ),
    ],
  };
}
