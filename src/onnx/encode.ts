import protobuf from 'protobufjs/light.js';
import { fieldNumber, Graph, Model, Tensor } from './schema.js';

/** A message, and the bytes of its tensor where the file holds them. */
export interface Initializer {
  readonly tensor: object;
  readonly rawData?: Uint8Array;
}

const encoded = (type: protobuf.Type, message: object): Uint8Array => type.encode(type.fromObject(message)).finish();

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
  const lengthDelimited = 2;
  const tag = (field << 3) | lengthDelimited;
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
