import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import { printable } from '../../../common/printable.js';
import { isFile } from '../../files/path-kind.js';
import { type AffectNetKind, affectNetKind, expressions, labelOfExpression } from './affectnet-expressions.js';
import { readAnnotations } from './affectnet-npy.js';
import { type ClassFolders, firstFolder, hasClassFolders, readClassFolders } from './class-folders.js';
import { LeftOut, originText, type Problems, type Release, type ReleasePicture, safePath } from './release.js';
import { readRows } from './rows.js';

const lists = [
  ['training.csv', 'train'],
  ['validation.csv', 'reported'],
] as const;
const listFolders = ['Manually_Annotated_file_lists', 'Manually_Annotated/Manually_Annotated_file_lists', '.'];
const pictureFolders = [
  'Manually_Annotated_Images',
  'Manually_Annotated/Manually_Annotated_Images',
  'Manually_Annotated',
  '.',
];
/** Of the release's lists; a file without a first line of names has these. */
const columns = ['subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks'];
const expressionColumn = 'expression';
const usualColumns = [...columns, expressionColumn, 'valence', 'arousal'];

async function findLists(src: string): Promise<{ path: string; split: 'train' | 'reported' }[]> {
  for (const folder of listFolders) {
    const found: { path: string; split: 'train' | 'reported' }[] = [];
    for (const [name, split] of lists) {
      const path = join(src, folder, name);
      if (await isFile(path)) found.push({ path, split });
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** Reads one list. Expressions outside the dataset's are counted by name. */
async function readList(
  path: string,
  split: string,
  images: string,
  kind: AffectNetKind,
  leftOut: LeftOut,
  problems: Problems,
): Promise<ReleasePicture[]> {
  const pictures: ReleasePicture[] = [];
  const listed = new Set<string>();
  let names: readonly string[] | undefined;
  for await (const { line, fields } of readRows(path)) {
    const origin = { by: path, line };
    if (names === undefined) {
      const isHeader = fields.includes('subDirectory_filePath');
      names = isHeader ? fields : usualColumns;
      if (!names.includes(expressionColumn)) {
        throw new UserError(
          `${originText(origin)} has no column '${expressionColumn}'; take the file from the release again.`,
        );
      }
      if (isHeader) continue;
    }
    if (fields.length !== names.length) {
      problems.add(`${originText(origin)} has ${fields.length} fields instead of ${names.length}`);
      continue;
    }
    const expression = itemAt(fields, names.indexOf(expressionColumn));
    const value = /^\d{1,2}$/.test(expression) ? Number(expression) : Number.NaN;
    const label = labelOfExpression(value, kind);
    if (label === undefined) {
      problems.add(
        `${originText(origin)} has the expression '${printable(expression, 20)}', not one of 0 to ${expressions.length - 1}`,
      );
      continue;
    }
    if (typeof label === 'string') {
      leftOut.add(split, label);
      continue;
    }
    const name = safePath(fields[names.indexOf('subDirectory_filePath')] ?? '', origin, problems);
    if (name === undefined) continue;
    if (listed.has(name)) {
      problems.add(`${originText(origin)} repeats the picture '${printable(name, 80)}'`);
      continue;
    }
    listed.add(name);
    pictures.push({ split, label, from: join(images, name), name, origin: origin });
  }
  return pictures;
}

async function readLists(
  found: readonly { path: string; split: 'train' | 'reported' }[],
  src: string,
  kind: AffectNetKind,
  problems: Problems,
): Promise<Release> {
  const images = (await firstFolder(src, pictureFolders)) ?? src;
  const leftOut = new LeftOut();
  const pictures: ReleasePicture[] = [];
  const splits: string[] = [];
  for (const list of found) {
    const split = list.split === 'train' ? 'train' : kind.reported;
    splits.push(split);
    for (const picture of await readList(list.path, split, images, kind, leftOut, problems)) pictures.push(picture);
  }
  const { labels, folders } = kind;
  return { layout: 'CSV lists and pictures', labels, folders, splits, pictures, leftOut, warnings: [] };
}

/**
 * AffectNet with 7 or 8 expressions: the manually annotated pictures with their CSV lists, the newer release with `.npy`
 * annotations, or class folders `0` .. `7`. The validation pictures become `valid` (7) or `test` (8), as in the published code.
 */
export async function readAffectNet(
  src: string,
  problems: Problems,
  classes: 7 | 8,
  signal?: AbortSignal,
): Promise<Release> {
  const kind = affectNetKind(classes);
  const sets = [
    ['train_set', 'train'],
    ['val_set', kind.reported],
  ] as const;
  if ((await firstFolder(src, ['train_set', 'val_set'])) !== undefined) {
    return await readAnnotations(src, sets, kind, problems, signal);
  }
  const found = await findLists(src);
  if (found.length > 0) return await readLists(found, src, kind, problems);
  const byNumber: ClassFolders = {
    ...kind,
    labelOf: (folder) => (/^\d{1,2}$/.test(folder) ? labelOfExpression(Number(folder), kind) : undefined),
  };
  if (await hasClassFolders(src, byNumber)) return await readClassFolders(src, byNumber, problems);
  throw new UserError(
    `${src} is not AffectNet: it has neither train_set/ (annotations/*_exp.npy), nor ${listFolders[0]}/training.csv, ` +
      'nor class folders train/0 and so on.',
  );
}
