import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { aBoolean, anObject, checkOptions, type OptionRules } from '../../common/check-options.js';
import { defined } from '../../common/defined.js';
import { type Advice, advice, type Setting, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { toOnnx } from '../../convert/index.js';
import { anOpset, aPrecision } from '../../convert/option-rules.js';
import type { AssumedModel } from '../../models/index.js';
import {
  encodeModel,
  fitsHalf,
  inPrecision,
  type Precision,
  type Preference,
  preferences,
  type Tensor,
  toFloat32,
} from '../../safetensors/index.js';
import { requireNoState, writePublished, writeSafetensors } from '../checkpoints/index.js';
import { checkPath } from '../files/check-path.js';
import { writeFileAtomic } from '../files/files.js';
import { guardInputs } from '../files/output-paths.js';
import { isFolder } from '../files/path-kind.js';
import { withFoldedTemperature } from './fold-temperature.js';
import { huggingFaceNames, refuseForeignFolder, writeHuggingFace } from './hugging-face.js';
import { buffersOf, deadTensorsOf } from './published-extras.js';
import { resumeSettings } from './resume-settings.js';
import { readSource, type Source } from './source.js';

export const formats = ['pth', 'safetensors', 'onnx', 'huggingface'] as const;
export type Format = (typeof formats)[number];

export interface ConvertOptions {
  /** Default: what the end of OUT says. */
  readonly to?: Format;
  /** `F16` stores matrices and kernels in half precision; default F32. */
  readonly precision?: Precision;
  /** Opset of ONNX models, 17 to 23; default 21. */
  readonly opset?: number;
  /** Write what the published code registers and never reads as well, which its strict loading wants. */
  readonly deadTensors?: boolean;
  /** `.pth`: recorders of the published script for a run of so many epochs (see `PublishedCheckpoint`). */
  readonly recorderEpochs?: number;
  /** Which head is converted, of weights that have two; default: the network's own, and the other beside it where the format can. */
  readonly prefer?: Preference;
  /** For input that does not describe itself. */
  readonly assumed?: AssumedModel;
}

export interface Converted {
  readonly to: Format;
  /** Paths of what was written. */
  readonly files: readonly string[];
  readonly source: Source;
  /** In the written file; of an ONNX model, those that it holds as initializers. */
  readonly tensors: number;
  /** Of an ONNX model, also that of a folder. */
  readonly opset?: number;
  /** What the user should know, in sentences. */
  readonly notes: readonly Advice[];
}

/**
 * Writes a checkpoint in another format.
 * @throws UserError where the input cannot be read, or the output cannot be written or be what was asked for.
 */
export async function convert(from: string, out: string, options: ConvertOptions = {}): Promise<Converted> {
  checkPath(from, 'The checkpoint');
  checkPath(out, 'The file to be written');
  checkConvertOptions(options);
  const to = options.to ?? (await formatOf(out));
  checkCombination(to, options);
  await refuseInputs(from, out, to === 'huggingface' ? huggingFaceNames.map((name) => join(out, name)) : [out]);
  if (to === 'huggingface') await refuseForeignFolder(out);
  const source = await readSource(from, options.assumed, options.prefer);
  if (options.recorderEpochs !== undefined && source.network.published?.exists !== true) {
    throw new UserError(
      `Recorders are for the published script, and ${source.path} holds a network of other sizes, which it does not have; leave them out.`,
      'input',
      { settings: ['recorderEpochs'] },
    );
  }
  const notes: Advice[] = [];
  if (source.hadTrainState)
    notes.push(advice(`The state of training in ${source.path} is left behind: only weights are converted.`));
  if (source.surplus.length > 0) {
    const names = source.surplus.slice(0, 3).map((name) => printable(name, 60));
    const more = source.surplus.length > 3 ? ` and ${source.surplus.length - 3} more` : '';
    notes.push(advice(`Left out, since the network does not read it: ${names.join(', ')}${more}.`));
  }
  if (options.precision === 'F16') noteKept(source, notes);
  noteHeads(source, to, notes);
  const folded = withFoldedTemperature(source);
  switch (to) {
    case 'onnx':
      return { to, files: [out], source, notes, ...(await writeModel(out, folded, options)) };
    case 'pth':
      return { to, files: [out], source, ...(await writeTorch(out, source, options, notes)) };
    case 'safetensors': {
      const { metadata, tensors } = safetensorsOf(source, options, notes);
      await writeSafetensors(out, tensors, metadata);
      return { to, files: [out], source, notes, tensors: tensors.size };
    }
    case 'huggingface': {
      const { opset = 21, precision = 'F32' } = options;
      const content = safetensorsOf(folded, options, notes);
      const files = await writeHuggingFace(out, folded, content, { precision, opset });
      const paths = files.map((name) => `${out.replace(/\/+$/, '')}/${name}`);
      return { to, files: paths, source, notes, opset, tensors: content.tensors.size };
    }
  }
}

/** Says what becomes of a temperature and a second head where they do not stay what they are. */
function noteHeads({ description: { temperature }, headTensors }: Source, to: Format, notes: Advice[]): void {
  if (to === 'safetensors') return;
  if (headTensors.size > 0) {
    notes.push(advice('The head that prefers rare classes is left behind; prefer it to convert it instead.', 'prefer'));
  }
  if (temperature === undefined) return;
  const value = temperature.value.toFixed(4);
  notes.push(
    advice(
      to === 'pth'
        ? `The weights are written without the temperature ${value}, as published checkpoints have none: this program still applies it, others do not.`
        : `The temperature ${value} is part of the weights: the head's are divided by it, so that the softmax of the logits is calibrated.`,
    ),
  );
}

/** Says which matrices stay as they are, since half precision cannot hold their values. */
function noteKept({ parameters }: Source, notes: Advice[]): void {
  const kept = [...parameters].filter(([, array]) => array.shape.length > 1 && !fitsHalf(array)).map(([name]) => name);
  if (kept.length === 0) return;
  const names = kept.slice(0, 3).join(', ') + (kept.length > 3 ? ` and ${kept.length - 3} more` : '');
  notes.push(advice(`Stored in F32, since half precision cannot hold their values: ${names}.`));
}

async function formatOf(out: string): Promise<Format> {
  if (/[/\\]$/.test(out)) return 'huggingface';
  const [, ending = ''] = /\.(pth|pt|pth\.tar|safetensors|onnx)$/i.exec(out) ?? [];
  switch (ending.toLowerCase()) {
    case 'safetensors':
    case 'onnx':
      return ending.toLowerCase() === 'onnx' ? 'onnx' : 'safetensors';
    case '':
      break;
    default:
      return 'pth';
  }
  if (await isFolder(out)) return 'huggingface';
  throw new UserError(
    `The end of ${out} does not say what to write: .pth, .safetensors, .onnx, or a slash for a Hugging Face folder; or name the format.`,
    'usage',
    { settings: ['to'] },
  );
}

const rules: OptionRules<ConvertOptions> = {
  to: { holds: (value) => formats.some((format) => format === value), wanted: `one of ${formats.join(', ')}` },
  precision: aPrecision,
  opset: anOpset,
  deadTensors: aBoolean,
  recorderEpochs: {
    holds: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 1,
    wanted: 'a whole number from 1',
  },
  prefer: { holds: (value) => preferences.some((one) => one === value), wanted: preferences.join(' or ') },
  assumed: anObject,
};

/** What nobody knows would be taken for a default, or for nothing at all. @throws UserError (kind `usage`) */
function checkConvertOptions(options: ConvertOptions): void {
  checkOptions(options, rules, 'convert');
}

/** Options that would be passed over are mistakes. */
function checkCombination(to: Format, { opset, deadTensors, recorderEpochs, precision }: ConvertOptions): void {
  const refuse = (problem: string, setting: Setting): never => {
    throw new UserError(problem, 'usage', { settings: [setting] });
  };
  if (opset !== undefined && to !== 'onnx' && to !== 'huggingface') {
    refuse('The opset is for ONNX models and Hugging Face folders; leave it out.', 'opset');
  }
  if (deadTensors === true && to === 'onnx') {
    refuse('Dead tensors are nothing that an ONNX model could hold; leave them out.', 'deadTensors');
  }
  if (recorderEpochs === undefined) return;
  if (to !== 'pth') refuse('Recorders are for .pth files; leave them out.', 'recorderEpochs');
  if (precision === 'F16') {
    refuse('Recorders are for resuming training, which F16 weights are not for; leave them out.', 'recorderEpochs');
  }
}

/**
 * A folder of weights may be converted to a file in it, but not to one that is read; nor may a file to a folder that holds it.
 * @param files that will be written
 */
async function refuseInputs(from: string, out: string, files: readonly string[]): Promise<void> {
  const canonical = async (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
  if ((await canonical(from)) === (await canonical(out))) {
    throw new UserError(`${out} is what is to be converted; name another file to write.`, 'usage');
  }
  const guard = await guardInputs([from]);
  for (const file of files) {
    await guard('The conversion', file);
    await requireNoState(file);
  }
}

/** Dead tensors, where they are asked for. */
function extras(
  source: Source,
  { deadTensors = false, precision = 'F32' }: ConvertOptions,
  notes: Advice[],
): Map<string, Tensor> {
  if (!deadTensors) return new Map();
  const { tensors, drawn } = deadTensorsOf(source);
  if (drawn.length > 0) {
    const missing = source.network.published?.missing(drawn);
    const lacks = missing === undefined ? '' : ` ${missing}`;
    notes.push(
      advice(
        `${source.path} does not have ${drawn.length} of the ${tensors.size} dead tensors: they are written as random numbers, as PyTorch draws them.${lacks}`,
      ),
    );
  }
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      inPrecision({ shape: tensor.shape, data: toFloat32(tensor, name) }, precision),
    ]),
  );
}

