import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { defined } from '../common/defined.js';
import { messageOf, UserError } from '../common/errors.js';
import { apply, batchDim, type DType, formatShape, type Graph, graph, input } from '../graph/index.js';
import { type Placement, writeOnnx } from '../onnx/index.js';
import { afterDisposal } from './after-disposal.js';
import { createSession, loadOrt } from './backend.js';
import type { ExternalFile } from './cpu.js';
import { fromOrt, type HostTensor, toOrt } from './host-tensor.js';
import { unsupportedOperations, wrongInNhwc } from './placement.js';

/**
 * A tensor in the memory of a GPU. It cannot be read or given to a CPU session (which would compute on garbage without
 * an error): `download` copies it. Must be disposed of: the garbage collector does not see how large it is, and the
 * memory of a training step would be lost with every step.
 */
export class DeviceTensor {
  readonly on = 'device';
  readonly dtype: DType;
  readonly dims: readonly number[];
  static #live = 0;
  #value: Tensor | undefined;
  readonly #afterwards: () => void;

  private constructor(value: Tensor, afterwards: () => void) {
    DeviceTensor.#live++;
    this.#value = value;
    this.#afterwards = afterwards;
    this.dims = value.dims;
    this.dtype = value.type as DType;
  }

  /** For sessions only; `afterwards` is called once it has been disposed of. */
  static wrap(value: Tensor, afterwards: () => void): DeviceTensor {
    if (value.location !== 'gpu-buffer') throw new Error(`a tensor on the device was expected, not ${value.location}`);
    return new DeviceTensor(value, afterwards);
  }

