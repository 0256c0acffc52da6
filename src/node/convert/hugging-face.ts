import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { cardMark, cardName, type HuggingFaceOptions, huggingFaceFiles } from '../../convert/index.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import type { Safetensors } from '../../safetensors/index.js';
import { writeFileAtomic } from '../files/files.js';
import { makeFolder } from '../files/output-paths.js';
import type { Source } from './source.js';

/** What is written in any case, by its path within the folder. */
export const huggingFaceNames = ['config.json', 'preprocessor_config.json', 'model.safetensors', 'onnx/model.onnx'];

/**
 * Writes a folder as Hugging Face's libraries take it ({@link huggingFaceFiles}).
 * @param content of `model.safetensors`
 * @returns paths of the files within the folder
 */
export async function writeHuggingFace(
  folder: string,
  source: Source,
  content: Safetensors,
  options: HuggingFaceOptions,
): Promise<string[]> {
  const files = huggingFaceFiles(source, content, options);
  await makeFolder(join(folder, 'onnx'));
  const hasCard = await mayWriteCard(join(folder, cardName));
  for (const [path, pieces] of files) {
    if (path !== cardName || hasCard) await writeFileAtomic(join(folder, path), pieces);
  }
  return hasCard ? [...huggingFaceNames, cardName] : huggingFaceNames;
}

/** A card that somebody wrote or changed stays. */
async function mayWriteCard(path: string): Promise<boolean> {
  const card = await readFile(path, 'utf8').catch(() => undefined);
  return card === undefined || card.includes(cardMark);
}

/** What a folder may have before anything was written to it, or where writing broke off. */
const harmless = new Set([
  'onnx',
  'model.safetensors',
  'preprocessor_config.json',
  '.git',
  '.gitattributes',
  'README.md',
]);

/**
 * Nothing is written between the files of others.
 * @throws UserError where a folder holds something, and no `config.json` of ours.
 */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  const foreign = names.filter((name) => !harmless.has(name));
  if (foreign.length === 0) return;
  const config = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '');
  if (config.includes(`"${descriptionKey}"`)) return;
  const shown = foreign.slice(0, 3).map((name) => printable(name, 40));
  throw new UserError(
    `${folder} holds other things (${shown.join(', ')}${foreign.length > 3 ? ', …' : ''}): name a new folder, or one of an earlier conversion.`,
    'usage',
  );
}
