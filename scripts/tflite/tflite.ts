import { messageOf, UserError } from '../../src/common/errors.js';
import { printable } from '../../src/common/printable.js';
import { elements } from '../../src/graph/index.js';
import { elementBytes, toFloat32 } from '../../src/safetensors/tensor.js';
import { Flatbuffer, FormatError, type Table } from './flatbuffer.js';

// TensorFlow Lite's file format, as far as inference networks over pictures need it:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs

/** How a convolution or pooling treats the border: `same` keeps ceil(size / stride) positions, `valid` those inside. */
export type Border = 'same' | 'valid';
export type Activation = 'none' | 'relu';

/** How a convolution or pooling goes over a map. */
export interface Window {
  readonly border: Border;
  /** Down and across. */
  readonly stride: readonly [number, number];
  readonly activation: Activation;
}

/** What an operator does. Tensors are [N, H, W, C]; the weight of a convolution [O, H, W, I], of a depthwise one [1, H, W, O]. */
export type Operation =
  | ({ readonly kind: 'convolution' } & Window)
  | ({ readonly kind: 'depthwise convolution' } & Window)
  | ({ readonly kind: 'max pool'; readonly kernel: readonly [number, number] } & Window)
  | { readonly kind: 'add'; readonly activation: Activation }
  | { readonly kind: 'concatenation'; readonly axis: number; readonly activation: Activation }
  | { readonly kind: 'bilinear resize' }
  | { readonly kind: 'relu' | 'pad' | 'reshape' | 'dequantize' };

type Dtype = 'F32' | 'F16' | 'I32';

export interface TfliteTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Of a constant, over the file's memory. */
  readonly data?: Uint8Array;
}

/** The elements of a constant of floating point, half precision made single; undefined for other tensors. */
export function floatsOf({ name, shape, dtype, data }: TfliteTensor): Float32Array | undefined {
  return data === undefined || dtype === 'I32' ? undefined : toFloat32({ dtype, shape, data }, name);
}

/** The elements of an integer constant. */
export function integersOf({ dtype, data }: TfliteTensor): Int32Array | undefined {
  // A copy lies where an Int32Array may begin.
  return data === undefined || dtype !== 'I32' ? undefined : new Int32Array(data.slice().buffer);
}

export interface TfliteOperator {
  readonly operation: Operation;
  /** Places in `tensors`. */
  readonly inputs: readonly number[];
  readonly output: number;
}

export interface TfliteModel {
  readonly tensors: readonly TfliteTensor[];
  /** Each after those it reads from. */
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

const most = { tensors: 8192, operators: 8192, codes: 256, rank: 6, operands: 64, name: 512 } as const;
/** A file can name the same bytes many times over. */
const maxConstantBytes = 256 * 1024 * 1024;
/** Above any real side or number of channels; products of a few still are exact. */
const maxDim = 1 << 20;

/**
 * Reads a TensorFlow Lite model with one subgraph of the operators above. What it holds besides (quantised tensors, other
 * operators, dilation) is refused.
 * @param source what to call it in errors
 * @throws UserError when it is no such model, or damaged.
 */
export function readTflite(bytes: Uint8Array, source: string): TfliteModel {
  try {
    return parseModel(new Flatbuffer(bytes).root('TFL3'));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UserError(
      `${source} is not a TensorFlow Lite model that can be used: ${messageOf(error)}; install or download it again.`,
    );
  }
}

function parseModel(model: Table): TfliteModel {
  const version = model.uint32(0);
  if (version !== 3) throw new FormatError(`it has version ${version} of the format, not 3`);
  const [subgraph, ...others] = model.tables(2, 1);
  if (subgraph === undefined || others.length > 0) throw new FormatError('it has no subgraph');
  const codes = model.tables(1, most.codes).map(operatorCode);
  const constants = new Constants(model.tables(4, most.tensors).map((buffer) => buffer.bytes(0)));
  const tensors = subgraph.tables(0, most.tensors).map((tensor) => parseTensor(tensor, constants));
  const operators = subgraph.tables(3, most.operators).map((operator) => parseOperator(operator, codes));
  const inputs = subgraph.int32s(1, most.operands);
  const outputs = subgraph.int32s(2, most.operands);
  checkOrder(tensors, operators, inputs, outputs);
  return { tensors, operators, inputs, outputs };
}

/** Codes above 127 moved from a byte into a field of their own. */
function operatorCode(code: Table): number {
  return Math.max(code.int8(0), code.int32(3));
}

class Constants {
  readonly #buffers: readonly Uint8Array[];
  #total = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
  }

