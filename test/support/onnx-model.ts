import protobuf from 'protobufjs/light.js';
import { messages } from '../../src/onnx/schema.js';

/** ONNX's message `Model`, read by another library than the one that writes it. */
export const Model = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => {
      const choices = Object.keys(fields).filter((field) => fields[field]?.choice === true);
      const oneofs = choices.length === 0 ? {} : { oneofs: { value: { oneof: choices } } };
      return [name, { fields: { ...fields }, ...oneofs }];
    }),
  ),
}).lookupType('Model');
