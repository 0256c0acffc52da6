import { host } from '#host';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import { itemAt } from '../common/item-at.js';
import type { ProgressOptions } from '../common/load-progress.js';
import type { Point } from '../detect/index.js';
import type { Picture } from '../image/index.js';
import { buildLandmarkDetector, type LandmarkInput, landmarkPrefix, landmarkPreprocessing } from '../models/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';
import {
  type Checkpoint,
  decodeParameters,
  type FloatArray,
  isParameter,
  requireFinite,
} from '../safetensors/index.js';
import { cropTensor, cropWhole } from './face-crops.js';

export type { LandmarkInput } from '../models/index.js';

export interface LandmarkDetector {
  readonly input: LandmarkInput;
  /** Side of the square that the network takes, in pixels: crops of this size are not resized. */
  readonly imageSize: number;
  /**
   * @param crop a face crop as `landmarkTransform` makes it; another shape than a square is squeezed
   * @returns 68 points in pixels of the crop, in the order of iBUG 300-W: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47,
   * mouth 48-67; they may lie beyond its border
   */
  locate(crop: Picture): Promise<Point[]>;
  dispose(): Promise<void>;
}

/**
 * Loads the published landmark detector, from its own file or from a POSTER V2 checkpoint that holds its head.
 * @throws UserError where the file cannot be read or has no such network.
 */
export function loadLandmarkDetector(
  source: FileSource,
  options: LandmarkDetectorOptions = {},
): Promise<LandmarkDetector> {
  return host.withCheckpoint(source, (checkpoint) => openLandmarkDetector(checkpoint, options), options);
}

export interface LandmarkDetectorOptions extends ProgressOptions {
  /** Threads of one run; default: all cores. */
  readonly threads?: number;
}

async function openLandmarkDetector(
  checkpoint: Checkpoint,
  options: LandmarkDetectorOptions,
): Promise<LandmarkDetector> {
  const { path, tensors } = checkpoint;
  const names = [...tensors].filter(([name, entry]) => isParameter(name, entry)).map(([name]) => name);
  const parameters = decodeParameters(await checkpoint.read(new Set(names)));
  const way: LandmarkInput = [...parameters.keys()].some((name) => name.startsWith(landmarkPrefix))
    ? 'poster'
    : 'detector';
  const preprocessing = landmarkPreprocessing[way];
  const { graph, parameters: wanted } = buildLandmarkDetector(preprocessing.imageSize);
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of wanted.values()) {
    const own = way === 'poster' ? name : name.slice(landmarkPrefix.length);
    values.set(name, valuesOf(parameters.get(own), own, shape, path));
  }
  if (isUntouched(values)) {
    throw new UserError(
      `The landmark head in ${path} was never trained: its running statistics have their initial values, as converting with dead tensors writes them for files without a head; give mobilefacenet_model_best.pth.tar or a published POSTER V2 checkpoint.`,
    );
  }
  const session = await CpuSession.create(lower(graph, 'cpu'), {
    placement: (name) => values.get(name) ?? 'input',
    ...defined({ threads: options.threads }),
  });
  const { imageSize } = preprocessing;
  return {
    input: way,
    imageSize,
    async locate(crop) {
      const { width, height } = crop;
      const pixels = cropTensor([cropWhole(crop, preprocessing, 'keep')], preprocessing);
      if (way === 'detector') swapRedAndBlue(pixels);
      const feeds = new Map([['pixel_values', hostTensor('float32', pixels, [1, 3, imageSize, imageSize])]]);
      const shares = floats((await session.run(feeds)).get('landmarks'));
      return Array.from({ length: shares.length / 2 }, (_, i) => ({
        x: itemAt(shares, 2 * i) * width,
        y: itemAt(shares, 2 * i + 1) * height,
      }));
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
