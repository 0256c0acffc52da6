import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setBackend } from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as faceapi from '@vladmandic/face-api/dist/face-api.node-wasm.js';
import type { Preprocessing } from '../src/common/preprocessing.js';
import type { Picture } from '../src/image/index.js';
import type { Classifier } from '../src/recognize/index.js';

/** The order of scores here; the library names them in its results. */
const labels = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'] as const;

const { tf } = faceapi;
const require = createRequire(import.meta.url);
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`));

/** `@vladmandic/face-api` on WebAssembly, as its users run it in Node: with SIMD, on one thread, for it has no more there. */
export interface FaceApi {
  /**
   * Expressions of face crops, by its own resizing and normalisation.
   * @param crops RGB
   * @returns [n, 7]: probabilities of neutral, happy, sad, angry, fearful, disgusted, surprised
   */
  expressions(crops: readonly Picture[]): Promise<Float32Array>;
  /** All faces of a photo (SSD MobileNet, its default) with landmarks, aligned, each with its most probable expression. */
  recognise(photo: Picture): Promise<string[]>;
}

export async function loadFaceApi(): Promise<FaceApi> {
  setWasmPaths(join(folderOf('@tensorflow/tfjs-backend-wasm'), 'dist/'));
  if (!(await setBackend('wasm'))) throw new Error('tfjs has no WebAssembly here');
  const models = join(folderOf('@vladmandic/face-api'), 'model');
  const { faceExpressionNet, faceLandmark68Net, ssdMobilenetv1 } = faceapi.nets;
  for (const net of [faceExpressionNet, faceLandmark68Net, ssdMobilenetv1]) await net.loadFromDisk(models);

  const tensorOf = ({ data, height, width }: Picture) => tf.tensor3d(data, [height, width, 3], 'int32');
  return {
    async expressions(crops) {
      const tensors = crops.map(tensorOf);
      const answer = await faceExpressionNet.predictExpressions(tensors);
      for (const tensor of tensors) tensor.dispose();
      return Float32Array.from([answer].flat().flatMap((scores) => labels.map((label) => scores[label])));
    },
    async recognise(photo) {
      const tensor = tensorOf(photo);
      const faces = await faceapi.detectAllFaces(tensor).withFaceLandmarks().withFaceExpressions();
      tensor.dispose();
      return faces.map(({ expressions }) => expressions.asSortedArray()[0]?.expression ?? '');
    },
  };
}

/**
 * It as one of our classifiers, so that both are measured by the same code on the same pixels.
 * @param imageSize side that pictures are brought to before it gets them; it then makes 112 pixels of that
 */
export function asClassifier(api: FaceApi, imageSize: number): Classifier {
  const preprocessing: Preprocessing = { imageSize, channels: 3, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
  const labelSet = { name: 'face-api', labels };
  const pixels = imageSize * imageSize;
  return {
    labels: labelSet,
    preprocessing,
    description: { model: { name: '@vladmandic/face-api', config: {} }, labels: labelSet, preprocessing },
    async classify(images, n) {
      const crops = Array.from({ length: n }, (_, i): Picture => {
        const planes = images.subarray(3 * i * pixels, 3 * (i + 1) * pixels);
        const at = (k: number): number => Math.round(planes[(k % 3) * pixels + Math.trunc(k / 3)] ?? 0);
        return { width: imageSize, height: imageSize, channels: 3, data: Uint8Array.from(planes, (_, k) => at(k)) };
      });
      const probabilities = await api.expressions(crops);
      return { logits: probabilities.map(Math.log), probabilities };
    },
    async dispose() {},
  };
}
