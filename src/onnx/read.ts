import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { itemAt } from '../common/item-at.js';
import { fieldNumber, type MessageName } from './schema.js';

/** A model as its file says it, as far as networks are read here: weights within the file, no subgraphs. */
export interface OnnxModel {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** By name: weights and other constants. */
  readonly initializers: ReadonlyMap<string, OnnxInitializer>;
  /** Each after those that it reads. */
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxInitializer {
  readonly dims: readonly number[];
  /** TensorProto.DataType. */
  readonly dataType: number;
  /** Little-endian. */
  readonly bytes: Uint8Array;
}

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** What a node says of itself. */
export type OnnxAttribute = number | string | readonly number[];

/**
 * Reads a model.
 * @throws Error where the bytes are no such file.
 */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const graph = new Message('Graph', new Message('Model', bytes).one('graph'));
  const names = (field: string): string[] => graph.messages(field, 'ValueInfo').map((value) => value.text('name'));
  const initializers = graph.messages('initializer', 'Tensor').map((tensor) => {
    const [dataType = 0] = tensor.numbers('dataType');
    return [tensor.text('name'), { dims: tensor.numbers('dims'), dataType, bytes: tensor.one('rawData') }] as const;
  });
  return {
    inputs: names('input'),
    outputs: names('output'),
    initializers: new Map(initializers),
    nodes: graph.messages('node', 'Node').map((node) => ({
      type: node.text('opType'),
      inputs: node.texts('input'),
      outputs: node.texts('output'),
      attributes: new Map(node.messages('attribute', 'Attribute').map((one) => [one.text('name'), attributeOf(one)])),
    })),
  };
}

function attributeOf(attribute: Message): OnnxAttribute {
  const [text] = attribute.texts('s');
  const [number] = [...attribute.numbers('i'), ...attribute.floats('f')];
  return text ?? number ?? attribute.numbers('ints');
}

const decoder = new TextDecoder();

/** The fields of a message, by their names in the schema. */
class Message {
  readonly #name: MessageName;
  /** Numbers, or the bytes of what has a length, by the field's number. */
  readonly #fields = new Map<number, (number | Uint8Array)[]>();

  constructor(name: MessageName, bytes: Uint8Array) {
    this.#name = name;
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [id, wire] = reader.tag();
      const values = this.#fields.get(id) ?? [];
      this.#fields.set(id, values);
      if (wire === WireType.Varint) values.push(Number(reader.int64()));
      else if (wire === WireType.Bit32) values.push(reader.float());
      else if (wire === WireType.LengthDelimited) values.push(reader.bytes());
      else reader.skip(wire, id);
    }
  }

  #values(field: string): readonly (number | Uint8Array)[] {
    return this.#fields.get(fieldNumber(this.#name, field)) ?? [];
  }

  #bytes(field: string): Uint8Array[] {
    return this.#values(field).filter((value) => typeof value !== 'number');
  }

  one(field: string): Uint8Array {
    return itemAt(this.#bytes(field), 0);
  }

  texts(field: string): string[] {
    return this.#bytes(field).map((bytes) => decoder.decode(bytes));
  }

  text(field: string): string {
    return this.texts(field)[0] ?? '';
  }

  floats(field: string): number[] {
    return this.#values(field).filter((value) => typeof value === 'number');
  }

  /** Whole numbers, packed or not. */
  numbers(field: string): number[] {
    return this.#values(field).flatMap((value) => (typeof value === 'number' ? [value] : packed(value)));
  }

  messages(field: string, name: MessageName): Message[] {
    return this.#bytes(field).map((bytes) => new Message(name, bytes));
  }
}

function packed(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const numbers: number[] = [];
  while (reader.pos < reader.len) numbers.push(Number(reader.int64()));
  return numbers;
}
