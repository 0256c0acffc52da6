import { z } from 'zod';
import { UserError } from '../../common/errors.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import type { Dtype, Tensor } from '../../safetensors/tensor.js';
import { networkNames } from '../../safetensors/tensor-names.js';
import { type ReadableFile, withFile } from '../files/files.js';
import { locateCheckpoint } from './checkpoint-folder.js';
import { type CheckpointFormat, sniff, sniffBytes } from './file-kind.js';
import { type Extra, openPth } from './pth/index.js';
import { headerOf } from '../../safetensors/safetensors.js';

export type { Extra } from './pth/index.js';
export { describeRefused, refusalChannel } from './refused.js';

/** A tensor in a checkpoint of any format, its values not read. */
export interface CheckpointEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** In a safetensors file: in bytes from its start, as ONNX external data wants it. */
  readonly offset?: number;
}

/** What a checkpoint says besides its weights. */
export interface CheckpointInfo {
  /** Of the file that was read; of a folder, its weights. */
  readonly path: string;
  readonly format: CheckpointFormat;
  /** Of a safetensors file; of a PyTorch file what `writePublished` adds; of a folder, what its `config.json` says. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The rest of a PyTorch file: epoch, scores, optimizer, records of unknown classes. `{}` for safetensors. */
  readonly extra: Extra;
  /** Calls that a PyTorch file asked for, in words, printable: none was made. */
  readonly refused: readonly string[];
}

export interface CheckpointHeader extends CheckpointInfo {
  /** By name in the network ({@link networkNames}), in the order of the file. */
  readonly tensors: ReadonlyMap<string, CheckpointEntry>;
}

export interface CheckpointFile extends CheckpointInfo {
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A checkpoint that is open. */
interface OpenCheckpoint extends CheckpointHeader {
  read(wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, Tensor>>;
}

/**
 * Opens a checkpoint of any format; for files that are not on disk. The usual ways are {@link readCheckpointFile} and
 * {@link readCheckpointHeader}.
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export async function openCheckpointFile(file: ReadableFile): Promise<OpenCheckpoint> {
  const kind = sniff(await file.read(0, Math.min(sniffBytes, file.size)));
  if (kind !== undefined && 'other' in kind && !file.path.endsWith('.safetensors')) {
    throw new UserError(`${file.path} is no checkpoint but ${kind.other}; download it again or choose another file.`);
  }
  if (kind === undefined && !file.path.endsWith('.safetensors')) {
    throw new UserError(
      `${file.path} is no checkpoint: neither safetensors nor a PyTorch file (.pth, .pt); choose another file.`,
    );
  }
  if (kind !== undefined && 'format' in kind && kind.format !== 'safetensors') {
    const { entries, ...rest } = await openPth(file, kind.format);
    return namedAsInNetwork({ ...rest, path: file.path, format: kind.format, tensors: entries });
  }
  const { metadata, tensors } = await headerOf(file);
  const opened: OpenCheckpoint = {
    path: file.path,
    format: 'safetensors',
    metadata,
    tensors,
    extra: {},
    refused: [],
    async read(wanted) {
      const read = new Map<string, Tensor>();
      for (const [name, { dtype, shape, offset, byteLength }] of tensors) {
        if (wanted.has(name)) read.set(name, { dtype, shape, data: await file.read(offset, byteLength) });
      }
      return read;
    },
  };
  return namedAsInNetwork(opened);
}

/** The same file, its tensors under their names in the network. */
function namedAsInNetwork(opened: OpenCheckpoint): OpenCheckpoint {
  const names = networkNames(opened.tensors.keys(), opened.path);
  const inNetwork = (name: string): string => names.get(name) ?? name;
  return {
    ...opened,
    tensors: new Map([...opened.tensors].map(([name, entry]) => [inNetwork(name), entry])),
    async read(wanted) {
      const inFile = [...names].filter(([, name]) => wanted.has(name)).map(([name]) => name);
      const read = await opened.read(new Set(inFile));
      return new Map([...read].map(([name, tensor]) => [inNetwork(name), tensor]));
    },
  };
}

/** Opens the file that a path names, or the weights in a folder. */
async function withCheckpoint<T>(path: string, use: (checkpoint: OpenCheckpoint) => Promise<T>): Promise<T> {
  const { path: file, beside } = await locateCheckpoint(path);
  return withFile(file, async (open) => {
    const opened = await openCheckpointFile(open);
    if (beside === undefined || opened.metadata.has(descriptionKey)) return use(opened);
    return use({ ...opened, metadata: new Map([...opened.metadata, [descriptionKey, beside]]) });
  });
}

/**
 * Reads the names and shapes of a checkpoint's tensors and what it says besides; no values.
 * @param path a file, or a folder of Hugging Face's libraries or of a run
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export function readCheckpointHeader(path: string): Promise<CheckpointHeader> {
  return withCheckpoint(path, async ({ read: _, ...header }) => header);
}

/**
 * Reads a checkpoint: safetensors, or PyTorch's `.pth` in its zip format or the one before 1.6. Nothing in a file is ever
 * run; what it asked to run is listed in `refused`.
 * @param path a file, or a folder of Hugging Face's libraries or of a run
 * @param wanted tensors to read; all by default. Others take no memory
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export function readCheckpointFile(
  path: string,
  wanted: (name: string, entry: CheckpointEntry) => boolean = () => true,
): Promise<CheckpointFile> {
  return withCheckpoint(path, async ({ read, ...header }) => {
    const names = [...header.tensors].filter(([name, entry]) => wanted(name, entry)).map(([name]) => name);
    return { ...header, tensors: await read(new Set(names)) };
  });
}

/** What a training script said about the weights it saved. */
export interface TrainingNotes {
  /** Epochs, as the script counted them. */
  readonly epoch?: number;
  /** `best_acc` or the like, in the script's unit: per cent in the published code. */
  readonly bestAccuracy?: number;
  readonly hasOptimizer: boolean;
  /** Of the optimizer's first group. */
  readonly learningRate?: number;
}

/** Looks for the usual entries in what a PyTorch file holds besides weights. */
export function trainingNotes(extra: Extra): TrainingNotes {
  const entries = entriesOf(extra);
  const numberAt = (names: RegExp): number | undefined => {
    const found = entries.find(([key, value]) => names.test(key) && typeof value === 'number')?.[1];
    return typeof found === 'number' ? found : undefined;
  };
  const epoch = numberAt(/^epochs?$/);
  const optimizer = entries.find(([key]) => /^optim/i.test(key))?.[1];
  const learningRate = optimizerSchema.safeParse(optimizer);
  const bestAccuracy = numberAt(/^best_?(acc|accuracy|acc1|prec1?|top1)$/i);
  return {
    ...(epoch === undefined ? {} : { epoch }),
    ...(bestAccuracy === undefined ? {} : { bestAccuracy }),
    hasOptimizer: optimizer !== undefined,
    ...(learningRate.success ? { learningRate: learningRate.data.param_groups[0].lr } : {}),
  };
}

function entriesOf(extra: Extra): [string, Extra][] {
  return typeof extra === 'object' && extra !== null && !Array.isArray(extra) ? Object.entries(extra) : [];
}

/** Of SAM and any other optimizer of PyTorch. */
const optimizerSchema = z.object({
  param_groups: z.tuple([z.object({ lr: z.number().gt(0) })], z.unknown()),
});