function safetensorsOf(source: Source, options: ConvertOptions, notes: Advice[]): ReturnType<typeof encodeModel> {
  const { metadata, tensors } = encodeModel(
    { ...source.description, parameters: source.parameters, headTensors: source.headTensors },
    options.precision,
  );
  const more = extras(source, options, notes);
  const names = [...tensors.keys(), ...more.keys()];
  const buffers = options.deadTensors === true ? buffersOf(source, names) : new Map<string, Tensor>();
  return { metadata, tensors: new Map([...tensors, ...more, ...buffers]) };
}

async function writeModel(
  out: string,
  { network, parameters, description }: Source,
  { opset = 21, precision = 'F32' }: ConvertOptions,
): Promise<Pick<Converted, 'tensors' | 'opset'>> {
  const { labels, preprocessing } = description;
  await writeFileAtomic(out, toOnnx({ network, parameters, labels, preprocessing }, { opset, precision }));
  return { tensors: parameters.size, opset };
}

async function writeTorch(
  out: string,
  source: Source,
  options: ConvertOptions,
  notes: Advice[],
): Promise<Pick<Converted, 'tensors' | 'notes'>> {
  const { parameters } = source;
  const { heads: _, ...description } = source.description;
  const { precision = 'F32', recorderEpochs } = options;
  const tensors = new Map([...parameters].map(([name, array]) => [name, inPrecision(array, precision)]));
  for (const [name, tensor] of extras(source, options, notes)) tensors.set(name, tensor);
  for (const [name, buffer] of buffersOf(source, [...tensors.keys()])) tensors.set(name, buffer);
  const epoch = description.training?.epoch ?? source.training.epoch ?? 0;
  const accuracy = description.training?.metrics['accuracy'];
  const { settings, from } = resumeSettings(source, epoch);
  await writePublished(out, {
    tensors,
    epoch,
    bestAccuracy: accuracy === undefined ? (source.training.bestAccuracy ?? 0) : 100 * accuracy,
    resume: settings,
    description,
    ...defined({ recorderEpochs }),
  });
  const { published } = source.network;
  if (published?.exists === false) {
    notes.push(
      advice('The published code has no network of these sizes, so it does not take this file; other programs do.'),
    );
  } else if (published !== undefined && options.deadTensors !== true) {
    notes.push(
      advice(
        'Without dead tensors the published code, which loads strictly, refuses this file; others take it.',
        'deadTensors',
      ),
    );
  }
  if (recorderEpochs !== undefined) {
    notes.push(
      advice(`The published script resumes at a learning rate of ${settings.learningRate.toPrecision(3)}: ${from}.`),
    );
    notes.push(
      advice(
        'The recorders are objects of the published script: other programs load this file only with weights_only=False.',
      ),
    );
  }
  return { tensors: tensors.size, notes };
}
