import { host } from '#host';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { FileSource } from '../common/file-source.js';
import type { ProgressOptions } from '../common/load-progress.js';
import { printable } from '../common/printable.js';
import type { Graph } from '../graph/index.js';
import {
  type AssumedModel,
  type ConfiguredNetwork,
  type Inference,
  isSurplus,
  resolveDescription,
  surplusNote,
} from '../models/index.js';
import type { Placement } from '../onnx/index.js';
import { lower, slopesOf, withSlopesAtMostOne } from '../passes/index.js';
import { checkThreads } from '../runtime/check-threads.js';
import {
  type CpuOptions,
  CpuSession,
  type DeviceName,
  floats,
  GpuSession,
  type HostTensor,
  hostTensor,
} from '../runtime/index.js';
import {
  allFinite,
  type Checkpoint,
  describedAs,
  describeMismatch,
  isFloatDtype,
  isReserved,
  type ModelDescription,
  matchParameters,
  type Preference,
  parseDescription,
  preferences,
  requireFinite,
  requireFiniteIn,
  toFloat32,
  withHead,
} from '../safetensors/index.js';
import { kernelSession } from './kernel-session.js';
import type { Session } from './session.js';

export interface NetworkOptions extends ProgressOptions {
  /** Default `cpu`. */
  readonly device?: DeviceName;
  /** Threads of the CPU; default: all cores. */
  readonly threads?: number;
  /** What a file that does not say it itself holds; one that does must agree with the name. */
  readonly assumed?: AssumedModel;
  /** Leave out the temperature that the file holds, if it holds one (default false). */
  readonly raw?: boolean;
  /** Which head of the file decides: its own (`accuracy`, the default), or one that prefers rare classes. */
  readonly prefer?: Preference;
}

export interface KernelOptions {
  /** Whether kernels of our own run what they can, on one thread, where the device is `cpu`. Default: ONNX Runtime. */
  readonly kernels?: boolean;
}

