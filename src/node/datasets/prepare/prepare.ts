import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Advice, UserError } from '../../../common/errors.js';
import { increase, itemAt } from '../../../common/item-at.js';
import { forEachParallel } from '../../../common/parallel.js';
import { printable } from '../../../common/printable.js';
import { checkPath } from '../../files/check-path.js';
import { type DatasetDescription, descriptionFile } from '../dataset-description.js';
import { requireFolder } from '../folders.js';
import { formatVotes, votesFile } from '../votes.js';
import { readAffectNet } from './affectnet.js';
import { readCaerS } from './caer-s.js';
import { readFer2013 } from './fer2013.js';
import { readFerPlus } from './ferplus.js';
import { type LinkKind, linkOrCopy, unusable, writePixels } from './link-file.js';
import { buildFolder } from './output.js';
import { countWarnings } from './published-counts.js';
import { readRafDb } from './raf-db.js';
import { originText, Problems, type Release, type ReleasePicture } from './release.js';

/** Datasets whose releases can be prepared. */
export const releaseNames = ['raf-db', 'affectnet-7', 'affectnet-8', 'caer-s', 'ferplus', 'fer2013'] as const;
export type ReleaseName = (typeof releaseNames)[number];

export interface PrepareOptions {
  /** Default: hard links where the file system can, else copies. */
  readonly link?: LinkKind;
  /** Leave out lines and pictures that cannot be used, and list them (default false: the first is an error). */
  readonly skipBad?: boolean;
  /** CAER-S: the pictures are face crops already. */
  readonly crops?: boolean;
  /** Called now and then with pictures done and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What became of one split. */
export interface PreparedSplit {
  readonly split: string;
  /** Pictures per label, in the order of `labels`; where people voted, those with a majority. */
  readonly counts: readonly number[];
  /** Pictures per label (the most voted) without a majority: for training on distributions only. Where people voted. */
  readonly noMajority?: readonly number[];
  /** Pictures that are not meant to be in the dataset. */
  readonly leftOut: readonly { readonly reason: string; readonly pictures: number }[];
}

export interface Prepared {
  readonly dataset: string;
  /** Which of the release's layouts was found, in words. */
  readonly layout: string;
  readonly labels: readonly string[];
  /** Class folder of each label. */
  readonly folders: readonly string[];
  readonly splits: readonly PreparedSplit[];
  /** How the pictures came there. */
  readonly links: Readonly<Record<LinkKind, number>>;
  /** Pictures that were made from pixels in a list. */
  readonly written: number;
  /** What was left out because it cannot be used (`skipBad`): a sentence each. */
  readonly problems: readonly string[];
  readonly warnings: readonly Advice[];
}

/** System calls at once: each waits for the disk. */
const atOnce = 16;

function readRelease(
  name: ReleaseName,
  src: string,
  problems: Problems,
  { crops = false, signal }: PrepareOptions,
): Promise<Release> {
  switch (name) {
    case 'raf-db':
      return readRafDb(src, problems);
    case 'affectnet-7':
      return readAffectNet(src, problems, 7, signal);
    case 'affectnet-8':
      return readAffectNet(src, problems, 8, signal);
    case 'caer-s':
      return readCaerS(src, problems, crops);
    case 'ferplus':
      return readFerPlus(src, problems);
    case 'fer2013':
      return readFer2013(src, problems);
  }
}

/** Puts the pictures into `out`. @returns those that are there now, in the release's order, and how they came there. */
async function writeAll(
  { pictures, folders }: Release,
  out: string,
  problems: Problems,
  { link, onProgress, signal }: PrepareOptions,
): Promise<{ present: ReleasePicture[]; links: Record<LinkKind, number>; written: number }> {
  const links: Record<LinkKind, number> = { hard: 0, symbolic: 0, copy: 0 };
  let written = 0;
  const there = new Uint8Array(pictures.length);
  const made = new Map<string, Promise<unknown>>();
  let done = 0;
  await forEachParallel(
    pictures,
    atOnce,
    async (picture, i) => {
      const to = join(out, picture.split, itemAt(folders, picture.label), picture.name);
      const { pixels } = picture;
      const why = pixels === undefined ? await unusable(picture.from) : undefined;
      if (why === undefined) {
        const folder = dirname(to);
        // Folders only where there are pictures: an empty class folder would say that pictures are missing.
        const making = made.get(folder) ?? mkdir(folder, { recursive: true });
        made.set(folder, making);
        await making;
        if (pixels === undefined) links[await linkOrCopy(picture.from, to, link)]++;
        else {
          await writePixels(pixels, to);
          written++;
        }
        there[i] = 1;
      } else problems.add(`${originText(picture.origin)} names the picture ${picture.from}, which ${why}`);
      done++;
      if (done % 200 === 0 || done === pictures.length) onProgress?.(done, pictures.length);
    },
    signal,
  );
  return { present: pictures.filter((_, i) => there[i] === 1), links, written };
}

/** Writes what the folders do not say: their labels, and the votes. */
async function describe({ labels, folders }: Release, present: readonly ReleasePicture[], out: string): Promise<void> {
  const description: DatasetDescription = {
    name: labels.name,
    labels: [...labels.labels],
    folders: Object.fromEntries(folders.map((folder, i) => [folder, itemAt(labels.labels, i)])),
  };
  await writeFile(join(out, descriptionFile), `${JSON.stringify(description, null, 2)}\n`, { flush: true });
  for (const split of new Set(present.map((picture) => picture.split))) {
    const votes = present.flatMap((picture) =>
      picture.votes === undefined || picture.split !== split
        ? []
        : [{ image: `${itemAt(folders, picture.label)}/${picture.name}`, ...picture.votes }],
    );
    if (votes.length > 0) await writeFile(join(out, split, votesFile), formatVotes(votes), { flush: true });
  }
}

function summaries(release: Release, present: readonly ReleasePicture[]): PreparedSplit[] {
  return release.splits.map((split) => {
    const counts = release.folders.map(() => 0);
    const noMajority = release.folders.map(() => 0);
    let voted = false;
    for (const { label, votes } of present.filter((picture) => picture.split === split)) {
      const into = votes?.majority === false ? noMajority : counts;
      increase(into, label);
      voted ||= votes !== undefined;
    }
    return { split, counts, ...(voted ? { noMajority } : {}), leftOut: release.leftOut.of(split) };
  });
}

/**
 * Makes a dataset (`loadDataset`) from a public dataset's release, in whichever of its layouts it lies at `src`: splits of
 * class folders named as the published code expects them, and `dataset.json` with the labels in published order. `out` is
 * complete or absent: it is built beside and renamed at the end.
 *
 * @throws UserError where `src` is not the release, a line or picture cannot be used (unless `skipBad`), `out` is not
 * empty, or the disk is full.
 */
export async function prepareDataset(
  name: ReleaseName,
  src: string,
  out: string,
  options: PrepareOptions = {},
): Promise<Prepared> {
  if (!releaseNames.includes(name)) {
    throw new UserError(
      `There is no dataset '${printable(String(name))}' to prepare; known are ${releaseNames.join(', ')}.`,
      'usage',
    );
  }
  checkPath(src, 'The folder of the release');
  checkPath(out, 'The folder to be made');
  const from = resolve(src);
  const target = resolve(out);
  await requireFolder(from, 'unpack the release and give its folder');
  return await buildFolder(target, async (building) => {
    const problems = new Problems(options.skipBad ?? false);
    const release = await readRelease(name, from, problems, options);
    if (release.pictures.length === 0) {
      throw new UserError(
        `${from} has the layout of ${release.labels.name} but no picture that can be used; check it.`,
      );
    }
    const { present, links, written } = await writeAll(release, building, problems, options);
    if (present.length === 0) {
      throw new UserError(`None of the pictures that ${from} names (${release.pictures.length}) is there; check it.`);
    }
    await describe(release, present, building);
    const splits = summaries(release, present);
    return {
      dataset: release.labels.name,
      layout: release.layout,
      labels: release.labels.labels,
      folders: release.folders,
      splits,
      links,
      written,
      problems: problems.found,
      warnings: [...release.warnings, ...countWarnings(release.labels, splits)],
    };
  });
}
