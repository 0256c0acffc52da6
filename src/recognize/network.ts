import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  describeMismatch,
  isFloatDtype,
  loadParameters,
  type ModelDescription,
  matchParameters,
  readHeader,
  requireDescription,
  toFloat32,
  trainStatePrefix,
} from '../checkpoints/index.js';
import type { SafetensorsHeader } from '../checkpoints/safetensors-header.js';
import { UserError } from '../common/errors.js';
import { withFile } from '../common/files.js';
import type { LabelSet } from '../common/labels.js';
import type { Graph } from '../graph/index.js';
import {
  type Inference,
  isIgnoredOnLoad,
  type ModelName,
  modelNamed,
  type PosterV2Config,
  parsePosterV2Config,
} from '../models/index.js';
import type { Placement } from '../onnx/index.js';
import { lower, slopesOf, withSlopesAtMostOne } from '../ops/index.js';
import {
  type CpuOptions,
  CpuSession,
  type DeviceName,
  floats,
  GpuSession,
  type HostTensor,
  hostTensor,
} from '../runtime/index.js';

export interface NetworkOptions {
  /** Default `cpu`. */
  readonly device?: DeviceName;
  /** Threads of the CPU; default: all cores. */
  readonly threads?: number;
  /** What a plain safetensors file holds; a file that says so itself must agree with the name. */
  readonly assumed?: { readonly model: ModelName; readonly labels: LabelSet };
}

/** A graph of a checkpoint's network, its weights in place. */
export interface Network<Built extends Inference> {
  readonly description: ModelDescription;
  /** What `build` made. */
  readonly built: Built;
  /**
   * The graph's float32 outputs by name.
   * @param images [n, C, S, S], preprocessed (`loadPicture`)
   * @param n pictures, at least 1
   * @param more what the graph takes besides, by input name
   */
  run(
    images: Float32Array,
    n: number,
    more?: ReadonlyMap<string, HostTensor>,
  ): Promise<(output: string) => Float32Array>;
  dispose(): Promise<void>;
}

/** What a model calls the bytes of a checkpoint that was read; any name serves, nothing is opened by it. */
const memoryFile = 'weights.safetensors';

/**
 * Makes a graph of the network in a checkpoint ready to run. The model's weights are ONNX external data that points at
 * the tensors within the safetensors file, so that they exist once; only tensors that are not float32, or not aligned,
 * are converted.
 *
 * @param build the graph of that configuration
 * @throws UserError where the file cannot be read, does not say what it is, or holds another network than it says, or
 * where the device is not there.
 */
export async function openNetwork<Built extends Inference>(
  path: string,
  options: NetworkOptions,
  build: (config: PosterV2Config) => Built,
): Promise<Network<Built>> {
  const { device = 'cpu', threads } = options;
  const header = await readHeader(path);
  const description = await describe(path, header, options.assumed);
  const config = parsePosterV2Config(description.model.config, `The network configuration in ${path}`);
  checkConsistent(path, description, config);
  const built = build(config);
  checkTensors(path, header, built);
  const program = withSlopesAtMostOne(built.graph, await gentleSlopes(path, header, slopesOf(built.graph)));
  const session = await createSession(program, device, {
    ...(await weightsOf(path, header, built, device)),
    ...(threads === undefined ? {} : { threads }),
  });
  const { channels, imageSize } = description.preprocessing;
  return {
    description,
    built,
    async run(images, n, more = new Map()) {
      const pixels = hostTensor('float32', images, [n, channels, imageSize, imageSize]);
      const outputs = await session.run(new Map([...more, ['pixel_values', pixels]]));
      return (output) => floats(outputs.get(output));
    },
    dispose: () => session.dispose(),
  };
}

async function describe(
  path: string,
  header: SafetensorsHeader,
  assumed: NetworkOptions['assumed'],
): Promise<ModelDescription> {
  if (assumed === undefined) return requireDescription(header.metadata, path);
  const { config, preprocessing, name } = modelNamed(assumed.model);
  const { description } = await loadParameters(path);
  if (description !== undefined && description.model.name !== name) {
    throw new UserError(`${path} says that it is a ${description.model.name}, not a ${name}; leave out --model.`);
  }
  if (description !== undefined) return description;
  const classes = { ...config, numClasses: assumed.labels.labels.length };
  return { model: { name, config: classes }, labels: assumed.labels, preprocessing };
}

