import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import { isExpression } from '../../common/label-sets.js';
import { printable } from '../../common/printable.js';
import { splitRole } from './splits.js';

/** A class folder and its pictures, as paths below it with `/` between parts. */
export interface HeldPictures {
  readonly folder: string;
  readonly pictures: readonly string[];
}

const list = (names: readonly string[]): string =>
  names
    .slice(0, 4)
    .map((name) => `'${printable(name)}'`)
    .join(', ') + (names.length > 4 ? ' ...' : '');

/** Folders directly in a class folder that hold its pictures; none where it holds some itself. */
function innerFolders({ pictures }: HeldPictures): string[] {
  const inner = new Set(pictures.map((path) => path.slice(0, Math.max(0, path.indexOf('/')))));
  return inner.has('') ? [] : [...inner];
}

/**
 * That what is taken for classes are classes, and not splits or datasets one level too high.
 * @param base folder that holds them
 * @returns sentences about what only looks so
 * @throws UserError where it is plain that they are not.
 */
export function checkNesting(base: string, held: readonly HeldPictures[]): string[] {
  const suspects = held.flatMap((one) => {
    const inner = innerFolders(one);
    return inner.length < 2 || isExpression(one.folder) ? [] : [{ folder: one.folder, inner }];
  });
  for (const { folder, inner } of suspects) {
    const roles = inner.filter((name) => splitRole(name) !== undefined);
    if (new Set(roles.map(splitRole)).size > 1) {
      throw new UserError(
        `Folder ${join(base, folder)} is no class: it holds the splits ${list(roles)}; give its own path as the dataset.`,
      );
    }
    const classes = inner.filter(isExpression);
    if (classes.length > 1) {
      throw new UserError(
        `Folder ${join(base, folder)} is no class: it holds the class folders ${list(classes)}; name it as the split, ` +
          'move its folders up, or say in dataset.json which label each folder has.',
      );
    }
  }
  for (const [i, { folder, inner }] of suspects.entries()) {
    const same = suspects.slice(i + 1).find((other) => other.inner.join('/') === inner.join('/'));
    if (same === undefined) continue;
    return [
      `The classes ${list([folder, same.folder])} hold folders of the same names (${list(inner)}): where these are the ` +
        `classes, name '${printable(folder)}' as the split.`,
    ];
  }
  return [];
}
