import { defined } from '../common/defined.js';
import { messageOf, UserError } from '../common/errors.js';
import { printable } from '../common/printable.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import { cellSize, type Maps } from './candidates.js';
import { kernelDetector, tensorNames } from './kernel-detector.js';

// MediaPipe's full-range face detector, dense variant (Apache-2.0), for faces within 5 m of a camera by its model card.
// weights/README.md says where its file comes from.
// https://developers.google.com/mediapipe/solutions/vision/face_detector

/** Sides of the input are multiples of this: the smallest map is 32 times smaller, and grows back by doubling. */
export const sideUnit = 32;

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

export interface DetectorNetworkOptions {
  /** Threads of ONNX Runtime; default: all cores. */
  readonly threads?: number;
  /** Whether kernels of our own run it, where WebAssembly has SIMD. They take one thread. Default: ONNX Runtime. */
  readonly kernels?: boolean;
}

/**
 * @param weights bytes of the ONNX model
 * @param source what errors call them
 * @throws UserError where they are not this network's.
 */
export async function loadDetectorNetwork(
  weights: Uint8Array,
  source: string,
  { threads, kernels = false }: DetectorNetworkOptions = {},
): Promise<DetectorNetwork> {
  const own = kernels ? kernelDetector(weights) : undefined;
  return own ?? (await sessionDetector(weights, source, defined({ threads })));
}

async function sessionDetector(
  weights: Uint8Array,
  source: string,
  options: { readonly threads?: number },
): Promise<DetectorNetwork> {
  const session = await openSession(weights, source, options);
  return {
    async run(pixels, n, height, width) {
      const outputs = await session.run(
        new Map([['pixel_values', hostTensor('float32', pixels, [n, 3, height, width])]]),
      );
      const cells = { width: width / cellSize, height: height / cellSize };
      const plane = cells.width * cells.height;
      const [regressors, scores] = [floats(outputs.get('regressors')), floats(outputs.get('scores'))];
      return Array.from({ length: n }, (_, i) => ({
        ...cells,
        regressors: regressors.subarray(i * 16 * plane, (i + 1) * 16 * plane),
        scores: scores.subarray(i * plane, (i + 1) * plane),
      }));
    },
    dispose: () => session.dispose(),
  };
}

async function openSession(
  weights: Uint8Array,
  source: string,
  options: { readonly threads?: number },
): Promise<CpuSession> {
  let session: CpuSession;
  try {
    // Between its runs pictures are resized and turned: threads that spin meanwhile take the time of those that work.
    session = await CpuSession.load(weights, { ...options, spin: false });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw otherNetwork(source, messageOf(error).replace(/\.$/, ''));
  }
  const found = [...session.inputs, ...session.outputs].join(', ');
  if (found === tensorNames.join(', ')) return session;
  await session.dispose();
  throw otherNetwork(source, `it has the inputs and outputs ${found}`);
}

const otherNetwork = (source: string, reason: string): UserError =>
  new UserError(`${source} is not the face detector's network: ${printable(reason)}; install it again.`);
