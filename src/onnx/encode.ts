import protobuf from 'protobufjs/light.js';
import { fieldNumber, Graph, Model, messageType, Tensor } from './schema.js';

/** A message, and the bytes of its tensor where the file holds them. */
export interface Initializer {
  readonly tensor: object;
  readonly rawData?: Uint8Array;
}

/** A message as its bytes. */
export const encoded = (type: protobuf.Type, message: object): Uint8Array =>
  writeMessage(protobuf.Writer.create(), type, message).finish();

/**
 * Writes a message field by field, as its schema says, in the order of numbers. protobufjs's own encoders are functions made of
 * text, which the content security policy of a careful page forbids.
 * @throws TypeError for a field that the schema does not have, or a value of another type
 */
function writeMessage(writer: protobuf.Writer, type: protobuf.Type, message: object): protobuf.Writer {
  const fields = Object.entries(message).map(([name, value]) => ({ field: fieldOf(type, name), value }));
  for (const { field, value } of fields.sort((a, b) => a.field.id - b.field.id)) {
    if (field.repeated) writeList(writer, field, value);
    // Readers take the type's zero where a value is left out, but not where it chooses one of several fields.
    else if (field.partOf !== null || !isZero(value)) writeValue(tagged(writer, field), field, value);
  }
  return writer;
}

function isZero(value: unknown): boolean {
  return value === '' || Object.is(value, 0) || (value instanceof Uint8Array && value.length === 0);
}

/** Numbers lie side by side behind one tag, other values each have one. */
function writeList(writer: protobuf.Writer, field: protobuf.Field, list: unknown): void {
  if (!Array.isArray(list)) throw wrongValue(field, list);
  if (list.length === 0) return;
  if (wireTypeOf(field) === lengthDelimited) {
    for (const one of list) writeValue(tagged(writer, field), field, one);
    return;
  }
  writer.uint32((field.id << 3) | lengthDelimited).fork();
  for (const one of list) writeValue(writer, field, one);
  writer.ldelim();
}

function fieldOf(type: protobuf.Type, name: string): protobuf.Field {
  const field = type.fields[name];
  if (field === undefined) throw new TypeError(`${type.name} has no field ${name}`);
  return field;
}

const [varint, lengthDelimited, fixed32] = [0, 2, 5];

function wireTypeOf({ type }: protobuf.Field): number {
  if (type === 'float') return fixed32;
  return type === 'int32' || type === 'int64' ? varint : lengthDelimited;
}

const tagged = (writer: protobuf.Writer, field: protobuf.Field): protobuf.Writer =>
  writer.uint32((field.id << 3) | wireTypeOf(field));

function writeValue(writer: protobuf.Writer, field: protobuf.Field, value: unknown): void {
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') throw wrongValue(field, value);
      writer.string(value);
      break;
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw wrongValue(field, value);
      writer.bytes(value);
      break;
    case 'int32':
    case 'int64':
      if (!Number.isSafeInteger(value)) throw wrongValue(field, value);
      writer[field.type](Number(value));
      break;
    case 'float':
      if (typeof value !== 'number') throw wrongValue(field, value);
      writer.float(value);
      break;
    default:
      if (typeof value !== 'object' || value === null) throw wrongValue(field, value);
      writeMessage(writer.fork(), messageType(field.type), value).ldelim();
  }
}

const wrongValue = (field: protobuf.Field, value: unknown): TypeError =>
  new TypeError(`field ${field.name} takes ${field.repeated ? 'a list of ' : ''}${field.type}, not ${String(value)}`);

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
  return [
    protobuf.Writer.create()
      .uint32((field << 3) | lengthDelimited)
      .uint32(length)
      .finish(),
    ...content,
  ];
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