  /** @returns undefined for an empty buffer: the tensor is computed. */
  take(index: number, name: string): Uint8Array | undefined {
    const bytes = this.#buffers[index];
    if (bytes === undefined) throw new FormatError(`tensor ${name} is in buffer ${index}, which does not exist`);
    this.#total += bytes.byteLength;
    if (this.#total > maxConstantBytes) throw new FormatError('its constants name more bytes than are read');
    return bytes.byteLength === 0 ? undefined : bytes;
  }
}

const dtypes: ReadonlyMap<number, Dtype> = new Map<number, Dtype>([
  [0, 'F32'],
  [1, 'F16'],
  [2, 'I32'],
]);

function parseTensor(tensor: Table, constants: Constants): TfliteTensor {
  const name = printable(tensor.string(3, most.name));
  const shape = tensor.int32s(0, most.rank);
  if (shape.some((dim) => dim < 1 || dim > maxDim)) throw new FormatError(`tensor ${name} has shape [${shape}]`);
  const code = tensor.int8(1);
  const dtype = dtypes.get(code);
  if (dtype === undefined) throw new FormatError(`tensor ${name} has element type ${code}, which is not supported`);
  if (tensor.table(6) !== undefined) throw new FormatError(`tensor ${name} is sparse, which is not supported`);
  const data = constants.take(tensor.uint32(2), name);
  if (data === undefined) return { name, shape, dtype };
  const expected = elements(shape) * elementBytes[dtype];
  if (data.byteLength !== expected) {
    throw new FormatError(`tensor ${name} of shape [${shape}] has ${data.byteLength} bytes, not ${expected}`);
  }
  return { name, shape, dtype, data };
}

function parseOperator(operator: Table, codes: readonly number[]): TfliteOperator {
  const code = codes[operator.uint32(0)];
  const [output, ...more] = operator.int32s(2, most.operands);
  if (output === undefined || more.length > 0) throw new FormatError(`an operator puts out ${more.length + 1} tensors`);
  return { operation: operationOf(code, operator), inputs: operator.int32s(1, most.operands), output };
}

function operationOf(code: number | undefined, operator: Table): Operation {
  switch (code) {
    case 0:
      return { kind: 'add', activation: activationOf(options(operator, 11)?.int8(0)) };
    case 2: {
      const table = options(operator, 10);
      return { kind: 'concatenation', axis: table?.int32(0) ?? 0, activation: activationOf(table?.int8(1)) };
    }
    case 3:
      return { kind: 'convolution', ...windowOf(options(operator, 1), 3, 4) };
    case 4:
      return { kind: 'depthwise convolution', ...windowOf(options(operator, 2), 4, 5) };
    case 6:
      return { kind: 'dequantize' };
    case 17: {
      const table = options(operator, 5);
      const kernel = [sideOf(table?.int32(4)), sideOf(table?.int32(3))] as const;
      return { kind: 'max pool', kernel, ...windowOf(table, 5) };
    }
    case 19:
      return { kind: 'relu' };
    case 22:
      return { kind: 'reshape' };
    case 23: {
      const table = options(operator, 15);
      if (table?.uint8(2) === 1 || table?.uint8(3) !== 1) {
        throw new FormatError('it resizes in another way than with half-pixel centres');
      }
      return { kind: 'bilinear resize' };
    }
    case 34:
      return { kind: 'pad' };
    default:
      throw new FormatError(`it uses the operator with code ${code}, which is not supported`);
  }
}

/** An operator's options, which say of which type they are. */
function options(operator: Table, type: number): Table | undefined {
  const found = operator.uint8(3);
  if (found !== type && found !== 0) throw new FormatError(`an operator has options of type ${found}, not ${type}`);
  return found === 0 ? undefined : operator.table(4);
}

/** @param dilations the first of the two fields, where there are any */
function windowOf(table: Table | undefined, activation: number, dilations?: number): Window {
  const border = table?.int8(0);
  if (border !== 0 && border !== 1) throw new FormatError(`an operator has padding ${border}`);
  if (dilations !== undefined && (table?.int32(dilations, 1) !== 1 || table.int32(dilations + 1, 1) !== 1)) {
    throw new FormatError('it has dilated convolutions, which are not supported');
  }
  return {
    border: border === 0 ? 'same' : 'valid',
    stride: [sideOf(table?.int32(2)), sideOf(table?.int32(1))],
    activation: activationOf(table?.int8(activation)),
  };
}

function sideOf(value: number | undefined): number {
  if (value === undefined || value < 1 || value > 64)
    throw new FormatError(`an operator has a stride or side of ${value}`);
  return value;
}

function activationOf(value = 0): Activation {
  if (value !== 0 && value !== 1) throw new FormatError(`an operator has activation ${value}, which is not supported`);
  return value === 0 ? 'none' : 'relu';
}

/** Every operator reads what is there already, and puts out what nothing else does. */
function checkOrder(
  tensors: readonly TfliteTensor[],
  operators: readonly TfliteOperator[],
  inputs: readonly number[],
  outputs: readonly number[],
): void {
  const known = new Set<number>();
  tensors.forEach((tensor, i) => {
    if (tensor.data !== undefined) known.add(i);
  });
  const add = (index: number): void => {
    if (tensors[index] === undefined) throw new FormatError(`there is no tensor ${index}`);
    if (known.has(index)) throw new FormatError(`tensor ${index} is made twice`);
    known.add(index);
  };
  const require = (index: number): void => {
    if (!known.has(index)) throw new FormatError(`tensor ${index} is read before it is made`);
  };
  inputs.forEach(add);
  for (const operator of operators) {
    operator.inputs.forEach(require);
    add(operator.output);
  }
  outputs.forEach(require);
}
