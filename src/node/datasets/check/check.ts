import { availableParallelism } from 'node:os';
import { relative, resolve, sep } from 'node:path';
import { defined } from '../../../common/defined.js';
import { UserError } from '../../../common/errors.js';
import { itemAt } from '../../../common/item-at.js';
import type { LabelSet } from '../../../common/labels.js';
import { forEachParallel } from '../../../common/parallel.js';
import { pictureName } from '../../../common/picture-names.js';
import { checkPath } from '../../files/check-path.js';
import { type Dataset, loadDataset, type Sample } from '../dataset.js';
import { tensorName } from '../folders.js';
import { splitsOf } from '../splits.js';
import { groupEqual, groupSimilar } from './duplicates.js';
import { type Inspected, inspectPicture } from './inspect.js';
import { inspectTensor } from './inspect-tensor.js';
import { type Unexamined, unexamined } from './unexamined.js';

export interface CheckOptions {
  /** What numbered class folders stand for. */
  readonly folderLabels?: LabelSet;
  /** Pictures in work at once (default: one for each core). Each takes the memory of its file and of its pixels. */
  readonly workers?: number;
  /** Look for pictures that look the same though their files differ (default true). */
  readonly similar?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface SplitCheck {
  readonly split: string;
  /** Those with a majority among their votes, and all where nobody voted. */
  readonly pictures: number;
  /** Per label. */
  readonly counts: readonly number[];
  /** Pictures without a majority among their votes. */
  readonly noMajority: number;
  /** Of pictures that can be read, by area; null where there is none. */
  readonly sizes: { readonly smallest: Size; readonly median: Size; readonly largest: Size } | null;
  readonly nonSquare: number;
  readonly gray: number;
  readonly colour: number;
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
}

/** Pictures that are the same, or look so. */
export interface SameGroup {
  readonly pictures: readonly { readonly path: string; readonly split: string; readonly label: string }[];
  /** In more than one split. */
  readonly acrossSplits: boolean;
  /** Under more than one label. */
  readonly acrossLabels: boolean;
}

export interface DatasetCheck {
  /** Absolute path. */
  readonly root: string;
  readonly labels: LabelSet;
  readonly splits: readonly SplitCheck[];
  /** Splits that cannot be used at all, and why. */
  readonly broken: readonly { readonly split: string; readonly reason: string }[];
  /** The same bytes. */
  readonly identical: readonly SameGroup[];
  /** What lies there and is not read. */
  readonly unexamined: Unexamined;
  /** What the user should know about the folders: a sentence each. */
  readonly notes: readonly string[];
  /** The same looks in other bytes: scaled, brightened, saved again. */
  readonly similar: readonly SameGroup[];
}

interface Found {
  readonly dataset: Dataset;
  readonly sample: Sample;
}

/** Opens each split. @throws where none can be used. */
async function openSplits(
  root: string,
  labels: LabelSet | undefined,
): Promise<{ datasets: Dataset[]; broken: { split: string; reason: string }[] }> {
  const datasets: Dataset[] = [];
  const broken: { split: string; reason: string }[] = [];
  let first: UserError | undefined;
  for (const split of await splitsOf(root)) {
    try {
      datasets.push(await loadDataset(root, split, { keepNonMajority: true, ...defined({ labels }) }));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      first ??= error;
      broken.push({ split, reason: error.message });
    }
  }
  if (datasets.length === 0 && first !== undefined) throw first;
  return { datasets, broken };
}

function sizesOf(inspected: readonly Inspected[]): SplitCheck['sizes'] {
  const sorted = inspected
    .map(({ width, height }) => ({ width, height }))
    .sort((a, b) => a.width * a.height - b.width * b.height);
  const [smallest] = sorted;
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  const largest = sorted.at(-1);
  if (smallest === undefined || median === undefined || largest === undefined) return null;
  return { smallest, median, largest };
}

/**
 * Looks a dataset through: reads every picture of every split as training would.
 * @throws UserError where no split can be used, or `signal` stops it with one.
 */
export async function checkDataset(root: string, options: CheckOptions = {}): Promise<DatasetCheck> {
  const { workers = availableParallelism(), onProgress, signal } = options;
  checkPath(root, 'The folder of the dataset');
  if (!(Number.isInteger(workers) && workers >= 1)) {
    throw new UserError(`A dataset cannot be checked by ${workers} workers; give a whole number from 1.`, 'usage');
  }
  const at = resolve(root);
  const { datasets, broken } = await openSplits(at, options.folderLabels);
  const all: Found[] = datasets.flatMap((dataset) => dataset.samples.map((sample) => ({ dataset, sample })));
  const inspected = all.map((): Inspected | string | undefined => undefined);
  let done = 0;
  await forEachParallel(
    all,
    workers,
    async ({ dataset, sample }, i) => {
      try {
        inspected[i] = await (dataset.tensors === true ? inspectTensor : inspectPicture)(sample.path);
      } catch (error) {
        // What the machine lacks says nothing of the picture.
        if (!(error instanceof UserError) || error.kind !== 'input') throw error;
        inspected[i] = error.message;
      }
      done++;
      if (done % 50 === 0 || done === all.length) onProgress?.(done, all.length);
    },
    signal,
  );
  const pathOf = (sample: Sample): string => relative(at, sample.path).replaceAll(sep, '/');
  const splits = datasets.map((dataset): SplitCheck => {
    const own = all.flatMap((found, i) => (found.dataset === dataset ? [{ ...found, result: inspected[i] }] : []));
    const readable = own.flatMap(({ result }) => (typeof result === 'object' ? [result] : []));
    const voted = own.filter(({ sample }) => sample.majority);
    const gray = readable.filter((one) => one.gray).length;
    return {
      split: dataset.split,
      pictures: voted.length,
      counts: dataset.labels.labels.map((_, label) => voted.filter(({ sample }) => sample.label === label).length),
      noMajority: own.length - voted.length,
      sizes: sizesOf(readable),
      nonSquare: readable.filter(({ width, height }) => width !== height).length,
      gray,
      colour: readable.length - gray,
      unreadable: own.flatMap(({ sample, result }) =>
        typeof result === 'string' ? [{ path: pathOf(sample), reason: result }] : [],
      ),
    };
  });
  const groupOf = (indices: readonly number[]): SameGroup => {
    const pictures = indices.flatMap((i) => {
      const found = all[i];
      if (found === undefined) return [];
      const { dataset, sample } = found;
      return [{ path: pathOf(sample), split: dataset.split, label: itemAt(dataset.labels.labels, sample.label) }];
    });
    return {
      pictures,
      acrossSplits: new Set(pictures.map(({ split }) => split)).size > 1,
      acrossLabels: new Set(pictures.map(({ label }) => label)).size > 1,
    };
  };
  const identical = groupEqual(inspected.map((one) => (typeof one === 'object' ? one.hash : undefined)));
  // Of identical pictures one stands for all.
  const copies = new Set(identical.flatMap((group) => group.slice(1)));
  const similar =
    options.similar === false
      ? []
      : groupSimilar(
          inspected.map((one, i) => (typeof one === 'object' && !copies.has(i) ? one.fingerprint : undefined)),
        );
  return {
    root: at,
    labels: datasets[0]?.labels ?? { name: '', labels: [] },
    splits,
    broken,
    unexamined: await unexamined(
      at,
      await splitsOf(at),
      datasets.some(({ tensors }) => tensors === true) ? tensorName : pictureName,
    ),
    notes: datasets.flatMap(({ notes = [] }) => notes),
    identical: identical.map(groupOf),
    similar: similar.map(groupOf),
  };
}
