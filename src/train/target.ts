import { itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { elements, graph, input, parameter } from '../graph/index.js';
import { conv2d, type Target } from '../ops/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, hostTensor } from '../runtime/index.js';

/**
 * The form of graphs for a device. Convolutions over blocks of channels are of the CPU's own provider: CUDA's does not
 * have them.
 */
export function targetOf(device: 'cpu' | 'webgpu' | 'cuda'): Promise<Target> {
  return device === 'cpu' ? cpuTarget() : Promise.resolve({ device: device === 'webgpu' ? 'webgpu' : 'cpu' });
}

let found: Promise<Target> | undefined;

/**
 * The form in which graphs with changing weights are fastest on this machine's processor. Which blocks of channels ONNX
 * Runtime's convolutions work on depends on the processor and is told nowhere, so a small convolution is tried: with
 * blocks of another size its result is wrong, without such kernels there is none.
 */
export function cpuTarget(): Promise<Target> {
  if (found === undefined) {
    found = tryBlocks();
    // A failure is not kept: the network that ONNX Runtime comes by may come back.
    found.catch(() => {
      found = undefined;
    });
  }
  return found;
}

async function tryBlocks(): Promise<Target> {
  const plain = { device: 'cpu' } as const;
  const expected = await convolve(plain);
  for (const channelBlock of [16, 8] as const) {
    const target = { ...plain, channelBlock };
    try {
      const result = await convolve(target);
      if (result.every((value, i) => Math.abs(value - itemAt(expected, i)) < 1e-3)) return target;
    } catch {
      // Not among the kernels of this build or processor.
    }
  }
  return plain;
}

/** Two convolutions, of 32 channels by 3x3 and of 32 by 1x1, over noise. */
async function convolve(target: Target): Promise<Float32Array> {
  const shapes = { x: [2, 32, 5, 5], wide: [32, 32, 3, 3], narrow: [32, 32, 1, 1] };
  const x = input('x', 'float32', shapes.x);
  const wide = conv2d(x, parameter('wide', shapes.wide), undefined, { padding: 1 });
  const y = conv2d(wide, parameter('narrow', shapes.narrow));
  const generator = random(0, 'blocks');
  const feeds = Object.entries(shapes).map(([name, shape]) => {
    const values = Float32Array.from({ length: elements(shape) }, () => generator.next() - 0.5);
    return [name, hostTensor('float32', values, shape)] as const;
  });
  const session = await CpuSession.create(lower(graph({ y }), target), { threads: 1 });
  try {
    return floats((await session.run(new Map(feeds))).get('y'));
  } finally {
    await session.dispose();
  }
}
