import { UserError } from '../../../common/errors.js';
import {
  columnsOf,
  type Fer2013Row,
  findFer2013,
  firstFile,
  readFer2013Rows,
  side,
  splitOfUsage,
  splitsOfUsage,
} from './fer2013.js';
import { ferPlusLabel, noEmotion, parseFerPlusVotes, voteColumns } from './ferplus-labels.js';
import type { LeftOut, Problems, ReleasePicture } from './release.js';
import { originText } from './release.js';
import { readRows } from './rows.js';

/** Where people have the votes: beside the pictures, or in a clone of FER+'s repository. */
const paths = ['fer2013new.csv', 'FERPlus/fer2013new.csv', 'FERPlus-master/fer2013new.csv', 'fer2013/fer2013new.csv'];

/** The two files that people have: FER2013's pictures from Kaggle, FER+'s votes. */
export interface FerPlusFiles {
  readonly pictures: string;
  readonly votes: string;
}

/**
 * Finds them.
 * @returns undefined where neither is there
 * @throws UserError where one of them is missing.
 */
export async function findFerPlusFiles(src: string): Promise<FerPlusFiles | undefined> {
  const [pictures, votes] = [await findFer2013(src), await firstFile(src, paths)];
  if (pictures !== undefined && votes !== undefined) return { pictures, votes };
  if (pictures !== undefined) {
    throw new UserError(
      `${src} has FER2013's pictures and not FER+'s votes; put fer2013new.csv of the FER+ release beside them, or ` +
        'prepare it as fer2013, with its own seven labels.',
    );
  }
  if (votes === undefined) return undefined;
  throw new UserError(
    `${src} has FER+'s votes and not the pictures; put fer2013.csv (or icml_face_data.csv) of FER2013 beside them.`,
  );
}

/**
 * The pictures of both files. Their lines belong together by order; that `Usage` is the same in each is checked.
 * @throws UserError where the files do not belong together.
 */
export async function readFerPlusFiles(
  { pictures: picturePath, votes: votePath }: FerPlusFiles,
  leftOut: LeftOut,
  problems: Problems,
): Promise<{ readonly splits: readonly string[]; readonly pictures: readonly ReleasePicture[] }> {
  const faces = readFer2013Rows(picturePath);
  const pictures: ReleasePicture[] = [];
  const names = new Set<string>();
  let columns: number[] | undefined;
  const apart = (line: number): UserError =>
    new UserError(
      `${votePath}, line ${line}, does not belong to the same line of ${picturePath}: the two files differ in Usage or in ` +
        'length; take both as they were published.',
    );
  try {
    for await (const { line, fields } of readRows(votePath)) {
      if (columns === undefined) {
        columns = columnsOf(fields, ['Usage', 'Image name', ...voteColumns], votePath);
        continue;
      }
      const [usage = '', image = '', ...votes] = columns.map((column) => fields[column] ?? '');
      const face: Fer2013Row | undefined = (await faces.next()).value ?? undefined;
      if (face === undefined || face.split !== splitOfUsage(usage)) throw apart(line);
      const { split, pixels } = face;
      const origin = { by: votePath, line };
      // FER+ names no picture that is none.
      if (image === '') {
        leftOut.add(split, noEmotion);
        continue;
      }
      const entry = parseFerPlusVotes(image, votes);
      if (typeof entry === 'string') {
        problems.add(`${originText(origin)} ${entry}`);
      } else if (names.has(image)) {
        problems.add(`${originText(origin)} repeats the picture '${image}'`);
      } else if (typeof pixels === 'string') {
        problems.add(`${originText({ by: picturePath, line: face.line })} ${pixels}`);
      } else {
        names.add(image);
        const voted = ferPlusLabel(entry.votes);
        if (voted === undefined) {
          leftOut.add(split, noEmotion);
          continue;
        }
        const { label, majority, votes: counted } = voted;
        const source = { from: picturePath, pixels: { side, data: pixels } };
        pictures.push({ split, label, ...source, name: image, origin: origin, votes: { majority, votes: counted } });
      }
    }
    const more = await faces.next();
    if (more.done !== true) throw apart(more.value.line);
  } finally {
    await faces.return(undefined);
  }
  return { splits: splitsOfUsage, pictures };
}
