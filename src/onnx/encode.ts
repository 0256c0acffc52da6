import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Field, type FieldType, fieldNumber, type MessageName, messages } from './schema.js';

/** A message, and the bytes of its tensor where the file holds them. */
export interface Initializer {
  readonly tensor: object;
  readonly rawData?: Uint8Array;
}

/** A message as its bytes. */
export const encoded = (type: MessageName, message: object): Uint8Array =>
  writeMessage(new BinaryWriter(), type, message).finish();

/** What is not given is left out, and so is what readers take for granted: zero, and the empty text. */
function writeMessage(writer: BinaryWriter, type: MessageName, message: object): BinaryWriter {
  const fields = messages[type];
  const given = new Map<string, unknown>(Object.entries(message));
  for (const name of given.keys()) if (!(name in fields)) throw new TypeError(`${type} has no field ${name}`);
  for (const [name, field] of Object.entries(fields)) {
    const value = given.get(name);
    if (value === undefined || (field.choice === undefined && isZero(value))) continue;
    if (field.rule === undefined) writeField(writer, name, field, value);
    else if (Array.isArray(value)) writeList(writer, name, field, value);
    else throw new TypeError(`field ${name} takes a list of ${field.type}, not ${String(value)}`);
  }
  return writer;
}

const isZero = (value: unknown): boolean =>
  value === '' || Object.is(value, 0) || (value instanceof Uint8Array && value.length === 0);

/** Numbers lie packed, one behind the other. */
function writeList(writer: BinaryWriter, name: string, field: Field, values: readonly unknown[]): void {
  if (!(field.type in wireTypes)) for (const value of values) writeField(writer, name, field, value);
  else if (values.length > 0) {
    writer.tag(field.id, WireType.LengthDelimited).fork();
    for (const value of values) writeValue(writer, name, field.type, value);
    writer.join();
  }
}

const wireTypes: Readonly<Partial<Record<FieldType, WireType>>> = {
  float: WireType.Bit32,
  int32: WireType.Varint,
  int64: WireType.Varint,
};

function writeField(writer: BinaryWriter, name: string, { type, id }: Field, value: unknown): void {
  writeValue(writer.tag(id, wireTypes[type] ?? WireType.LengthDelimited), name, type, value);
}

function writeValue(writer: BinaryWriter, name: string, type: FieldType, value: unknown): void {
  if (type === 'string' && typeof value === 'string') writer.string(value);
  else if (type === 'bytes' && value instanceof Uint8Array) writer.bytes(value);
  else if (type === 'float' && typeof value === 'number') writer.float(value);
  else if (type === 'int32' && typeof value === 'number') writer.int32(value);
  else if (type === 'int64' && typeof value === 'number') writer.int64(value);
  else if (isMessageName(type) && typeof value === 'object' && value !== null) {
    writeMessage(writer.fork(), type, value).join();
  } else throw new TypeError(`field ${name} takes ${type}, not ${String(value)}`);
}

const isMessageName = (type: FieldType): type is MessageName => type in messages;

/**
 * A model as pieces of bytes to be written one after the other. Those of tensors are the arrays themselves: encoding it
 * whole would hold the weights two to three times.
 * @param model fields of the model besides its graph
 * @param graph fields of the graph besides its initializers
 */
export function modelChunks(model: object, graph: object, initializers: readonly Initializer[]): Uint8Array[] {
  const content = [
    encoded('Graph', graph),
    ...initializers.flatMap(({ tensor, rawData }) => {
      const head = encoded('Tensor', tensor);
      const parts = rawData === undefined ? [head] : [head, ...framed(fieldNumber('Tensor', 'rawData'), [rawData])];
      return framed(fieldNumber('Graph', 'initializer'), parts);
    }),
  ];
  return [encoded('Model', model), ...framed(fieldNumber('Model', 'graph'), content)];
}

/** A field whose content has a length: messages, strings, bytes. */
function framed(field: number, content: readonly Uint8Array[]): Uint8Array[] {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return [new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish(), ...content];
}

/** Pieces as one array; `Buffer.concat` is not to be had in browsers. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
