import { UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import { formatDescription, type ModelDescription } from './description.js';
import { descriptionKey } from './description-key.js';
import { headPrefix } from './head-record.js';
import { isOptionalBuffer } from './parameters.js';
import { type Precision, precisions } from './precision.js';
import { type Safetensors, safetensorsChunks } from './safetensors.js';
import { type FloatArray, fromFloat32, isFloatDtype, type Tensor, toFloat32, toHalf } from './tensor.js';

export type { Precision } from './precision.js';

/** Tensors whose names begin so belong to training (`train-state.ts`), not to the network. */
export const trainStatePrefix = 'train_state/';

/** A network's weights and running statistics by published name, with their description. */
export interface ModelCheckpoint extends ModelDescription {
  readonly parameters: ReadonlyMap<string, FloatArray>;
  /** The tensors of other heads, by their names in the file; where there are none, the description's `heads` are left out. */
  readonly headTensors?: ReadonlyMap<string, Tensor>;
}

/** The largest number of half precision, and the smallest that keeps all its bits. */
const [largestHalf, smallestNormalHalf] = [65504, 2 ** -14];

/** Whether an array is stored in half precision where that is asked for. */
export function fitsHalf({ shape, data }: FloatArray): boolean {
  if (shape.length < 2) return false;
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Not above: it would be infinite. Not all far below: next to nothing would be left of them.
  return largest === 0 || (largest <= largestHalf && largest >= smallestNormalHalf);
}

/** An array as it is stored. */
export function inPrecision(array: FloatArray, precision: Precision): Tensor {
  return precision === 'F16' && fitsHalf(array) ? toHalf(array) : fromFloat32(array);
}

/**
 * The metadata and tensors of a model checkpoint, over the same memory.
 * Throws a plain Error where the description breaks its own rules: that is a defect of the caller.
 * @throws UserError (kind `usage`) for a precision that there is not
 */
export function encodeModel(checkpoint: ModelCheckpoint, precision: Precision = 'F32'): Safetensors {
  // Another name would be taken for F32.
  if (!precisions.includes(precision)) {
    throw new UserError(
      `Weights cannot be stored in ${printable(String(precision))}; give ${precisions.join(' or ')}.`,
      'usage',
    );
  }
  const { heads, headTensors = new Map<string, Tensor>(), ...own } = checkpoint;
  const description = formatDescription(heads === undefined || headTensors.size === 0 ? own : { ...own, heads });
  const tensors = new Map<string, Tensor>();
  for (const [name, array] of checkpoint.parameters) {
    if (isReserved(name)) throw new Error(`A parameter cannot be called ${name}.`);
    tensors.set(name, inPrecision(array, precision));
  }
  // `format: pt` tells other readers of safetensors that names and layouts are PyTorch's.
  const metadata = new Map([
    ['format', 'pt'],
    [descriptionKey, description],
  ]);
  return { metadata, tensors: new Map([...tensors, ...headTensors]) };
}

/** A model checkpoint as a file in memory: what `Recognizer.load({ checkpoint })` takes, and `poster predict` from a disk. */
export function checkpointBytes(checkpoint: ModelCheckpoint, precision?: Precision): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = encodeModel(checkpoint, precision);
  const pieces = [...safetensorsChunks(tensors, metadata)];
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The network's part of a file that is in memory: floating-point tensors, without optional buffers. */
export function decodeParameters(tensors: Safetensors['tensors']): Map<string, FloatArray> {
  const parameters = new Map<string, FloatArray>();
  for (const [name, tensor] of tensors) {
    if (!isParameter(name, tensor)) continue;
    parameters.set(name, { shape: tensor.shape, data: toFloat32(tensor, name) });
  }
  return parameters;
}

/** Whether a tensor is a weight or a running statistic of a network. */
export function isParameter(name: string, { dtype }: Pick<Tensor, 'dtype'>): boolean {
  return isFloatDtype(dtype) && !isOptionalBuffer(name) && !isReserved(name);
}

/** Whether a tensor of this name is the state of training's, or another head's. */
export function isReserved(name: string): boolean {
  return name.startsWith(trainStatePrefix) || name.startsWith(headPrefix);
}
