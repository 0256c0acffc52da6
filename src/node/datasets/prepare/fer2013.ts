import { join } from 'node:path';
import { UserError } from '../../../common/errors.js';
import { fer2013 } from '../../../common/label-sets.js';
import { printable } from '../../../common/printable.js';
import { isFile } from '../../files/path-kind.js';
import { LeftOut, originText, type Problems, type Release, type ReleasePicture } from './release.js';
import { readRows } from './rows.js';

/** Side of the pictures, in pixels. */
export const side = 48;
/** Both files have 35,887 lines; a file with more than this is another, and is not kept in memory. */
const mostRows = 100_000;

/** `Usage` in the file -> split. The public test chose models while the contest ran, the private one decided it. */
const usages = new Map([
  ['training', 'train'],
  ['publictest', 'valid'],
  ['privatetest', 'test'],
]);
export const splitsOfUsage = [...usages.values()];

/** Where people have the file: as it came from the contest, or from its later page. */
const paths = ['fer2013.csv', 'fer2013/fer2013.csv', 'icml_face_data.csv'];

/** A line of `fer2013.csv`. */
export interface Fer2013Row {
  readonly line: number;
  readonly split: string;
  /** As written; FER+ does not need it. */
  readonly emotion: string;
  /** [48, 48] gray; or what is wrong with them. */
  readonly pixels: Uint8Array | string;
}

/** The first of some files below `src`; undefined where none is there. */
export async function firstFile(src: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await isFile(join(src, name))) return join(src, name);
  return undefined;
}

export const findFer2013 = (src: string): Promise<string | undefined> => firstFile(src, paths);

/** Split of a `Usage`, in any case. */
export const splitOfUsage = (usage: string): string | undefined => usages.get(usage.toLowerCase());

/** Values 0 to 255 with spaces between, as many as a picture has; or what is wrong with them. */
export function parsePixels(text: string): Uint8Array | string {
  const pixels = new Uint8Array(side * side);
  let count = 0;
  for (const [word] of text.matchAll(/\S+/g)) {
    const value = /^\d{1,3}$/.test(word) ? Number(word) : 256;
    if (value > 255) return `has the pixel '${printable(word, 20)}', which is no number from 0 to 255`;
    if (count < pixels.length) pixels[count] = value;
    count++;
  }
  return count === pixels.length ? pixels : `has ${count} pixels instead of ${side} x ${side}`;
}

/** The positions of named columns in a header, in any case and order. @throws UserError where one is missing. */
export function columnsOf(fields: readonly string[], wanted: readonly string[], path: string): number[] {
  const names = fields.map((field) => field.trim().toLowerCase());
  const found = wanted.map((name) => names.indexOf(name.toLowerCase()));
  const missing = wanted.find((_, i) => found[i] === -1);
  if (missing === undefined) return found;
  throw new UserError(
    `${path} has no column '${missing}' in its first line (${printable(fields.join(','), 100)}); take the file again.`,
  );
}

/**
 * The lines of `fer2013.csv` (`emotion,pixels,Usage`) or `icml_face_data.csv` (`emotion, Usage, pixels`), one at a time.
 * @throws UserError for a file of another form.
 */
export async function* readFer2013Rows(path: string): AsyncGenerator<Fer2013Row> {
  let columns: number[] | undefined;
  let rows = 0;
  for await (const { line, fields } of readRows(path)) {
    if (columns === undefined) {
      columns = columnsOf(fields, ['emotion', 'pixels', 'Usage'], path);
      continue;
    }
    if (++rows > mostRows) throw new UserError(`${path} has more than ${mostRows} lines; it is no FER2013.`);
    const [emotion = '', pixels = '', usage = ''] = columns.map((column) => fields[column] ?? '');
    const split = splitOfUsage(usage);
    if (split === undefined) {
      throw new UserError(
        `${path}, line ${line}, has the Usage '${printable(usage, 40)}' instead of Training, PublicTest or PrivateTest; ` +
          'take the file again.',
      );
    }
    yield { line, split, emotion, pixels: parsePixels(pixels) };
  }
  if (rows === 0) throw new UserError(`${path} has no pictures; take the file again.`);
}

/** The name of the picture in the n-th line of the file, from 0: that of FER+. */
const nameOfRow = (row: number): string => `fer${String(row).padStart(7, '0')}.png`;

/** FER2013 as Kaggle had it, one CSV file, with its own seven labels: `Usage` becomes `train`, `valid`, `test`. */
export async function readFer2013(src: string, problems: Problems): Promise<Release> {
  const path = await findFer2013(src);
  if (path === undefined) throw new UserError(`${src} is not FER2013: it has none of ${paths.join(', ')}.`);
  const pictures: ReleasePicture[] = [];
  let row = -1;
  for await (const { line, split, emotion, pixels } of readFer2013Rows(path)) {
    row++;
    const origin = { by: path, line };
    const label = /^[0-6]$/.test(emotion) ? Number(emotion) : undefined;
    if (label === undefined) {
      problems.add(`${originText(origin)} has the emotion '${printable(emotion, 20)}' instead of 0 .. 6`);
    } else if (typeof pixels === 'string') {
      problems.add(`${originText(origin)} ${pixels}`);
    } else {
      pictures.push({ split, label, from: path, pixels: { side, data: pixels }, name: nameOfRow(row), origin: origin });
    }
  }
  return {
    layout: 'one CSV file',
    labels: fer2013,
    // In index order, and readable.
    folders: fer2013.labels.map((label, i) => `${i}-${label.toLowerCase()}`),
    splits: splitsOfUsage,
    pictures,
    leftOut: new LeftOut(),
    warnings: [],
  };
}
