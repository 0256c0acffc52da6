import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import { checkPath } from '../files/check-path.js';
import { explainFileError, readJson } from '../files/files.js';
import { isFile } from '../files/path-kind.js';

/** Weights in a folder: of Hugging Face's libraries, of a run of ours. The first that is there counts. */
const weightFiles = ['model.safetensors', 'pytorch_model.bin', 'best.safetensors'] as const;

/** Those that Hugging Face's libraries write, whose `config.json` may say what they are. */
const describedFiles: ReadonlySet<string> = new Set(weightFiles.slice(0, 2));

/** A file of weights, and what stands beside it. */
export interface LocatedCheckpoint {
  readonly path: string;
  /** This project's description from a `config.json` beside it: other programs drop the metadata of weights that they save again. */
  readonly beside: string | undefined;
}

/**
 * The file of weights that a path names: itself, or that in a folder.
 * @throws UserError when there is none.
 */
export async function locateCheckpoint(path: string): Promise<LocatedCheckpoint> {
  checkPath(path, 'The checkpoint');
  const info = await stat(path).catch((error: unknown) => {
    throw explainFileError(error, 'read', path);
  });
  const file = info.isDirectory() ? await weightsIn(path) : path;
  return { path: file, beside: describedFiles.has(basename(file)) ? await descriptionBeside(file) : undefined };
}

async function weightsIn(folder: string): Promise<string> {
  for (const name of weightFiles) if (await isFile(join(folder, name))) return join(folder, name);
  throw new UserError(
    `${printable(folder, 4096)} is a folder without weights (${weightFiles.join(', ')}): name a file of weights, or a folder that holds one of these.`,
  );
}

const configSchema = z.object({ [descriptionKey]: z.record(z.string(), z.unknown()).optional() });

async function descriptionBeside(weights: string): Promise<string | undefined> {
  const path = join(dirname(weights), 'config.json');
  if (!(await isFile(path))) return undefined;
  const document = (await readJson(path, configSchema))[descriptionKey];
  return document === undefined ? undefined : JSON.stringify(document);
}
