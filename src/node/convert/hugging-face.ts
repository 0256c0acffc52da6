import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import type { Tensor } from '../../safetensors/index.js';
import { formatDescription, type Precision } from '../../safetensors/index.js';
import { writeSafetensors } from '../checkpoints/index.js';
import { writeFileAtomic } from '../files/files.js';
import { makeFolder } from '../files/output-paths.js';
import { cardMark, modelCard } from './model-card.js';
import { rgbPreprocessing, toOnnx } from './onnx.js';
import type { Source } from './source.js';

/**
 * Libraries of Hugging Face choose the class of a network by this name. transformers.js runs only the types that it
 * lists, and does no more for any classifier of pictures than feed its graph; Python's transformers, which would build a
 * network of its own and fill it with random numbers, does not know this one and refuses.
 */
const modelType = 'fastvit';

/** Pillow's number for its bilinear filter. */
const bilinear = 2;

export interface HuggingFaceFiles {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly opset?: number;
  readonly precision: Precision;
}

/**
 * Writes a folder as Hugging Face's libraries take it: `config.json`, `preprocessor_config.json`, `model.safetensors`,
 * `onnx/model.onnx`, and the model card `README.md`. The configuration, without which a folder cannot be loaded, comes last.
 * @returns paths of the files within the folder
 */
export async function writeHuggingFace(folder: string, source: Source, files: HuggingFaceFiles): Promise<string[]> {
  const { opset, precision, tensors, metadata } = files;
  const { network, parameters } = source;
  const { labels, preprocessing } = source.description;
  const model = toOnnx(
    { network, parameters, labels, preprocessing },
    { form: 'hugging-face', precision, ...defined({ opset }) },
  );
  await makeFolder(join(folder, 'onnx'));
  await writeFileAtomic(join(folder, 'onnx', 'model.onnx'), model);
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, metadata);
  await writeJson(join(folder, 'preprocessor_config.json'), preprocessorConfig(source));
  const card = join(folder, 'README.md');
  const hasCard = await mayWriteCard(card);
  if (hasCard) await writeFileAtomic(card, modelCard(source.description, network.family));
  await writeJson(join(folder, 'config.json'), modelConfig(source));
  const names = ['config.json', 'preprocessor_config.json', 'model.safetensors', 'onnx/model.onnx'];
  return hasCard ? [...names, 'README.md'] : names;
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
    `${folder} holds other things (${shown.join(', ')}${foreign.length > 3 ? ', …' : ''}): name a new folder, or one that poster convert wrote.`,
    'usage',
  );
}

function writeJson(path: string, document: object): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`);
}

function modelConfig({ description, network }: Source): object {
  const { labels } = description.labels;
  return {
    architectures: [`${network.family.className}ForImageClassification`],
    model_type: modelType,
    problem_type: 'single_label_classification',
    image_size: description.preprocessing.imageSize,
    num_channels: 3,
    num_labels: labels.length,
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    torch_dtype: 'float32',
    // What this project needs to read the folder back where other programs dropped the metadata of the weights.
    [descriptionKey]: z.record(z.string(), z.unknown()).parse(JSON.parse(formatDescription(description))),
  };
}

function preprocessorConfig({ description }: Source): object {
  const { imageSize, mean, std } = rgbPreprocessing(description.preprocessing);
  return {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size: { height: imageSize, width: imageSize },
    resample: bilinear,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    do_convert_rgb: true,
  };
}
