import type { HostTensor } from '../runtime/index.js';

/** A network that is ready to run: on ONNX Runtime, or on kernels of our own. */
export interface Session {
  run(inputs: ReadonlyMap<string, HostTensor>): Promise<ReadonlyMap<string, HostTensor>>;
  dispose(): Promise<void>;
}