/** A graph of a checkpoint's network, its weights in place. */
export interface Network<Built extends Inference> {
  readonly description: ModelDescription;
  readonly network: ConfiguredNetwork;
  /** What logits are divided by before the softmax; undefined where the file holds none, or `raw` leaves it out. */
  readonly temperature: number | undefined;
  /** Threads of a run; undefined: those of ONNX Runtime. */
  readonly threads: number | undefined;
  /** What `build` made. */
  readonly built: Built;
  /**
   * The graph's float32 outputs by name; asking for one that is not all finite numbers is a UserError.
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

/**
 * Makes a graph of the network in a checkpoint ready to run. The model's weights are ONNX external data that points at
 * the tensors within the safetensors file, so that they exist once. Those of PyTorch files, and what is not float32 or
 * not aligned, are read into memory, which the model points at.
 *
 * @param build the graph of that network
 * @throws UserError where the file cannot be read, does not say what it is, holds another network than it says or weights
 * that are not finite numbers, or where the device is not there.
 */
export async function openNetwork<Built extends Inference>(
  file: Checkpoint,
  options: NetworkOptions & KernelOptions,
  build: (network: ConfiguredNetwork) => Built,
): Promise<Network<Built>> {
  const { device = 'cpu', threads, raw = false, prefer = 'accuracy' } = options;
  const { path } = file;
  const { description: whole, network } = describe(file, options.assumed);
  const description = describedAs(whole, checkedPreference(prefer), path);
  const checkpoint = withHead(file, prefer, network.family.head);
  const built = build(network);
  checkTensors(checkpoint, network, built);
  checkThreads(threads);
  const own = options.kernels === true && device === 'cpu' ? await kernelSession(checkpoint, built) : undefined;
  const session = own ?? (await runtimeSession(checkpoint, built, device, defined({ threads })));
  const { channels, imageSize } = description.preprocessing;
  return {
    description,
    network,
    temperature: raw ? undefined : description.temperature?.value,
    threads: own === undefined ? undefined : 1,
    built,
    async run(images, n, more = new Map()) {
      const pixels = hostTensor('float32', images, [n, channels, imageSize, imageSize]);
      const outputs = await session.run(new Map([...more, ['pixel_values', pixels]]));
      return (output) => {
        const values = floats(outputs.get(output));
        if (allFinite(values)) return values;
        throw new UserError(
          `The network in ${path} gives values that are not finite numbers (${output}): its weights are broken; use another checkpoint.`,
        );
      };
    },
    dispose: () => session.dispose(),
  };
}

async function runtimeSession(
  checkpoint: Checkpoint,
  built: Inference,
  device: DeviceName,
  options: Pick<CpuOptions, 'threads'>,
): Promise<Session> {
  const program = withSlopesAtMostOne(built.graph, await gentleSlopes(checkpoint, slopesOf(built.graph)));
  return createSession(program, device, { ...(await weightsOf(checkpoint, built, device)), ...options });
}

/** Says of a network whose pictures depend on each other as published that here they do not. */
export function noteAlone({ family }: ConfiguredNetwork): void {
  if (family.acrossBatch === undefined) return;
  host.note(
    `In the published code of ${family.title} a picture's logits depend on ${family.acrossBatch}; here its own stand for them, ` +
      'so that it gets the same answer in any company.',
  );
}

/** Programs without types may pass anything. @throws UserError */
function checkedPreference(prefer: Preference): Preference {
  if (preferences.includes(prefer)) return prefer;
  throw new UserError(
    `Nothing prefers ${printable(String(prefer), 60)}; prefer is ${preferences.join(' or ')}.`,
    'usage',
    {
      settings: ['prefer'],
    },
  );
}

/**
 * What a checkpoint says about its network, labels and pictures; of one that does not, what its tensors and `assumed` say.
 * @throws UserError where that is not enough, or the file cannot be read.
 */
export function describeCheckpoint(source: FileSource, assumed?: AssumedModel): Promise<ModelDescription> {
  return host.withCheckpoint(source, async (checkpoint) => describe(checkpoint, assumed).description);
}

function describe(
  checkpoint: Checkpoint,
  assumed?: AssumedModel,
): { readonly description: ModelDescription; readonly network: ConfiguredNetwork } {
  const { path, metadata } = checkpoint;
  return resolveDescription(path, parseDescription(metadata, path), parameterShapes(checkpoint), assumed);
}

/** Without what cannot be weights: integers, the state of training. */
function parameterShapes({ tensors }: Checkpoint): Map<string, readonly number[]> {
  return new Map(
    [...tensors]
      .filter(([name, { dtype }]) => isFloatDtype(dtype) && !isReserved(name))
      .map(([name, { shape }]) => [name, shape]),
  );
}

function checkTensors(checkpoint: Checkpoint, network: ConfiguredNetwork, { parameters }: Inference): void {
  const { path } = checkpoint;
  const expected = new Map([...parameters].map(([name, { shape }]) => [name, shape]));
  const found = parameterShapes(checkpoint);
  // Besides what published checkpoints hold and nothing reads: what this network has only while it is trained.
  const published = (name: string): boolean => network.family.isUnread(name) && !expected.has(name);
  const surplus = [...found.keys()].filter((name) => !published(name) && isSurplus(name, parameters, network));
  const ignored = new Set(surplus);
  const ignore = (name: string): boolean => published(name) || ignored.has(name);
  const problem = describeMismatch(matchParameters(expected, found, { ignore }), path);
  if (problem !== undefined) throw new UserError(problem);
  if (surplus.length > 0) host.note(surplusNote(path, surplus));
}

/** Those slopes of PReLUs that are nowhere above 1. */
async function gentleSlopes(checkpoint: Checkpoint, names: readonly string[]): Promise<Set<string>> {
  const tensors = await checkpoint.read(new Set(names));
  const gentle = [...tensors].filter(([name, tensor]) => toFloat32(tensor, name).every((value) => value <= 1));
  return new Set(gentle.map(([name]) => name));
}

type Weights = Required<Pick<CpuOptions, 'placement'>> & Pick<CpuOptions, 'externalFiles' | 'externalFolder'>;

async function weightsOf(checkpoint: Checkpoint, { parameters }: Inference, device: DeviceName): Promise<Weights> {
  const ranges = [...parameters.keys()].flatMap((name) => {
    const { dtype, offset, byteLength } = checkpoint.tensors.get(name) ?? {};
    if (dtype !== 'F32' || offset === undefined || byteLength === undefined || offset % 4 !== 0) return [];
    return [[name, offset, byteLength] as const];
  });
  const { mappable } = checkpoint;
  if (mappable !== undefined && device !== 'webgpu' && ranges.length === parameters.size) {
    // The usual case: the runtime maps the file, and not even the bytes of the file are copied.
    await requireFiniteIn(mappable.source, ranges);
    const { folder, location } = await mappable.locate();
    const placements = new Map(ranges.map(([name, offset, length]) => [name, { location, offset, length }]));
    return { placement: (name) => placements.get(name) ?? 'input', externalFolder: folder };
  }
  const tensors = await checkpoint.read(new Set(parameters.keys()));
  // Each tensor is a file of its own as far as the runtime can tell; nothing is opened by these names.
  const placements = new Map<string, Placement>();
  const externalFiles: { path: string; data: Uint8Array }[] = [];
  for (const [name, tensor] of tensors) {
    const values = toFloat32(tensor, name);
    requireFinite(values, name, checkpoint.path);
    const { buffer, byteOffset, byteLength } = values;
    const location = `tensor-${externalFiles.length}`;
    externalFiles.push({ path: location, data: new Uint8Array(buffer, byteOffset, byteLength) });
    placements.set(name, { location, offset: 0, length: byteLength });
  }
  return { placement: (name) => placements.get(name) ?? 'input', externalFiles };
}

async function createSession(program: Graph, device: DeviceName, options: CpuOptions): Promise<Session> {
  if (device === 'webgpu') {
    const { threads: _, ...rest } = options;
    const session = await GpuSession.create(lower(program, 'webgpu'), rest);
    return { run: async (inputs) => (await session.run(inputs)).host, dispose: () => session.dispose() };
  }
  // CUDA's provider takes and gives host tensors as the CPU's does.
  const session = device === 'cuda' ? { session: { executionProviders: ['cuda', 'cpu'] } } : {};
  return CpuSession.create(lower(program, 'cpu'), { ...options, ...session });
}
