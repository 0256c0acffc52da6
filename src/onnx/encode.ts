import protobuf from 'protobufjs/light.js';
import { fieldNumber, Graph, Model, messageType, Tensor } from './schema.js';

/** A message, and the bytes of its tensor where the file holds them. */
export interface Initializer {
  readonly tensor: object;
  readonly rawData?: Uint8Array;
}

const encoded = (type: protobuf.Type, message: object): Uint8Array =>
  write(type, message, protobuf.Writer.create()).finish();

/**
 * Writes a message field by field, in the order of their numbers. protobufjs makes a program for each type and evaluates it, which
 * the content security policy of a page forbids; the bytes are the same.
 */
function write(type: protobuf.Type, message: object, writer: protobuf.Writer): protobuf.Writer {
  const values = new Map<string, unknown>(Object.entries(message));
  for (const field of type.fieldsArray.toSorted((a, b) => a.id - b.id)) {
    const value = values.get(field.name);
    if (!field.repeated) {
      // Zeros and empty texts are what a field is without them, but for one of several alternatives.
      if (value !== undefined && (field.partOf !== null || !isDefault(value))) writeField(field, value, writer);
    } else if (Array.isArray(value) && value.length > 0) writeList(field, value, writer);
  }
  return writer;
}

const isDefault = (value: unknown): boolean =>
  Object.is(value, 0) || value === '' || (value instanceof Uint8Array && value.length === 0);

const wireTypes = { varint: 0, lengthDelimited: 2, bits32: 5 } as const;
const numbers: ReadonlyMap<string, keyof typeof wireTypes> = new Map([
  ['int32', 'varint'],
  ['int64', 'varint'],
  ['float', 'bits32'],
]);

/** Numbers lie together behind one tag. */
function writeList(field: protobuf.Field, values: readonly unknown[], writer: protobuf.Writer): void {
  if (!numbers.has(field.type)) {
    for (const value of values) writeField(field, value, writer);
    return;
  }
  writer.uint32(tagOf(field.id, 'lengthDelimited')).fork();
  for (const value of values) writeValue(field, value, writer);
  writer.ldelim();
}

const tagOf = (id: number, wire: keyof typeof wireTypes): number => (id << 3) | wireTypes[wire];

function writeField(field: protobuf.Field, value: unknown, writer: protobuf.Writer): void {
  writer.uint32(tagOf(field.id, numbers.get(field.type) ?? 'lengthDelimited'));
  writeValue(field, value, writer);
}

function writeValue({ type, name }: protobuf.Field, value: unknown, writer: protobuf.Writer): void {
  if (type === 'string' && typeof value === 'string') writer.string(value);
  else if (type === 'bytes' && value instanceof Uint8Array) writer.bytes(value);
  else if (type === 'int64' && typeof value === 'number') writer.int64(value);
  else if (type === 'int32' && typeof value === 'number') writer.int32(value);
  else if (type === 'float' && typeof value === 'number') writer.float(value);
  else if (typeof value === 'object' && value !== null) write(messageType(type), value, writer.fork()).ldelim();
  else throw new Error(`the field ${name} is of type ${type}, not ${typeof value}`);
}

/**
 * A model as pieces of bytes to be written one after the other. Those of tensors are the arrays themselves: encoding it
 * whole would hold the weights two to three times.
 * @param model fields of the model besides its graph
 * @param graph fields of the graph besides its initializers
 */
export function modelChunks(model: object, graph: object, initializers: readonly Initializer[]): Uint8Array[] {
  const content = [
    encoded(Graph, graph),
    ...initializers.flatMap(({ tensor, rawData }) => {
      const head = encoded(Tensor, tensor);
      const parts = rawData === undefined ? [head] : [head, ...framed(fieldNumber(Tensor, 'rawData'), [rawData])];
      return framed(fieldNumber(Graph, 'initializer'), parts);
    }),
  ];
  return [encoded(Model, model), ...framed(fieldNumber(Model, 'graph'), content)];
}

/** A field whose content has a length: messages, strings, bytes. */
function framed(field: number, content: readonly Uint8Array[]): Uint8Array[] {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const tag = tagOf(field, 'lengthDelimited');
  return [protobuf.Writer.create().uint32(tag).uint32(length).finish(), ...content];
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
