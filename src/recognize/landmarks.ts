import { type FloatArray, loadParameters, requireFinite } from '../checkpoints/index.js';
import { UserError } from '../common/errors.js';
import { imagenetMean, imagenetStd, type Preprocessing } from '../common/preprocessing.js';
import { decodePicture, inputFormat, normaliseInto, toNetworkSize } from '../data/index.js';
import { buildLandmarkDetector, landmarkPrefix, posterV2Config } from '../models/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';

/**
 * How pictures reach the detector. `detector`: as it was trained, 112x112 BGR in [0, 1]. `poster`: as POSTER V2 shows
 * them to it, every second pixel of 224x224 RGB, normalised as for ImageNet; its published checkpoints hold running
 * statistics of such pictures.
 */
export type LandmarkInput = 'detector' | 'poster';

const formats: Readonly<Record<LandmarkInput, Preprocessing>> = {
  detector: { imageSize: posterV2Config.backboneSize, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
  poster: { imageSize: posterV2Config.imageSize, channels: 3, mean: imagenetMean, std: imagenetStd },
};

/** A point on a picture, in pixels from the left and from the top; it may lie beyond the border. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Landmarks {
  /** Of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** 68, in the order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67. */
  readonly points: readonly Point[];
}

export interface LandmarkDetector {
  readonly input: LandmarkInput;
  /**
   * @param source path or bytes of a picture that is a face crop: square, the face in its middle with a tenth of
   * margin on each side; another shape is squeezed
   * @throws UserError that says what is wrong with the picture.
   */
  detect(source: string | Buffer): Promise<Landmarks>;
  dispose(): Promise<void>;
}

/**
 * Loads the published landmark detector, from its own file or from a POSTER V2 checkpoint that holds its head.
 * @throws UserError where the file cannot be read or has no such network.
 */
export async function loadLandmarkDetector(
  path: string,
  options: { readonly threads?: number } = {},
): Promise<LandmarkDetector> {
  const { parameters } = await loadParameters(path);
  const way: LandmarkInput = [...parameters.keys()].some((name) => name.startsWith(landmarkPrefix))
    ? 'poster'
    : 'detector';
  const preprocessing = formats[way];
  const { graph, parameters: wanted } = buildLandmarkDetector(preprocessing.imageSize);
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of wanted.values()) {
    const own = way === 'poster' ? name : name.slice(landmarkPrefix.length);
    values.set(name, valuesOf(parameters.get(own), own, shape, path));
  }
  if (isUntouched(values)) {
    throw new UserError(
      `The landmark head in ${path} was never trained: its running statistics are those that a network begins with, as poster convert --dead-tensors writes them for files without a head; give mobilefacenet_model_best.pth.tar or a published POSTER V2 checkpoint.`,
    );
  }
  const session = await CpuSession.create(lower(graph, 'cpu'), {
    place: (name) => values.get(name) ?? 'input',
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const { imageSize } = preprocessing;
  return {
    input: way,
    async detect(source) {
      const picture = await decodePicture(source);
      const { width, height } = picture;
      const pixels = new Float32Array(3 * imageSize ** 2);
      normaliseInto(pixels, 0, toNetworkSize(picture, imageSize, 3).data, inputFormat(preprocessing));
      if (way === 'detector') swapRedAndBlue(pixels);
      const feeds = new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, imageSize, imageSize])]]);
      const shares = floats((await session.run(feeds)).get('landmarks'));
      const points = Array.from({ length: shares.length / 2 }, (_, i) => ({
        x: (shares[2 * i] ?? 0) * width,
        y: (shares[2 * i + 1] ?? 0) * height,
      }));
      return { width, height, points };
    },
    dispose: () => session.dispose(),
  };
}

/** Whether the head has seen no picture: its last BatchNorm still has mean 0 and variance 1. */
function isUntouched(values: ReadonlyMap<string, Float32Array>): boolean {
  const holds = (name: string, all: number): boolean =>
    values.get(`${landmarkPrefix}output_layer.bn.${name}`)?.every((value) => value === all) === true;
  return holds('running_mean', 0) && holds('running_var', 1);
}

function valuesOf(array: FloatArray | undefined, name: string, shape: readonly number[], path: string): Float32Array {
  if (array !== undefined && array.shape.join() === shape.join()) {
    requireFinite(array.data, name, path);
    return array.data;
  }
  const problem =
    array === undefined ? `has no ${name}` : `has ${name} as [${array.shape.join(', ')}], not [${shape.join(', ')}]`;
  throw new UserError(
    `${path} does not hold the published landmark detector with its head (it ${problem}); give ` +
      'mobilefacenet_model_best.pth.tar or a published POSTER V2 checkpoint.',
  );
}

/** [3, S, S] in place. */
function swapRedAndBlue(pixels: Float32Array): void {
  const plane = pixels.length / 3;
  const red = pixels.slice(0, plane);
  pixels.copyWithin(0, 2 * plane);
  pixels.set(red, 2 * plane);
}
