import { extname, join } from 'node:path';
import { countText } from '../../../common/count-text.js';
import { UserError } from '../../../common/errors.js';
import { increaseOf } from '../../../common/item-at.js';
import { pictureName } from '../../../common/picture-names.js';
import { printable } from '../../../common/printable.js';
import { descriptionFile } from '../dataset-description.js';
import { filesIn, foldersIn, holdsPictures, picturesIn } from '../folders.js';
import { votesFile } from '../votes.js';

/** What lies in a dataset and is not read. */
export interface Unexamined {
  /** Folders beside the splits, with pictures in them. */
  readonly folders: readonly string[];
  readonly splits: readonly UnexaminedFiles[];
}

export interface UnexaminedFiles {
  readonly split: string;
  /** Files in class folders that are not named as pictures, by their ending; `''` where they have none. */
  readonly endings: readonly { readonly ending: string; readonly files: number }[];
  /** Pictures beside the class folders. */
  readonly besideClasses: number;
  /** Folders within class folders whose pictures count as the class's. */
  readonly nested: readonly string[];
}

/** The rest of one split: `wanted` is read. */
async function restOf(base: string, split: string, wanted: RegExp): Promise<UnexaminedFiles> {
  const endings = new Map<string, number>();
  const nested = new Set<string>();
  for (const folder of await foldersIn(base)) {
    for (const path of await picturesIn(join(base, folder), /./s, true, 'pass over')) {
      if (wanted.test(path)) {
        const slash = path.lastIndexOf('/');
        if (slash !== -1) nested.add(`${folder}/${path.slice(0, slash)}`);
        continue;
      }
      const ending = extname(path).toLowerCase();
      increaseOf(endings, ending);
    }
  }
  const known = [votesFile, descriptionFile];
  const beside = (await filesIn(base)).filter((name) => wanted.test(name) && !known.includes(name));
  return {
    split,
    endings: [...endings].map(([ending, files]) => ({ ending, files })),
    besideClasses: beside.length,
    nested: [...nested],
  };
}

/**
 * Lists what a dataset holds beside what `loadDataset` reads. Hidden files do not count.
 * @param wanted names of files that are read
 */
export async function unexamined(root: string, splits: readonly string[], wanted = pictureName): Promise<Unexamined> {
  const folders: string[] = [];
  if (!splits.includes('.')) {
    for (const folder of await foldersIn(root)) {
      if (!splits.includes(folder) && (await holdsPictures(join(root, folder), wanted))) folders.push(folder);
    }
  }
  const rest: UnexaminedFiles[] = [];
  for (const split of splits) {
    try {
      rest.push(await restOf(join(root, split), split, wanted));
    } catch (error) {
      // A split that cannot be read is told as such.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return { folders, splits: rest };
}

/** A list's first names, and how many more there are. */
function list(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map((name) => `'${printable(name, 80)}'`);
  return shown.join(', ') + (names.length > most ? ` and ${names.length - most} more` : '');
}

/** The same as sentences. */
export function unexaminedText({ folders, splits }: Unexamined): string[] {
  return [
    ...(folders.length > 0
      ? [
          `${folders.length === 1 ? 'The folder' : 'The folders'} ${list(folders)} beside the splits ` +
            `${folders.length === 1 ? 'was' : 'were'} not looked at; a name such as train, valid or test makes a folder a split.`,
        ]
      : []),
    ...splits.flatMap(({ split, endings, besideClasses, nested }) => {
      const files = endings.reduce((sum, one) => sum + one.files, 0);
      const kinds = [...endings]
        .sort((a, b) => b.files - a.files)
        .slice(0, 5)
        .map(
          (one) =>
            `${one.files.toLocaleString('en-US')} ${one.ending === '' ? 'without ending' : printable(one.ending, 20)}`,
        );
      return [
        ...(files > 0
          ? [
              `Split '${split}' has ${countText(files, 'file')} in class folders that ${files === 1 ? 'is' : 'are'} not named as ` +
                `pictures and not read (${kinds.join(', ')}${endings.length > 5 ? ' ...' : ''}).`,
            ]
          : []),
        ...(besideClasses > 0
          ? [
              `Split '${split}' has ${countText(besideClasses, 'picture')} beside its class folders, which no class has.`,
            ]
          : []),
        ...(nested.length > 0
          ? [
              `Split '${split}' has ${countText(nested.length, 'folder')} within class folders, whose pictures count as the class's ` +
                `(${list(nested, 3)}).`,
            ]
          : []),
      ];
    }),
  ];
}
