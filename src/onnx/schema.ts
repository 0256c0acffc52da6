/** What a field holds: a number, a text, bytes, or the message of this name. */
export type FieldType = ScalarType | MessageName;
export type ScalarType = 'string' | 'bytes' | 'float' | 'int32' | 'int64';
export type MessageName =
  | 'Attribute'
  | 'ValueInfo'
  | 'Type'
  | 'TensorType'
  | 'Shape'
  | 'Dimension'
  | 'Entry'
  | 'Tensor'
  | 'Node'
  | 'Graph'
  | 'OperatorSet'
  | 'Model';

export interface Field {
  readonly type: FieldType;
  readonly id: number;
  readonly rule?: 'repeated';
  /** One of several that exclude each other: zero is written, too. */
  readonly choice?: true;
}

const field = (type: FieldType, id: number, rule?: 'repeated'): Field => (rule ? { type, id, rule } : { type, id });

/**
 * The part of onnx.proto that this project writes, with ONNX's field numbers, by the messages' names. Numbers of a field rise.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export const messages: Readonly<Record<MessageName, Readonly<Record<string, Field>>>> = {
  Attribute: {
    name: field('string', 1),
    f: field('float', 2),
    i: field('int64', 3),
    s: field('bytes', 4),
    t: field('Tensor', 5),
    floats: field('float', 7, 'repeated'),
    ints: field('int64', 8, 'repeated'),
    type: field('int32', 20),
  },
  ValueInfo: { name: field('string', 1), type: field('Type', 2) },
  Type: { tensorType: field('TensorType', 1) },
  TensorType: { elemType: field('int32', 1), shape: field('Shape', 2) },
  Shape: { dim: field('Dimension', 1, 'repeated') },
  Dimension: {
    dimValue: { ...field('int64', 1), choice: true },
    dimParam: { ...field('string', 2), choice: true },
  },
  Entry: { key: field('string', 1), value: field('string', 2) },
  Tensor: {
    dims: field('int64', 1, 'repeated'),
    dataType: field('int32', 2),
    name: field('string', 8),
    rawData: field('bytes', 9),
    externalData: field('Entry', 13, 'repeated'),
    dataLocation: field('int32', 14),
  },
  Node: {
    input: field('string', 1, 'repeated'),
    output: field('string', 2, 'repeated'),
    name: field('string', 3),
    opType: field('string', 4),
    attribute: field('Attribute', 5, 'repeated'),
    domain: field('string', 7),
  },
  Graph: {
    node: field('Node', 1, 'repeated'),
    name: field('string', 2),
    initializer: field('Tensor', 5, 'repeated'),
    docString: field('string', 10),
    input: field('ValueInfo', 11, 'repeated'),
    output: field('ValueInfo', 12, 'repeated'),
    valueInfo: field('ValueInfo', 13, 'repeated'),
  },
  OperatorSet: { domain: field('string', 1), version: field('int64', 2) },
  Model: {
    irVersion: field('int64', 1),
    producerName: field('string', 2),
    producerVersion: field('string', 3),
    graph: field('Graph', 7),
    opsetImport: field('OperatorSet', 8, 'repeated'),
    metadataProps: field('Entry', 14, 'repeated'),
  },
};

/** The number of a field, where a message is put together by hand. */
export function fieldNumber(message: MessageName, name: string): number {
  const found = messages[message][name];
  if (found === undefined) throw new Error(`${message} has no field ${name}`);
  return found.id;
}

/** AttributeProto.AttributeType. */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;
export const externalLocation = 1;
/** The opset that is written unless another is asked for. */
export const defaultOpset = 21;
/** Versions of the file format by the first opset that came with them. https://onnx.ai/onnx/repo-docs/Versioning.html */
export const irVersions: Readonly<Record<number, number>> = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11 };
/** A protobuf message ends at 2 GiB; some room is left for what is not weights. */
export const maxModelBytes = 2 ** 31 - 2 ** 24;
