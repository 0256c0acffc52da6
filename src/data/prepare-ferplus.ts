import { randomBytes } from 'node:crypto';
import { copyFile, link, lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../common/errors.js';
import { explainFileError } from '../common/files.js';
import { ferplus } from '../common/label-sets.js';
import { type DatasetDescription, descriptionFile } from './dataset.js';
import { type FerPlusEntry, ferPlusLabel, parseFerPlusLabels } from './ferplus-labels.js';
import { isFolder } from './folders.js';
import { formatVotes, type PictureVotes, votesFile } from './votes.js';

const sources = [
  ['FER2013Train', 'train'],
  ['FER2013Valid', 'valid'],
  ['FER2013Test', 'test'],
] as const;

/** Side of the release's pictures. */
const side = 48;

/** What became of one split. */
export interface PreparedSplit {
  readonly split: 'train' | 'valid' | 'test';
  /** Pictures per label with a majority, in the order of `labels`. */
  readonly majority: readonly number[];
  /** Pictures per label (the most voted) without one: for training on distributions only. */
  readonly noMajority: readonly number[];
  /** Pictures left out: most votes went to unknown or "not a face", or no label has two votes. */
  readonly dropped: number;
}

export interface PreparedFerPlus {
  readonly labels: readonly string[];
  readonly splits: readonly PreparedSplit[];
}

export interface PrepareOptions {
  /** Called now and then with pictures done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Sorts in index order and reads well: `3-sadness`. */
const classFolders = ferplus.labels.map((label, i) => `${i}-${label}`);

interface SourceSplit {
  readonly folder: string;
  readonly split: PreparedSplit['split'];
  readonly entries: readonly FerPlusEntry[];
}

async function readSources(src: string): Promise<SourceSplit[]> {
  if (!(await isFolder(src))) {
    throw new UserError(`There is no folder ${src}; unpack the FER+ release and give its folder.`);
  }
  const found: SourceSplit[] = [];
  for (const [name, split] of sources) {
    const folder = join(src, name);
    if (!(await isFolder(folder))) continue;
    const path = join(folder, 'label.csv');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      throw explainFileError(error, 'read', path);
    }
    const entries = parseFerPlusLabels(text, path);
    const cropped = entries.find(({ box }) => box.join() !== `0,0,${side},${side}`);
    if (cropped !== undefined) {
      throw new UserError(
        `${path} crops ${cropped.image} to (${cropped.box.join(', ')}), but only whole ${side}x${side} pictures, as in the ` +
          'FER+ release, are supported; take the file from the release again.',
      );
    }
    found.push({ folder, split, entries });
  }
  if (found.length > 0) return found;
  throw new UserError(
    `${src} is not the FER+ release: it has none of ${sources.map(([name]) => `${name}/`).join(', ')}.`,
  );
}

/** The output folder must not exist, or be empty. */
async function refuseOccupied(out: string): Promise<void> {
  try {
    if ((await readdir(out)).length > 0) {
      throw new UserError(`Folder ${out} is not empty; choose another for the prepared dataset, or empty it first.`);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw explainFileError(error, 'write', out);
  }
}

/** A hard link where the file system can, else a copy. */
async function place(from: string, to: string): Promise<void> {
  let info: Awaited<ReturnType<typeof lstat>>;
  try {
    info = await lstat(from);
  } catch (error) {
    throw explainFileError(error, 'read', from);
  }
  try {
    // A link to a symbolic link would depend on where it points.
    if (info.isFile()) return await link(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ENOSYS'].includes(code)) {
      throw explainFileError(error, 'write', to);
    }
  }
  try {
    await copyFile(from, to);
  } catch (error) {
    throw explainFileError(error, 'write', to);
  }
}

async function prepareSplit(source: SourceSplit, out: string, onPicture: () => void): Promise<PreparedSplit> {
  const majority = classFolders.map(() => 0);
  const noMajority = classFolders.map(() => 0);
  const votes: PictureVotes[] = [];
  const base = join(out, source.split);
  for (const entry of source.entries) {
    onPicture();
    const label = ferPlusLabel(entry.votes);
    const folder = classFolders[label?.label ?? -1];
    if (label === undefined || folder === undefined) continue;
    const counts = label.majority ? majority : noMajority;
    // Folders only where there are pictures: an empty class folder is an error elsewhere.
    if ((majority[label.label] ?? 0) + (noMajority[label.label] ?? 0) === 0) {
      await mkdir(join(base, folder), { recursive: true });
    }
    counts[label.label] = (counts[label.label] ?? 0) + 1;
    await place(join(source.folder, entry.image), join(base, folder, entry.image));
    votes.push({ image: `${folder}/${entry.image}`, majority: label.majority, votes: label.votes });
  }
  if (votes.length === 0) {
    throw new UserError(`${join(source.folder, 'label.csv')} has no picture with an emotion; check the file.`);
  }
  await writeFile(join(base, votesFile), formatVotes(votes), { flush: true });
  return { split: source.split, majority, noMajority, dropped: source.entries.length - votes.length };
}

/**
 * Makes a dataset (`loadDataset`) from the FER+ release: `FER2013Train/`, `FER2013Valid/`, `FER2013Test/` (those that
 * are there), each with pictures and a `label.csv`, become `train/`, `valid/`, `test/` with a folder per emotion
 * (`0-neutral` .. `7-contempt`: the most voted) and `votes.jsonl`, which keeps the votes of the eight emotions and
 * whether there is a majority (see `ferPlusLabel`). Pictures are hard links where possible. `out` is complete or absent:
 * it is built beside and renamed at the end.
 *
 * @throws UserError where `src` is not the release, a picture is missing, `out` is not empty, or the disk is full.
 */
export async function prepareFerPlus(src: string, out: string, options: PrepareOptions = {}): Promise<PreparedFerPlus> {
  const { onProgress } = options;
  const target = resolve(out);
  await refuseOccupied(target);
  const splits = await readSources(resolve(src));
  const total = splits.reduce((sum, { entries }) => sum + entries.length, 0);
  const building = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.partial`);
  let done = 0;
  const onPicture = (): void => {
    done++;
    if (done % 200 === 0 || done === total) onProgress?.(done, total);
  };
  try {
    await mkdir(building, { recursive: true });
    const prepared: PreparedSplit[] = [];
    for (const source of splits) prepared.push(await prepareSplit(source, building, onPicture));
    const description: DatasetDescription = {
      name: ferplus.name,
      labels: [...ferplus.labels],
      folders: Object.fromEntries(classFolders.map((folder, i) => [folder, ferplus.labels[i] ?? folder])),
    };
    await writeFile(join(building, descriptionFile), `${JSON.stringify(description, null, 2)}\n`, { flush: true });
    // Only an empty folder can be removed: whatever came into it meanwhile is kept, and told.
    await rmdir(target).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
    await rename(building, target);
    return { labels: ferplus.labels, splits: prepared };
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw explainFileError(error, 'write', target);
  }
}
