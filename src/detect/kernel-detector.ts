import { UserError } from '../common/errors.js';
import { itemAt } from '../common/item-at.js';
import { readOnnx } from '../onnx/read.js';
import { afterDisposal } from '../runtime/after-disposal.js';
import { createKernels, KernelNetwork } from '../wasm/index.js';
import { cellSize, type Maps } from './candidates.js';

/** What the detector's network takes and puts out. */
export const tensorNames = ['pixel_values', 'regressors', 'scores'] as const;
/** Channels of the outputs, up to a multiple of 4. */
const outputChannels = [16, 4] as const;

/** The detector's network on kernels of our own, as `DetectorNetwork`. */
interface KernelDetector {
  run(pixels: Float32Array, n: number, height: number, width: number): Promise<Maps[]>;
  dispose(): Promise<void>;
}

/**
 * The detector's network on kernels of our own.
 * @param relaxed as for `createKernels`
 * @returns undefined for what they do not run: ONNX Runtime may, or says what is wrong with the file. Also where WebAssembly has no SIMD or
 *   a page's policy forbids it.
 */
export function kernelDetector(weights: Uint8Array, relaxed?: boolean): KernelDetector | undefined {
  let network = kernelNetwork(weights, relaxed);
  if (network === undefined) return undefined;
  return {
    async run(pixels, n, height, width) {
      const length = pixels.length / n;
      return Array.from({ length: n }, (_, i) => {
        if (network === undefined) throw afterDisposal();
        const maps = network.run(pixels.subarray(i * length, (i + 1) * length), height, width);
        const cells = { width: width / cellSize, height: height / cellSize };
        const scores = itemAt(maps, 1).subarray(0, cells.width * cells.height);
        return { ...cells, regressors: itemAt(maps, 0), scores };
      });
    },
    async dispose() {
      network = undefined;
    },
  };
}

function kernelNetwork(weights: Uint8Array, relaxed?: boolean): KernelNetwork | undefined {
  const kernels = createKernels(relaxed);
  if (kernels === undefined) return undefined;
  try {
    const network = new KernelNetwork(readOnnx(weights), kernels);
    const known = String([...network.inputs, ...network.outputs]) === String(tensorNames);
    return known && String(network.outputChannels) === String(outputChannels) ? network : undefined;
  } catch (error) {
    if (error instanceof UserError) throw error;
    // A file of anything else fails here in many ways, of which ONNX Runtime says what is wrong.
    return undefined;
  }
}
