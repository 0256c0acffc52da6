import { host } from '#host';
import { defined } from '../common/defined.js';
import type { FileSource } from '../common/file-source.js';
import type { ProgressOptions } from '../common/load-progress.js';
import type { Picture } from '../image/resize.js';
import type { DetectOptions } from './detect-options.js';
import { loadDetectorNetwork } from './detector-network.js';
import type { Face } from './face.js';
import { detectFaces } from './find-faces.js';
import { refine } from './refine.js';

/** Finds faces in pictures. */
export interface FaceDetector {
  /**
   * @param picture 8-bit RGB or gray, upright
   * @returns the faces, the most certain first; none is an empty list
   * @throws UserError for options that cannot be.
   */
  detect(picture: Picture, options?: DetectOptions): Promise<Face[]>;
  /**
   * Looks again for faces that are known from a moment ago, each where it should be now (up to a third of its width off):
   * a small part of what finding them takes.
   * @param picture 8-bit RGB or gray; also with smaller copies of it, from which large faces are read in less time
   * @param minScore in (0, 1); default 0.5
   * @returns for each face how it is seen now, undefined where it is not
   */
  follow(
    picture: Picture | readonly [Picture, ...Picture[]],
    faces: readonly Face[],
    minScore?: number,
  ): Promise<(Face | undefined)[]>;
  dispose(): Promise<void>;
}

export interface DetectorOptions extends ProgressOptions {
  /** Threads of one run; default: all cores. Browsers use one, unless their WebAssembly has no SIMD. */
  readonly threads?: number;
  /** The network's file, of this package's `weights/face-detector.onnx`. Default: the one that comes with the package. */
  readonly weights?: FileSource;
}

/** @throws UserError where the weights are missing or not what they should be. */
export async function loadFaceDetector(options: DetectorOptions = {}): Promise<FaceDetector> {
  const { threads, weights } = options;
  const network = await loadDetectorNetwork(
    await host.detectorWeights(weights, options),
    "The face detector's file",
    defined({ threads, kernels: host.cpuIsWebAssembly }),
  );
  return {
    detect: (picture, detectOptions = {}) => detectFaces(network, picture, detectOptions),
    follow: (picture, faces, minScore = 0.5) =>
      refine(network, 'data' in picture ? [picture] : picture, faces, minScore),
    dispose: () => network.dispose(),
  };
}
