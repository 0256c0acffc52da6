import { createReadStream } from 'node:fs';
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { parseJson } from '../../common/json.js';
import { explainFileError, writeFileAtomic } from '../files/files.js';
import { makeFolder } from '../files/output-paths.js';
import { isFile } from '../files/path-kind.js';

/** In the output: how it was made, and what became of each picture. With it an interrupted run goes on. */
const journalName = 'crops.jsonl';

const path = z.string().min(1).max(4096);
const doneSchema = z.strictObject({
  /** Relative to the source. */
  picture: path,
  stem: path,
  /** Relative to the output; none: see `reason`. */
  crops: z.array(path),
  /** Why there is no crop. */
  reason: z.string().nullable(),
});
export type DonePicture = z.infer<typeof doneSchema>;

const settingsSchema = z.strictObject({
  format: z.literal(1),
  size: z.number(),
  faces: z.enum(['largest', 'all']),
  minScore: z.number(),
  minSize: z.number(),
  template: z.unknown(),
});
export type CropSettings = z.infer<typeof settingsSchema>;

export interface Journal {
  /** By picture. */
  readonly done: ReadonlyMap<string, DonePicture>;
  add(entry: DonePicture): Promise<void>;
}

/** @throws UserError where `out` holds something else, or crops that were made otherwise. */
export async function openJournal(out: string, settings: CropSettings): Promise<Journal> {
  const file = join(out, journalName);
  const done = new Map<string, DonePicture>();
  const fails = (error: unknown): never => {
    throw explainFileError(error, 'write', file);
  };
  if (await isFile(file)) {
    for (const entry of await readJournal(file, settings)) {
      const there = await Promise.all(entry.crops.map((crop) => isFile(join(out, crop))));
      if (there.every((one) => one)) done.set(entry.picture, entry);
    }
    // Whatever a killed run wrote halfway ends here.
    await appendFile(file, '\n').catch(fails);
  } else {
    await makeFolder(out);
    if ((await readdir(out).catch(fails)).length > 0) {
      throw new UserError(
        `Folder ${out} is not empty and holds no crops (${journalName}); choose another, or empty it.`,
      );
    }
    await writeFileAtomic(file, `${JSON.stringify(settings)}\n`);
  }
  return {
    done,
    async add(entry) {
      await appendFile(file, `${JSON.stringify(entry)}\n`).catch(fails);
    },
  };
}

async function readJournal(file: string, settings: CropSettings): Promise<DonePicture[]> {
  const entries: DonePicture[] = [];
  let first = true;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (first) {
      const before = parseJson(line, settingsSchema, file);
      if (!isDeepStrictEqual(before, JSON.parse(JSON.stringify(settings)))) {
        throw new UserError(
          `The crops in ${file} were made with other settings (size, template or faces); give the same ones to continue, or ` +
            'choose another folder.',
        );
      }
      first = false;
      continue;
    }
    const entry = parsed(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Undefined for a line that was not written to its end, or that leads out of the output: the picture is done again. */
function parsed(line: string): DonePicture | undefined {
  try {
    const entry = doneSchema.parse(JSON.parse(line));
    return entry.crops.every((crop) => !crop.split('/').includes('..')) ? entry : undefined;
  } catch {
    return undefined;
  }
}
