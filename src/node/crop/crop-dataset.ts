import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import sharp from 'sharp';
import {
  aFunction,
  aNumber,
  anObject,
  aSignal,
  checkOptions,
  type OptionRules,
  requireOptions,
} from '../../common/check-options.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { forEachParallel } from '../../common/parallel.js';
import type { CropTemplate } from '../../common/preprocessing.js';
import { alignFace, checkDetectOptions, type DetectOptions, type Face, type FaceDetector } from '../../detect/index.js';
import type { Picture } from '../../image/resize.js';
import { readDescription } from '../datasets/dataset-description.js';
import { picturesIn } from '../datasets/folders.js';
import { decodePicture } from '../decode/decode.js';
import { checkPath } from '../files/check-path.js';
import { writeFileAtomic } from '../files/files.js';
import { type DonePicture, openJournal } from './crop-journal.js';
import { bringLists } from './crop-lists.js';
import { checkApart, cropName, type PlannedPicture, planCrops } from './crop-plan.js';

export interface CropOptions {
  readonly template: CropTemplate;
  /** Side of the crops in pixels, 16 to 2048. */
  readonly size: number;
  /** Which faces of a picture: the one with the largest box (default), or each. */
  readonly faces?: 'largest' | 'all';
  /** Least score of a face, in (0, 1). Default 0.6. */
  readonly minScore?: number;
  /** Least width of a face, brow to chin, in pixels. Default 0. */
  readonly minSize?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between pictures; the same call goes on later. */
  readonly signal?: AbortSignal;
}

/** Bounds are checked where they count. */
const rules: OptionRules<CropOptions> = {
  template: anObject,
  size: aNumber,
  faces: { holds: (faces) => faces === 'largest' || faces === 'all', wanted: "'largest' or 'all'" },
  minScore: aNumber,
  minSize: aNumber,
  onProgress: aFunction,
  signal: aSignal,
};

export interface Cropped {
  /** Pictures of the source. */
  readonly pictures: number;
  /** Pictures that an earlier run had done. */
  readonly before: number;
  readonly crops: number;
  /** Pictures without a crop, and why. Also in `no-face.csv`. */
  readonly without: readonly { readonly picture: string; readonly reason: string }[];
  /** `dataset.json`, votes and lists that were brought along, relative to the output. */
  readonly lists: readonly string[];
  /** Lists that could not be read: a sentence each. */
  readonly unreadableLists: readonly string[];
}

/** Names the pictures without a crop. */
export const noFaceName = 'no-face.csv';
/** Pictures in work: one is decoded and encoded while another is looked at. */
const atOnce = 2;

/**
 * Makes a dataset of aligned face crops, as PNG, from one of whole pictures: all folders of `src` are kept, and what says
 * which picture has which label (`bringLists`). Each file is there as a whole or not at all; a run that was stopped goes on
 * where it was.
 *
 * @throws UserError where the folders lie within each other, `out` holds something else, or no picture shows a face; (kind `usage`)
 * for options that there are not, or that cannot be.
 */
export async function cropDataset(
  detector: FaceDetector,
  src: string,
  out: string,
  options: CropOptions,
): Promise<Cropped> {
  requireOptions<CropOptions>(options, { template: anObject, size: aNumber }, 'cropDataset');
  checkOptions(options, rules, 'cropDataset');
  checkPath(src, 'The folder of pictures');
  checkPath(out, 'The folder of crops');
  const { template, size, faces = 'largest', minScore = 0.6, minSize = 0, onProgress, signal } = options;
  if (!(Number.isInteger(size) && size >= 16 && size <= 2048)) {
    throw new UserError(`Crops cannot have a side of ${size} pixels; it is a whole number from 16 to 2048.`, 'usage');
  }
  checkDetectOptions({ minScore, minSize });
  const [from, to] = [resolve(src), resolve(out)];
  await checkApart(from, to);
  if ((await readDescription(from))?.tensors === true) {
    throw new UserError(`${from} holds prepared tensors (dataset.json), in which no faces can be found.`);
  }
  const pictures = await picturesIn(from, undefined, true, 'pass over');
  if (pictures.length === 0) throw new UserError(`${from} holds no pictures; check the path.`);
  const journal = await openJournal(to, { format: 1, size, faces, minScore, minSize, template });
  const stems = new Map([...journal.done].map(([picture, { stem }]) => [picture, stem]));
  const plan = planCrops(pictures, stems);
  const results = new Map<string, DonePicture>();
  const start: DetectOptions = { minScore, minSize, ...defined({ signal }) };
  const chosen = async (picture: Picture): Promise<Face[]> => {
    const found = await detector.detect(picture, start);
    const bySize = found.toSorted((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
    return faces === 'all' ? bySize : bySize.slice(0, 1);
  };
  const work = async ({ picture, stem }: PlannedPicture): Promise<DonePicture> => {
    const before = journal.done.get(picture);
    if (before !== undefined) return before;
    const entry = await cropPicture(join(from, picture), chosen, async (face, decoded, number) => {
      const name = cropName(stem, number);
      await mkdir(dirname(join(to, name)), { recursive: true });
      await writeFileAtomic(join(to, name), await pngOf(alignFace(decoded, face.keypoints, template, size)));
      return name;
    });
    const done = { picture, stem, ...entry };
    await journal.add(done);
    return done;
  };
  await forEachParallel(
    plan,
    atOnce,
    async (one) => {
      results.set(one.picture, await work(one));
      onProgress?.(results.size, plan.length);
    },
    signal,
  );
  const ordered = pictures.flatMap((picture) => results.get(picture) ?? []);
  const crops = ordered.reduce((sum, done) => sum + done.crops.length, 0);
  const without = ordered.flatMap(({ picture, reason }) => (reason === null ? [] : [{ picture, reason }]));
  await writeFileAtomic(
    join(to, noFaceName),
    stringify([['picture', 'reason'], ...without.map(({ picture, reason }) => [picture, reason])], {
      escape_formulas: true,
    }),
  );
  if (crops === 0)
    throw new UserError(`No picture in ${from} shows a face that was found; ${noFaceName} in ${to} says why.`);
  const lists = await bringLists(from, to, new Map(ordered.map((done) => [done.picture, done.crops])));
  return {
    pictures: pictures.length,
    before: journal.done.size,
    crops,
    without,
    lists: lists.written,
    unreadableLists: lists.unreadable,
  };
}

async function cropPicture(
  path: string,
  facesIn: (picture: Picture) => Promise<readonly Face[]>,
  write: (face: Face, picture: Picture, number: number) => Promise<string>,
): Promise<Pick<DonePicture, 'crops' | 'reason'>> {
  let picture: Picture;
  try {
    picture = await decodePicture(path);
  } catch (error) {
    // A disk that fails or files that are too many say nothing of the picture: it is tried again.
    if (error instanceof UserError && error.kind === 'input') return { crops: [], reason: error.message };
    throw error;
  }
  const crops: string[] = [];
  for (const face of await facesIn(picture)) crops.push(await write(face, picture, crops.length + 1));
  return { crops, reason: crops.length === 0 ? 'no face was found' : null };
}

function pngOf({ data, width, height, channels }: Picture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}
