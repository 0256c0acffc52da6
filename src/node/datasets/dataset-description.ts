import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { inOneForm, longestLabel } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { explainFileError } from '../files/files.js';

/** `dataset.json` in the root of a dataset: says which folder is which label, where folder names alone would not. */
export const descriptionFile = 'dataset.json';

/** Ten thousand labels and their folders need less. */
const maxBytes = 8 * 1024 * 1024;

const text = (what: string): z.ZodType<string, string> =>
  z
    .string(`${what} is not text`)
    .trim()
    .min(1, `${what} is empty`)
    .max(longestLabel, `${what} has more than ${longestLabel} characters`)
    .transform(inOneForm);
const fields = ['name', 'labels', 'folders', 'tensors'];
const labelList = `'labels' is not a list of names in index order, such as ["angry", "happy"]`;
const folderList = `'folders' does not give the label of each class folder, such as {"0": "angry", "1": "happy"}`;

/** A map, since zod's records leave out what is called `__proto__`, which a folder may be. */
function entriesOf(value: unknown): unknown {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? new Map(Object.entries(value)) : value;
}

const descriptionSchema = z.strictObject(
  {
    /** Default: the name of the dataset's folder. */
    name: text("'name'").exactOptional(),
    /** In index order. Default: those of `folders`, in their order. */
    labels: z
      .array(text("one of 'labels'"), labelList)
      .min(2, "'labels' has fewer than two names")
      .max(10_000, "'labels' has more than 10,000 names")
      .exactOptional(),
    /** Class folder -> label. Several folders may hold one label. Default: each folder is called as its label. */
    folders: z
      .preprocess(entriesOf, z.map(z.string(), text("one of the labels in 'folders'"), folderList))
      .exactOptional(),
    /** The class folders hold pictures prepared elsewhere: `.npy` files of float32 [C, S, S], normalised. */
    tensors: z.boolean("'tensors' is neither true nor false").exactOptional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `it has the field '${printable(itemAt(issue.keys, 0))}', and known are ${fields.join(', ')}`
        : 'it is not an object',
  },
);
/** What a `dataset.json` may say. */
export interface DatasetDescription extends Omit<z.input<typeof descriptionSchema>, 'folders'> {
  readonly folders?: Readonly<Record<string, string>>;
}

/** What a `dataset.json` says, checked. Names are in one Unicode form. */
export interface Description {
  readonly name?: string;
  /** In index order, each once, two at least. */
  readonly labels: readonly string[];
  /** Label of each class folder; undefined where the folders tell it by their names. */
  readonly folders?: ReadonlyMap<string, string>;
  readonly tensors: boolean;
}

/** @throws UserError, one sentence, for a file that cannot be read or does not say what it should. */
export async function readDescription(root: string): Promise<Description | undefined> {
  const path = join(root, descriptionFile);
  let content: string;
  try {
    const { size } = await stat(path);
    if (size > maxBytes) {
      throw new UserError(`${path} has ${size} bytes, more than the ${maxBytes} that are accepted; write it again.`);
    }
    content = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw explainFileError(error, 'read', path);
  }
  return parseDescription(content, path);
}

/** @param source what errors call the text */
export function parseDescription(content: string, source: string): Description {
  let value: unknown;
  try {
    // Editors on Windows begin files with a byte order mark.
    value = JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UserError(`${source} is not valid JSON (${printable(String(error))}); mend it or write it again.`);
  }
  const parsed = descriptionSchema.safeParse(value);
  if (!parsed.success) throw unfit(source, parsed.error.issues[0]?.message ?? 'it has an unexpected form');
  const { name, labels: listed, folders: given, tensors = false } = parsed.data;
  if (listed === undefined && given === undefined) throw unfit(source, "it has neither 'labels' nor 'folders'");
  const folders =
    given === undefined ? undefined : new Map([...given].map(([folder, label]) => [inOneForm(folder), label] as const));
  const labels = listed ?? [...new Set(folders?.values())];
  if (labels.length < 2) throw unfit(source, "'folders' has fewer than two labels");
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) throw unfit(source, `'labels' has '${printable(twice)}' twice`);
  for (const [folder, label] of folders ?? []) {
    if (labels.includes(label)) continue;
    throw unfit(source, `'folders' gives '${printable(folder)}' the label '${printable(label)}', which 'labels' lacks`);
  }
  return { labels, tensors, ...defined({ name, folders }) };
}

function unfit(source: string, what: string): UserError {
  return new UserError(`${source} cannot be used: ${what}; mend it as docs/datasets.md shows.`);
}