  /** For sessions only. */
  static unwrap(tensor: DeviceTensor): Tensor {
    if (tensor.#value === undefined) throw new Error('a device tensor was used after it had been disposed of');
    return tensor.#value;
  }

  /** How many have not been disposed of: what tests for leaks look at. */
  static get live(): number {
    return DeviceTensor.#live;
  }

  get disposed(): boolean {
    return this.#value === undefined;
  }

  /** Gives the memory back to the device's pool. A second call does nothing. */
  dispose(): void {
    if (this.#value === undefined) return;
    this.#value.dispose();
    this.#value = undefined;
    DeviceTensor.#live--;
    this.#afterwards();
  }
}

/** Disposes of every tensor of a list or of a map's values. */
export function disposeAll(tensors: Iterable<DeviceTensor>): void {
  for (const tensor of tensors) tensor.dispose();
}

export interface GpuOptions {
  /** Which outputs stay on the device; the others are read back at every run. Default: none stay. */
  readonly keepOnDevice?: (output: string) => boolean;
  /** Where each parameter is; default: fed at every run. */
  readonly placement?: (name: string) => Placement;
  readonly externalFiles?: readonly ExternalFile[];
  /**
   * How convolutions see maps. Default `NCHW`, as graphs are written, which everything runs in. `NHWC`, ONNX Runtime's own
   * default, may be faster and suits inference: graphs of gradients need not run in it.
   */
  readonly layout?: 'NCHW' | 'NHWC';
  readonly session?: InferenceSession.SessionOptions;
}

export interface GpuOutputs {
  readonly host: Map<string, HostTensor>;
  /** To be disposed of by the caller. */
  readonly device: Map<string, DeviceTensor>;
}

/**
 * A graph ready to run on a GPU through WebGPU. All of it runs there: an operation that ONNX Runtime would move to the
 * CPU is an error when the session is made, not a slow surprise.
 */
export class GpuSession {
  /**
   * Sessions whose outputs are still on the device. A tensor's memory belongs to a pool of the session that made it; freed
   * after its session it ends the process with a segmentation fault. Held here, no session is collected too early.
   */
  static readonly #inUse = new Set<GpuSession>();

  readonly #session: InferenceSession;
  #onDevice = 0;
  #closing = false;
  readonly #keep: ReadonlySet<string>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];

  private constructor(session: InferenceSession, keep: ReadonlySet<string>) {
    this.#session = session;
    this.#keep = keep;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  /**
   * @param program of ONNX operations only: see `lower(program, 'webgpu')`.
   * @throws UserError where there is no GPU that WebGPU can use.
   */
  static async create(program: Graph, options: GpuOptions = {}): Promise<GpuSession> {
    await holdDevice();
    return GpuSession.#create(program, options);
  }

  static async #create(program: Graph, options: GpuOptions): Promise<GpuSession> {
    const { keepOnDevice = () => false, layout = 'NCHW' } = options;
    const wrong = layout === 'NHWC' ? wrongInNhwc(program) : undefined;
    if (wrong) {
      const [x, weight] = wrong.inputs.map((value) => formatShape(value?.shape ?? []));
      throw new Error(`ONNX Runtime computes Conv(${x}, ${weight}) wrongly on WebGPU in NHWC; use NCHW`);
    }
    const keep = new Set([...program.outputs.keys()].filter(keepOnDevice));
    const model = writeOnnx(program, options.placement ? { placement: options.placement } : {});
    try {
      const session = await createStrict(model, layout, {
        ...defined({ externalData: options.externalFiles }),
        preferredOutputLocation: Object.fromEntries(
          [...program.outputs.keys()].map((name) => [name, keep.has(name) ? 'gpu-buffer' : 'cpu'] as const),
        ),
        ...options.session,
      });
      return new GpuSession(session, keep);
    } catch (error) {
      if (!messageOf(error).includes('assigned to the default CPU EP')) throw error;
      const which = await unsupportedOperations(program, (bytes) => createStrict(bytes, layout, {}));
      throw new Error(`the graph does not run on WebGPU as a whole: ${which}`, { cause: error });
    }
  }

  /**
   * Runs the graph once; inputs may be on either side. Inputs that the graph does not have are ignored. Outputs on the
   * device are new tensors each time: dispose of those that they replace. (ONNX Runtime in Node ignores tensors given
   * for outputs to be written into.)
   */
  async run(inputs: ReadonlyMap<string, HostTensor | DeviceTensor>): Promise<GpuOutputs> {
    if (this.#closing) throw afterDisposal();
    const feeds: Record<string, Tensor> = {};
    for (const name of this.inputs) {
      const tensor = inputs.get(name);
      if (tensor === undefined) throw new Error(`the graph's input '${name}' was not given`);
      feeds[name] = tensor instanceof DeviceTensor ? DeviceTensor.unwrap(tensor) : toOrt(tensor);
    }
    const results = await this.#session.run(feeds).catch(async (error: unknown) => {
      throw isLostDevice(messageOf(error)) || (await isDeviceLost()) ? afterLoss(error) : error;
    });
    const host = new Map<string, HostTensor>();
    const device = new Map<string, DeviceTensor>();
    for (const name of this.outputs) {
      const value = results[name] as Tensor;
      if (this.#keep.has(name)) device.set(name, this.#own(value));
      else host.set(name, fromOrt(value));
    }
    return { host, device };
  }

  /** Tensors that this session has put out stay usable: it is released after the last of them is disposed of. */
  async dispose(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#onDevice === 0) await this.#session.release();
  }

  #own(value: Tensor): DeviceTensor {
    this.#onDevice++;
    GpuSession.#inUse.add(this);
    return DeviceTensor.wrap(value, () => {
      this.#onDevice--;
      if (this.#onDevice > 0) return;
      GpuSession.#inUse.delete(this);
      // Nobody waits for this, and nothing depends on its result.
      if (this.#closing) this.#session.release().catch(() => undefined);
    });
  }

  /** For `holdDevice` and the copies below, which are what holds the device. */
  static copies(program: Graph, to: 'host' | 'device'): Promise<GpuSession> {
    return GpuSession.#create(program, { keepOnDevice: () => to === 'device' });
  }
}

async function createStrict(
  model: Uint8Array,
  preferredLayout: 'NCHW' | 'NHWC',
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const ort = await loadOrt({ device: 'webgpu' });
  try {
    return await createSession(ort, model, {
      executionProviders: [{ name: 'webgpu', validationMode: 'basic', preferredLayout }],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 4,
      extra: {
        session: { disable_cpu_ep_fallback: '1' },
        // It moves transposes through comparisons and shapes, and there is no kernel for those of bool and int64.
        optimization: { disable_specified_optimizers: 'TransposeOptimizer' },
      },
      ...options,
    });
  } catch (error) {
    if (error instanceof UserError || !isMissingAdapter(messageOf(error))) throw error;
    throw new UserError(
      'There is no GPU here that WebGPU can use; install a Vulkan driver for it (on Linux, check with vulkaninfo) ' +
        'or choose the device cpu.',
      'device',
      { settings: ['device'], cause: error },
    );
  }
}

/** In Node, in browsers, and in builds of ONNX Runtime without the provider. */
function isMissingAdapter(message: string): boolean {
  return /WebGPU adapter|GPUAdapter|no available backend|backend not found|webgpu.*not (supported|available)/i.test(
    message,
  );
}

/** Of the driver, by way of ONNX Runtime: a laptop that slept, a driver that was started anew, a browser that took it away. */
const isLostDevice = (message: string): boolean => /device (was |is )?lost|lost device/i.test(message);

/** In milliseconds: a browser says that a device is lost about when a run fails for it. */
const lossPatience = 500;

/** Whether the runtime's device is lost, where it can say so: in browsers, whose runs then fail with any error. */
async function isDeviceLost(): Promise<boolean> {
  const { env } = await loadOrt({ device: 'webgpu' });
  // Node's has none, whatever its types say.
  const flags: unknown = env.webgpu;
  if (typeof flags !== 'object' || flags === null || !('device' in flags)) return false;
  const device: unknown = await flags.device;
  if (typeof device !== 'object' || device === null || !('lost' in device)) return false;
  const { lost } = device;
  return Promise.race([
    Promise.resolve(lost).then(() => true),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), lossPatience)),
  ]);
}

