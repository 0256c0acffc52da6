import { messageOf, UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { apply, type Graph, graph, input, type Tensor } from '../graph/index.js';
import { writeOnnx } from '../onnx/index.js';
import { loadOrt } from './backend.js';
import { CpuSession } from './cpu.js';
import { type HostTensor, hostTensor } from './host-tensor.js';
import { GpuSession } from './webgpu.js';

/** What a graph can run on. `cuda` needs the binaries that onnxruntime-node's install script fetches. */
export const deviceNames = ['cpu', 'webgpu', 'cuda'] as const;
export type DeviceName = (typeof deviceNames)[number];

export interface ChosenDevice {
  readonly device: DeviceName;
  /** A sentence for the user: why `auto` chose what it chose. */
  readonly note?: string;
}

/**
 * The device to use. `auto` is WebGPU where its adapter computes faster than the CPU, which is measured: ONNX Runtime
 * does not say whether an adapter is a GPU or a program that imitates one (SwiftShader, llvmpipe), and those are far
 * slower. A device asked for by name is taken as it is, if it works at all.
 *
 * @throws UserError (kind `device`) where the device asked for is not there.
 */
export async function chooseDevice(wanted: DeviceName | 'auto'): Promise<ChosenDevice> {
  switch (wanted) {
    case 'cpu':
      return { device: 'cpu' };
    case 'webgpu':
      // Not only that an adapter is found: that it computes.
      await secondsOnGpu(0);
      return { device: 'webgpu' };
    case 'cuda':
      await tryCuda();
      return { device: 'cuda' };
    case 'auto':
      return chooseAutomatically();
    default:
      // Programs without types may pass anything.
      throw new UserError(
        `There is no device '${String(wanted)}'; known are auto, ${deviceNames.join(', ')}.`,
        'usage',
      );
  }
}

async function chooseAutomatically(): Promise<ChosenDevice> {
  let gpu: number;
  try {
    gpu = await secondsOnGpu(3);
  } catch (error) {
    if (error instanceof UserError)
      return { device: 'cpu', note: 'No GPU that WebGPU can use was found: using the CPU.' };
    return { device: 'cpu', note: `WebGPU does not work here (${firstLine(error)}): using the CPU.` };
  }
  const cpu = await secondsOnCpu(3);
  if (gpu < cpu)
    return { device: 'webgpu', note: `Using the GPU through WebGPU, ${times(cpu / gpu)} as fast as the CPU.` };
  return {
    device: 'cpu',
    note: `Using the CPU, ${times(gpu / cpu)} as fast as the WebGPU adapter, which is perhaps emulated in software.`,
  };
}

const times = (factor: number): string => `${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times`;

const size = 512;

/** Four matrix products one after another, 0.8 GFLOP for `size` rows, then a vector: nothing much to read back. */
function trial(): Graph {
  const product = (a: Tensor, b: Tensor): Tensor => {
    const shape = [itemAt(a.shape, 0), itemAt(b.shape, 1)];
    return apply('MatMul', [a, b], {}, [{ dtype: 'float32', shape }]).outputs[0] as Tensor;
  };
  const w = input('w', 'float32', [size, size]);
  let y: Tensor = input('x', 'float32', ['N', size]);
  for (let i = 0; i < 4; i++) y = product(y, w);
  return graph({ y: product(y, input('v', 'float32', [size, 1])) });
}

function trialInputs(rows: number): Map<string, HostTensor> {
  return new Map([
    ['x', hostTensor('float32', new Float32Array(rows * size).fill(1 / size), [rows, size])],
    ['w', hostTensor('float32', new Float32Array(size * size).fill(1 / size), [size, size])],
    ['v', hostTensor('float32', new Float32Array(size).fill(1), [size, 1])],
  ]);
}

type Run = (inputs: ReadonlyMap<string, HostTensor>) => Promise<HostTensor | undefined>;

/**
 * The shortest of `runs`, after one with few rows to compile shaders. None follows a slow one: no GPU, and no CPU, takes
 * that long.
 */
async function shortest(runs: number, run: Run): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= runs && (i < 2 || best < 0.2); i++) {
    const inputs = trialInputs(i === 0 ? 8 : size);
    const start = performance.now();
    const y = await run(inputs);
    const seconds = (performance.now() - start) / 1000;
    if (i > 0) best = Math.min(best, seconds);
    const value = Number(y?.data[0]);
    if (!(Math.abs(value - 1) < 1e-3)) throw new Error(`a trial computation gave ${value} instead of 1`);
  }
  return best;
}

async function secondsOnGpu(runs: number): Promise<number> {
  const session = await GpuSession.create(trial());
  try {
    return await shortest(runs, async (inputs) => (await session.run(inputs)).host.get('y'));
  } finally {
    await session.dispose();
  }
}

async function secondsOnCpu(runs: number): Promise<number> {
  const session = await CpuSession.create(trial());
  try {
    return await shortest(runs, async (inputs) => (await session.run(inputs)).get('y'));
  } finally {
    await session.dispose();
  }
}

async function tryCuda(): Promise<void> {
  const ort = await loadOrt({ device: 'cpu' });
  try {
    const session = await ort.InferenceSession.create(writeOnnx(trial()), {
      executionProviders: ['cuda'],
      logSeverityLevel: 4,
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
    await session.release();
  } catch (error) {
    throw new UserError(
      `ONNX Runtime cannot use CUDA here (${firstLine(error)}); install CUDA and cuDNN, then run ` +
        "'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false' to fetch its CUDA binaries, " +
        'or choose the device webgpu or cpu.',
      'device',
      { settings: ['device'], cause: error },
    );
  }
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0]?.trim() ?? '';
}
