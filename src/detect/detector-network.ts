import { messageOf, UserError } from '../common/errors.js';
import { GraphError } from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { cellSize, type Maps } from './candidates.js';
import { FormatError } from './flatbuffer.js';
import { readTflite } from './tflite.js';
import { tfliteGraph } from './tflite-graph.js';

// MediaPipe's full-range face detector, dense variant (Apache-2.0), by its model card for faces within 5 m of a camera:
// https://developers.google.com/mediapipe/solutions/vision/face_detector

/** Sides of the input are multiples of this: the smallest map is 32 times smaller, and grows back by doubling. */
export const sideUnit = 32;

/** Heads before they are flattened; those after are for one size of the input only. */
const [places, scores] = ['regressor_face_4', 'classifier_face_4'] as const;

/** The detector's network, ready to run on pictures of any size. */
export interface DetectorNetwork {
  /**
   * @param pixels [n, 3, height, width], RGB in [-1, 1]
   * @param height, width multiples of `sideUnit`
   * @returns for each picture what the network says
   */
  run(pixels: Float32Array, n: number, height: number, width: number): Promise<Maps[]>;
  dispose(): Promise<void>;
}

/**
 * @param weights bytes of the TensorFlow Lite file
 * @param source what errors call them
 * @throws UserError where they are not this network's.
 */
export async function loadDetectorNetwork(
  weights: Uint8Array,
  source: string,
  options: { readonly threads?: number } = {},
): Promise<DetectorNetwork> {
  // Between its runs pictures are resized and turned: threads that spin meanwhile take the time of those that work.
  const session = await CpuSession.load(detectorModel(weights, source), { ...options, spin: false });
  return {
    async run(pixels, n, height, width) {
      const outputs = await session.run(
        new Map([['pixel_values', hostTensor('float32', pixels, [n, 3, height, width])]]),
      );
      const cells = { width: width / cellSize, height: height / cellSize };
      const plane = cells.width * cells.height;
      const [allPlaces, allScores] = [floats(outputs.get(places)), floats(outputs.get(scores))];
      return Array.from({ length: n }, (_, i) => ({
        ...cells,
        places: allPlaces.subarray(i * 16 * plane, (i + 1) * 16 * plane),
        scores: allScores.subarray(i * plane, (i + 1) * plane),
      }));
    },
    dispose: () => session.dispose(),
  };
}

function detectorModel(weights: Uint8Array, source: string): Uint8Array {
  const model = readTflite(weights, source);
  try {
    const program = tfliteGraph(model, { outputs: [places, scores] });
    const side = 192 / cellSize;
    const shapes = [places, scores].map((name) => program.outputs.get(name)?.shape.join());
    if (shapes.join(' ') !== `N,16,${side},${side} N,1,${side},${side}`)
      throw new FormatError('its outputs are others');
    return writeOnnx(lower(program, 'cpu'), { anySize: true });
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof GraphError)) throw error;
    throw new UserError(`${source} is not the face detector's network: ${messageOf(error)}; install it again.`);
  }
}