/** The runtime takes another device once every session of the lost one is released: the copies' are released here. */
function afterLoss(cause: unknown): UserError {
  for (const session of copies.values()) session.then((one) => one.dispose()).catch(() => undefined);
  copies.clear();
  return new UserError(
    'The graphics processor was lost, as after sleep or when its driver is started anew; dispose of what uses it and load it again, or choose the device cpu.',
    'device',
    { settings: ['device'], cause },
  );
}

// Sessions of an Identity each, by dtype, rank and direction. They are not released before the device is lost: ONNX Runtime
// destroys it with its last session, and these hold it from the first session on.
const copies = new Map<string, Promise<GpuSession>>();

function copySession(dtype: DType, rank: number, to: 'host' | 'device'): Promise<GpuSession> {
  const key = `${dtype} ${rank} ${to}`;
  let session = copies.get(key);
  if (session === undefined) {
    // A symbol of its own for every dimension: one session serves all shapes of a rank.
    const x = input(
      'x',
      dtype,
      Array.from({ length: rank }, (_, i) => batchDim(i + 2)),
    );
    const [y] = apply('Identity', [x], {}, [{ dtype, shape: x.shape }]).outputs;
    session = GpuSession.copies(graph(new Map(y === undefined ? [] : [['y', y]])), to);
    copies.set(key, session);
    // A failure is not kept: a driver may be installed or a device come back.
    session.catch(() => copies.delete(key));
  }
  return session;
}

async function holdDevice(): Promise<void> {
  await copySession('float32', 1, 'host');
}

/** Copies a tensor to the device. float32 and int32 are what WebGPU has. */
export async function upload(tensor: HostTensor): Promise<DeviceTensor> {
  await holdDevice();
  const session = await copySession(tensor.dtype, tensor.dims.length, 'device');
  const value = (await session.run(new Map([['x', tensor]]))).device.get('y');
  if (value === undefined) throw new Error('the copy to the device put nothing out');
  return value;
}

/** Copies a tensor from the device. (`Tensor.getData` of ONNX Runtime ends the process in Node.) */
export async function download(tensor: DeviceTensor): Promise<HostTensor> {
  const session = await copySession(tensor.dtype, tensor.dims.length, 'host');
  const value = (await session.run(new Map([['x', tensor]]))).host.get('y');
  if (value === undefined) throw new Error('the copy from the device put nothing out');
  return value;
}

/** `upload` for each tensor of a map: of all, or of none where one fails. */
export async function uploadAll(tensors: ReadonlyMap<string, HostTensor>): Promise<Map<string, DeviceTensor>> {
  const result = new Map<string, DeviceTensor>();
  try {
    for (const [name, tensor] of tensors) result.set(name, await upload(tensor));
  } catch (error) {
    disposeAll(result.values());
    throw error;
  }
  return result;
}

/** `download` for each tensor of a map. */
export async function downloadAll(tensors: ReadonlyMap<string, DeviceTensor>): Promise<Map<string, HostTensor>> {
  const result = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) result.set(name, await download(tensor));
  return result;
}
