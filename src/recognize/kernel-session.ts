import { entryOf, itemAt } from '../common/item-at.js';
import type { Graph } from '../graph/index.js';
import type { Inference } from '../models/index.js';
import { afterDisposal } from '../runtime/after-disposal.js';
import { floats, type HostTensor, hostTensor } from '../runtime/index.js';
import { type Checkpoint, requireFinite, type Tensor, toFloat32 } from '../safetensors/index.js';
import {
  createGraphKernels,
  type GraphKernels,
  KernelGraph,
  requireKnownOperations,
  UnsupportedError,
} from '../wasm/index.js';
import type { Session } from './session.js';

/**
 * A network of inference, which takes `pixel_values`, on kernels of our own.
 * @param relaxed as for `createGraphKernels`
 * @returns undefined for what they do not run: ONNX Runtime may. Also where WebAssembly has no SIMD or a page's policy forbids it.
 * @throws UserError where weights are not finite numbers, or there is no memory
 */
export async function kernelSession(
  checkpoint: Checkpoint,
  { graph, parameters }: Inference,
  relaxed?: boolean,
): Promise<Session | undefined> {
  const kernels = createGraphKernels(relaxed);
  if (kernels === undefined) return undefined;
  try {
    // Before weights are read, which ONNX Runtime then would read again.
    requireKnownOperations(graph);
    return sessionOf(kernelGraph(graph, await checkpoint.read(new Set(parameters.keys())), checkpoint.path, kernels));
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** The weights are read here and kept nowhere but in the kernels' memory. */
function kernelGraph(
  graph: Graph,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
  kernels: GraphKernels,
): KernelGraph {
  const weights = (name: string): Float32Array => {
    const values = toFloat32(entryOf(tensors, name), name);
    requireFinite(values, name, path);
    return values;
  };
  return new KernelGraph(graph, weights, kernels);
}

function sessionOf(loaded: KernelGraph): Session {
  let network: KernelGraph | undefined = loaded;
  return {
    async run(inputs) {
      if (network === undefined) throw afterDisposal();
      return runInBatches(network, entryOf(inputs, 'pixel_values'));
    },
    async dispose() {
      network = undefined;
    },
  };
}

/** A batch of at least one picture in parts: each by itself, but for as many as are run at once. */
function runInBatches(network: KernelGraph, images: HostTensor): Map<string, HostTensor> {
  const pixels = floats(images);
  const n = itemAt(images.dims, 0);
  const size = pixels.length / n;
  const parts: Map<string, Float32Array>[] = [];
  for (let done = 0; done < n; ) {
    const count = n - done < network.preferredBatch ? 1 : network.preferredBatch;
    const part = pixels.subarray(done * size, (done + count) * size);
    parts.push(network.run(new Map([['pixel_values', part]]), count));
    done += count;
  }
  const names = [...itemAt(parts, 0).keys()];
  return new Map(
    names.map((name) => [
      name,
      joined(
        parts.map((part) => entryOf(part, name)),
        n,
      ),
    ]),
  );
}

function joined(parts: readonly Float32Array[], n: number): HostTensor {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return hostTensor('float32', values, [n, values.length / n]);
}