/** What a file says about its network, labels and pictures must agree. */
function checkConsistent(
  path: string,
  { labels, preprocessing }: ModelDescription,
  config: { readonly numClasses: number; readonly imageSize: number; readonly inputChannels: number },
): void {
  const problem =
    labels.labels.length !== config.numClasses
      ? `${config.numClasses} classes for ${labels.labels.length} labels`
      : preprocessing.imageSize !== config.imageSize || preprocessing.channels !== config.inputChannels
        ? 'pictures of another size or number of channels than the network takes'
        : undefined;
  if (problem !== undefined) throw new UserError(`${path} contradicts itself (${problem}); use another checkpoint.`);
}

function checkTensors(path: string, header: SafetensorsHeader, { parameters }: Inference): void {
  const expected = new Map([...parameters].map(([name, { shape }]) => [name, shape]));
  const found = new Map(
    [...header.tensors]
      .filter(([name, { dtype }]) => isFloatDtype(dtype) && !name.startsWith(trainStatePrefix))
      .map(([name, { shape }]) => [name, shape]),
  );
  // Besides what published checkpoints hold and nothing reads: what this network has only while it is trained.
  const ignore = (name: string): boolean => isIgnoredOnLoad(name) && !expected.has(name);
  const problem = describeMismatch(matchParameters(expected, found, { ignore }), path);
  if (problem !== undefined) throw new UserError(problem);
}

/** Those slopes of PReLUs that are nowhere above 1. */
async function gentleSlopes(path: string, header: SafetensorsHeader, names: readonly string[]): Promise<Set<string>> {
  const gentle = new Set<string>();
  await withFile(path, async (file) => {
    for (const name of names) {
      const entry = header.tensors.get(name);
      if (entry === undefined) continue;
      const { dtype, shape, offset, byteLength } = entry;
      const values = toFloat32({ dtype, shape, data: await file.read(offset, byteLength) }, name);
      if (values.every((value) => value <= 1)) gentle.add(name);
    }
  });
  return gentle;
}

type Weights = Required<Pick<CpuOptions, 'place'>> & Pick<CpuOptions, 'externalFiles' | 'externalFolder'>;

async function weightsOf(
  path: string,
  header: SafetensorsHeader,
  { parameters }: Inference,
  device: DeviceName,
): Promise<Weights> {
  const entries = [...parameters.keys()].flatMap((name) => {
    const entry = header.tensors.get(name);
    return entry === undefined ? [] : [[name, entry] as const];
  });
  if (device !== 'webgpu' && entries.every(([, { dtype, offset }]) => dtype === 'F32' && offset % 4 === 0)) {
    // The usual case: the runtime maps the file, and not even the bytes of the file are copied.
    // ONNX Runtime refuses a symbolic link that leads out of its folder.
    const file = await realpath(path);
    const location = basename(file);
    const placed = new Map(
      entries.map(([name, { offset, byteLength }]) => [name, { location, offset, length: byteLength }]),
    );
    return { place: (name) => placed.get(name) ?? 'input', externalFolder: dirname(file) };
  }
  const end = Math.max(0, ...entries.map(([, { offset, byteLength }]) => offset + byteLength));
  const data = await withFile(path, (file) => file.read(0, end));
  const placed = new Map<string, Placement>(
    entries.map(([name, { dtype, shape, offset, byteLength }]) => {
      if (dtype === 'F32' && offset % 4 === 0) return [name, { location: memoryFile, offset, length: byteLength }];
      return [name, toFloat32({ dtype, shape, data: data.subarray(offset, offset + byteLength) }, name)];
    }),
  );
  return { place: (name) => placed.get(name) ?? 'input', externalFiles: [{ path: memoryFile, data }] };
}

interface AnySession {
  run(inputs: ReadonlyMap<string, HostTensor>): Promise<ReadonlyMap<string, HostTensor>>;
  dispose(): Promise<void>;
}

async function createSession(program: Graph, device: DeviceName, options: CpuOptions): Promise<AnySession> {
  if (device === 'webgpu') {
    const { threads: _, ...rest } = options;
    const session = await GpuSession.create(lower(program, 'webgpu'), rest);
    return { run: async (inputs) => (await session.run(inputs)).host, dispose: () => session.dispose() };
  }
  // CUDA's provider takes and gives host tensors as the CPU's does.
  const session = device === 'cuda' ? { session: { executionProviders: ['cuda', 'cpu'] } } : {};
  return CpuSession.create(lower(program, 'cpu'), { ...options, ...session });
}
