import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { ByteSource } from '../../safetensors/byte-source.js';
import {
  type Checkpoint,
  type CheckpointEntry,
  namedAsInNetwork,
  openSafetensors,
} from '../../safetensors/checkpoint.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import type { Tensor } from '../../safetensors/tensor.js';
import { withFile } from '../files/files.js';
import { locateCheckpoint } from './checkpoint-folder.js';
import { type CheckpointFormat, sniff, sniffBytes } from './file-kind.js';
import { type Extra, openPth } from './pth/index.js';

export type { Extra } from './pth/index.js';
export { describeRefused, refusalChannel } from './refused.js';

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
export interface OpenCheckpoint extends CheckpointInfo, Checkpoint {}

/**
 * Opens a checkpoint of any format; for files that are not on disk. The usual ways are {@link readCheckpointFile} and
 * {@link readCheckpointHeader}.
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export async function openCheckpointFile(file: ByteSource): Promise<OpenCheckpoint> {
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
  return { ...(await openSafetensors(file)), format: 'safetensors', extra: {}, refused: [] };
}

/**
 * Opens the file that a path names, or the weights in a folder, for as long as it is used.
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export async function withCheckpoint<T>(path: string, use: (checkpoint: OpenCheckpoint) => Promise<T>): Promise<T> {
  const { path: file, beside } = await locateCheckpoint(path);
  return withFile(file, async (source) => {
    const opened = await openCheckpointFile(source);
    const metadata = new Map(opened.metadata);
    if (beside !== undefined && !metadata.has(descriptionKey)) metadata.set(descriptionKey, beside);
    const mappable = { source, locate: () => locationOf(file) };
    return use({ ...opened, metadata, ...(opened.format === 'safetensors' ? { mappable } : {}) });
  });
}

async function locationOf(path: string): Promise<{ readonly folder: string; readonly location: string }> {
  const file = await realpath(path);
  return { folder: dirname(file), location: basename(file) };
}

/**
 * Reads the names and shapes of a checkpoint's tensors and what it says besides; no values.
 * @param path a file, or a folder of Hugging Face's libraries or of a run
 * @throws UserError saying what the file is instead, or what is wrong with it.
 */
export function readCheckpointHeader(path: string): Promise<CheckpointHeader> {
  return withCheckpoint(path, async ({ read: _, mappable: __, ...header }) => header);
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
  return withCheckpoint(path, async ({ read, mappable: _, ...header }) => {
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
    ...defined({ epoch, bestAccuracy }),
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
