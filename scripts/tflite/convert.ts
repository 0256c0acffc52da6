import { halfBits, halfValues } from '../../src/common/half.js';
import { constant, fixedShape, type Graph, graph, leavesOf, replaceLeaves, type Value } from '../../src/graph/index.js';
import { writeOnnx } from '../../src/onnx/index.js';
import { cast } from '../../src/ops/index.js';
import { lower } from '../../src/passes/index.js';
import { Model } from '../../test/support/onnx-model.js';
import { readTflite } from './tflite.js';
import { tfliteGraph } from './tflite-graph.js';

/** Where the npm package `@mediapipe/face_detection` has the full-range detector, in its dense variant. */
export const mediapipeFile = '@mediapipe/face_detection/face_detection_full_range.tflite';

/** Outputs of ours by the names of MediaPipe's tensors: the heads before they are flattened for one size of the input. */
const heads = { regressors: 'regressor_face_4', scores: 'classifier_face_4' } as const;

/**
 * MediaPipe's face detector as an ONNX model: pictures `pixel_values` [N, 3, H, W] in, maps `regressors` [N, 16, H/4, W/4] and
 * `scores` [N, 1, H/4, W/4] out, H and W any multiples of 32. Weights keep the half precision that they have.
 * @param bytes of the TensorFlow Lite file
 */
export function convertDetector(bytes: Uint8Array): Uint8Array {
  const program = tfliteGraph(readTflite(bytes, 'The detector'), { outputs: Object.values(heads) });
  const renamed = new Map(
    Object.entries(heads).flatMap(([name, tensor]) => {
      const value = program.outputs.get(tensor);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  return withOpenSizes(writeOnnx(withHalfConstants(lower(graph(renamed), 'cpu')), { metadata }));
}

const metadata = {
  source: `npm package ${mediapipeFile}`,
  license: 'Apache-2.0',
  copyright: 'The MediaPipe Authors',
};

/** Constants of float32 that half precision holds exactly, stored so; ONNX Runtime widens them once, on loading. */
function withHalfConstants(program: Graph): Graph {
  const replaced = new Map<Value, Value>();
  for (const leaf of leavesOf(program.outputs.values())) {
    if (leaf.source.kind !== 'constant' || leaf.dtype !== 'float32') continue;
    const { data } = leaf.source;
    if (!(data instanceof Float32Array)) continue;
    const halves = halfBits(data);
    if (halfValues(halves).every((value, i) => Object.is(value, data[i]))) {
      replaced.set(leaf, cast(constant('float16', halves, fixedShape(leaf)), 'float32'));
    }
  }
  return replaceLeaves(program, replaced);
}

/** Height and width of the inputs and outputs of a model, left open: a fully convolutional network takes any. */
function withOpenSizes(bytes: Uint8Array): Uint8Array {
  const model = Model.toObject(Model.decode(bytes)) as OpenModel;
  for (const { name, type } of [...model.graph.input, ...model.graph.output]) {
    const [batch, channels] = type.tensorType.shape.dim;
    type.tensorType.shape.dim = [batch, channels, { dimParam: `${name}.H` }, { dimParam: `${name}.W` }];
  }
  return Model.encode(Model.fromObject(model)).finish();
}

/** What `withOpenSizes` changes of a model. */
interface OpenModel {
  readonly graph: { readonly input: readonly MapInfo[]; readonly output: readonly MapInfo[] };
}

interface MapInfo {
  readonly name: string;
  readonly type: { readonly tensorType: { readonly shape: { dim: unknown[] } } };
}
