import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UserError } from '../../common/errors.js';
import { pictureName } from '../../common/picture-names.js';
import { printable } from '../../common/printable.js';
import type { InputGuard } from '../files/output-paths.js';
import { isFile } from '../files/path-kind.js';
import { descriptionFile } from './dataset-description.js';
import { tensorName } from './folders.js';
import { votesFile } from './votes.js';

/** Refuses to write over the pictures and lists of a dataset. Other files within its folder may be older results. */
export function guardDataset(root: string): InputGuard {
  return async (option, path) => {
    const name = basename(path);
    const isRead = [descriptionFile, votesFile].includes(name) || pictureName.test(name) || tensorName.test(name);
    if (!isRead || !(await isFile(path)) || !(await isWithin(root, path))) return;
    throw new UserError(
      `${option} would write over ${printable(path, 4096)}, a file of the dataset; name another file.`,
      'usage',
    );
  };
}

/** By the path as it is written, or as the links to its folder lead; the file itself may be a link. */
async function isWithin(folder: string, path: string): Promise<boolean> {
  const real = (one: string): Promise<string> => realpath(one).catch(() => resolve(one));
  const below = (whole: string, part: string): boolean => part.startsWith(join(whole, sep));
  return (
    below(resolve(folder), resolve(path)) || below(await real(folder), join(await real(dirname(path)), basename(path)))
  );
}
