import { CpuEngine } from './cpu-engine.js';
import type { Engine, EngineOptions } from './engine.js';
import { GpuEngine } from './gpu-engine.js';

export type TrainDevice = 'cpu' | 'webgpu' | 'cuda';

/**
 * The engine for a device. On `webgpu` all that changes stays on the device. On `cuda` only the network runs there:
 * weights go in and gradients come out over the bus in every pass (172 MB each way for the published network, twice a
 * step with SAM), and the optimizer runs on the CPU (145 ms a step for that network on two cores). Gradients are summed
 * and weights kept as on the CPU, so that checkpoints and results are the same kind of thing.
 *
 * @throws UserError (kind `device`) where there is no GPU that WebGPU can use.
 */
export async function createEngine(device: TrainDevice, options: EngineOptions): Promise<Engine> {
  switch (device) {
    case 'cpu':
      return CpuEngine.create(options);
    case 'webgpu':
      return GpuEngine.create(options);
    case 'cuda':
      return CpuEngine.create({ ...options, session: { executionProviders: ['cuda', 'cpu'] } });
  }
}
