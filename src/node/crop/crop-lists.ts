import { createReadStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'csv-stringify/sync';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { inOneForm } from '../../common/labels.js';
import { descriptionFile } from '../datasets/dataset-description.js';
import { picturesIn } from '../datasets/folders.js';
import { readRows } from '../datasets/prepare/rows.js';
import { votesFile } from '../datasets/votes.js';
import { writeFileAtomic } from '../files/files.js';
import { isFile } from '../files/path-kind.js';

/** A list that names no picture in so many lines is none of pictures. */
const probedLines = 1000;

export interface BroughtLists {
  /** What was written, relative to the output. */
  readonly written: readonly string[];
  /** Lists that could not be read: a sentence each. */
  readonly unreadable: readonly string[];
}

/** Crops of each picture, both relative to their folders with `/` between parts. */
export type CropsOf = ReadonlyMap<string, readonly string[]>;

/**
 * Brings along what says which picture has which label: `dataset.json` as it is (folders keep their names), votes and lists
 * (`.csv`, `.tsv`, and `.txt` with spaces) with the names of the crops. A picture without a crop loses its line, one with several
 * gets a line for each.
 */
export async function bringLists(src: string, out: string, crops: CropsOf): Promise<BroughtLists> {
  const written: string[] = [];
  const unreadable: string[] = [];
  if (await isFile(join(src, descriptionFile))) {
    await copyFile(join(src, descriptionFile), join(out, descriptionFile));
    written.push(descriptionFile);
  }
  const find = finder([...crops.keys()]);
  for (const path of await picturesIn(src, /(\.(csv|tsv|txt)|^votes\.jsonl)$/i, true, 'pass over')) {
    const cropsFor = (name: string): readonly string[] | undefined => {
      const picture = find(name, dirname(path));
      return picture === undefined ? undefined : renamed(name, crops.get(picture) ?? []);
    };
    const lines = basename(path) === votesFile ? votes(join(src, path), cropsFor) : rows(join(src, path), cropsFor);
    try {
      // Whether it is a list of pictures shows only when it is read.
      if (!(await namesPictures(lines.names))) continue;
      await mkdir(dirname(join(out, path)), { recursive: true });
      await writeFileAtomic(join(out, path), lines.content());
      written.push(path);
    } catch (error) {
      // The crops are there, and the file may have nothing to do with them.
      if (!(error instanceof UserError) || error.kind !== 'input') throw error;
      unreadable.push(error.message);
    }
  }
  return { written, unreadable };
}

/** The name as it was written, with that of the crop at its end. */
function renamed(name: string, crops: readonly string[]): string[] {
  const folder = name.slice(0, name.length - basename(name.replaceAll('\\', '/')).length);
  return crops.map((crop) => `${folder}${basename(crop)}`);
}

/** Which picture a list means: the one whose path ends so, from the folder of the list on, else anywhere if there is only one. */
function finder(pictures: readonly string[]): (name: string, folder: string) => string | undefined {
  const byName = new Map<string, string[]>();
  for (const picture of pictures) {
    const key = inOneForm(basename(picture));
    byName.set(key, [...(byName.get(key) ?? []), picture]);
  }
  return (name, folder) => {
    const path = inOneForm(name.replaceAll('\\', '/').replace(/^\.\//, ''));
    const found = byName.get(basename(path))?.filter((one) => `/${inOneForm(one)}`.endsWith(`/${path}`)) ?? [];
    const beside = found.find((one) => inOneForm(one) === inOneForm(folder === '.' ? path : `${folder}/${path}`));
    return beside ?? (found.length === 1 ? found[0] : undefined);
  };
}

interface Lines {
  /** Whether each line names a picture. */
  readonly names: () => AsyncGenerator<boolean>;
  readonly content: () => AsyncGenerator<Uint8Array>;
}
type CropsFor = (name: string) => readonly string[] | undefined;

async function namesPictures(names: Lines['names']): Promise<boolean> {
  let lines = 0;
  for await (const names_ of names()) {
    if (names_) return true;
    if (++lines >= probedLines) return false;
  }
  return false;
}

function rows(file: string, cropsFor: CropsFor): Lines {
  const ending = extname(file).toLowerCase();
  const [delimiter, written] =
    ending === '.csv' ? ([',', ','] as const) : ([' ', ending === '.tsv' ? '\t' : ' '] as const);
  const pictureIn = (fields: readonly string[]): { at: number; crops: readonly string[] } | undefined => {
    for (const [at, field] of fields.entries()) {
      const crops = /\.\w+$/.test(field) ? cropsFor(field) : undefined;
      if (crops !== undefined) return { at, crops };
    }
    return undefined;
  };
  return {
    async *names() {
      for await (const { fields } of readRows(file, delimiter)) yield pictureIn(fields) !== undefined;
    },
    async *content() {
      for await (const { fields } of readRows(file, delimiter)) {
        const found = pictureIn(fields);
        const all = found === undefined ? [fields] : found.crops.map((crop) => fields.with(found.at, crop));
        if (all.length > 0)
          yield Buffer.from(
            stringify(
              all.map((one) => [...one]),
              { delimiter: written },
            ),
          );
      }
    },
  };
}

const voteSchema = z.looseObject({ image: z.string() });

function votes(file: string, cropsFor: CropsFor): Lines {
  const entries = async function* (): AsyncGenerator<z.infer<typeof voteSchema>> {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (line.trim() !== '') yield parseJson(line, voteSchema, `${file}, line ${number},`);
    }
  };
  return {
    async *names() {
      for await (const { image } of entries()) yield cropsFor(image) !== undefined;
    },
    async *content() {
      for await (const entry of entries()) {
        const lines = (cropsFor(entry.image) ?? []).map((image) => `${JSON.stringify({ ...entry, image })}\n`);
        if (lines.length > 0) yield Buffer.from(lines.join(''));
      }
    },
  };
}
