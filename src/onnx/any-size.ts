import { z } from 'zod';
import { type Graph, nodesOf } from '../graph/index.js';
import { Model } from './schema.js';
import { type WriteOptions, writeOnnx } from './write.js';

/** Operations on maps [N, C, H, W] that, as they are written here, hold no size of a map. */
const sizeless: ReadonlySet<string> = new Set(['Conv', 'Relu', 'Add', 'MaxPool', 'Resize', 'Pad', 'Concat']);

const tensors = z.array(
  z.looseObject({
    name: z.string(),
    type: z.looseObject({ tensorType: z.looseObject({ shape: z.looseObject({ dim: z.array(z.looseObject({})) }) }) }),
  }),
);
const document = z.looseObject({ graph: z.looseObject({ input: tensors, output: tensors }) });

/**
 * A fully convolutional graph, built for one size of its maps, as the bytes of an ONNX model for any size: height and
 * width of inputs and outputs are left open. What a graph pads must not depend on the size: for TensorFlow's networks sizes
 * are multiples of all strides together.
 * @throws Error for a graph with an operation that may hold a size.
 */
export function writeOnnxForAnySize(program: Graph, options: WriteOptions = {}): Uint8Array {
  for (const { op } of nodesOf(program.outputs.values())) {
    if (!sizeless.has(op)) throw new Error(`a graph with ${op} cannot be written for maps of any size`);
  }
  const model = document.parse(Model.toObject(Model.decode(writeOnnx(program, options))));
  for (const { name, type } of [...model.graph.input, ...model.graph.output]) {
    const { dim } = type.tensorType.shape;
    if (dim.length === 4) dim.splice(2, 2, { dimParam: `${name}.H` }, { dimParam: `${name}.W` });
  }
  return Model.encode(Model.fromObject(model)).finish();
}
