import * as z from 'zod';
import { defined } from '../common/defined.js';
import type { ConfiguredNetwork } from '../models/index.js';
import { descriptionKey } from '../safetensors/description-key.js';
import {
  type FloatArray,
  formatDescription,
  type ModelDescription,
  type Precision,
  type Safetensors,
  safetensorsChunks,
} from '../safetensors/index.js';
import { modelCard } from './model-card.js';
import { rgbPreprocessing, toOnnx } from './onnx.js';

/**
 * Libraries of Hugging Face choose the class of a network by this name. transformers.js runs only the types that it
 * lists, and does no more for any classifier of pictures than feed its graph; Python's transformers, which would build a
 * network of its own and fill it with random numbers, does not know this one and refuses.
 */
const modelType = 'fastvit';

/** Pillow's number for its bilinear filter. */
const bilinear = 2;

/** A network with its weights, and what they say about themselves. */
export interface DescribedNetwork {
  readonly network: ConfiguredNetwork;
  readonly description: ModelDescription;
  readonly parameters: ReadonlyMap<string, FloatArray>;
}

export interface HuggingFaceOptions {
  readonly opset?: number;
  readonly precision: Precision;
}

/** The model card, which somebody may have written anew. */
export const cardName = 'README.md';

/**
 * The files of a folder as Hugging Face's libraries take it, by their paths in it, in pieces: `onnx/model.onnx`, `model.safetensors`,
 * `preprocessor_config.json`, the model card `README.md`, `config.json`. The configuration, without which a folder cannot be loaded,
 * comes last.
 * @param content of `model.safetensors`
 * @throws UserError where the weights are more than an ONNX file can hold.
 */
export function huggingFaceFiles(
  source: DescribedNetwork,
  content: Safetensors,
  { opset, precision }: HuggingFaceOptions,
): ReadonlyMap<string, Iterable<Uint8Array>> {
  const { network, parameters, description } = source;
  const { labels, preprocessing } = description;
  const model = toOnnx(
    { network, parameters, labels, preprocessing },
    { form: 'hugging-face', precision, ...defined({ opset }) },
  );
  return new Map<string, Iterable<Uint8Array>>([
    ['onnx/model.onnx', model],
    ['model.safetensors', safetensorsChunks(content.tensors, content.metadata)],
    ['preprocessor_config.json', json(preprocessorConfig(source))],
    [cardName, text(modelCard(description, network.family))],
    ['config.json', json(modelConfig(source))],
  ]);
}

const text = (content: string): Uint8Array[] => [new TextEncoder().encode(content)];
const json = (document: object): Uint8Array[] => text(`${JSON.stringify(document, null, 2)}\n`);

function modelConfig({ description, network }: DescribedNetwork): object {
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

function preprocessorConfig({ description }: DescribedNetwork): object {
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
