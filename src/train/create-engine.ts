import { ExitCode, UserError } from '../common/errors.js';
import { CpuEngine, type EngineOptions } from './cpu-engine.js';
import type { Engine } from './engine.js';

export type TrainDevice = 'cpu' | 'webgpu' | 'cuda';

export async function createEngine(device: TrainDevice, options: EngineOptions): Promise<Engine> {
  if (device === 'cpu') return CpuEngine.create(options);
  throw new UserError(`Training on ${device} is not there yet; use --device cpu.`, ExitCode.resource);
}
