import { type Setting, UserError } from '../common/errors.js';
import type { TrainDevice } from './create-engine.js';

/** The numbers that a trainer is made with; absent ones have their defaults. */
export interface CheckedSettings {
  readonly device?: TrainDevice;
  readonly rho?: number;
  readonly ema?: number;
  readonly clip?: number;
  readonly microBatch?: number;
  readonly seed?: number;
}

const devices: readonly string[] = ['cpu', 'webgpu', 'cuda'] satisfies TrainDevice[];

const isWhole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;

/** @throws UserError (kind `usage`) for what programs without types may pass: the first setting that cannot be. */
export function checkSettings(settings: CheckedSettings): void {
  const { device = 'cpu', rho = 0, ema = 0, clip = 0, microBatch = Number.POSITIVE_INFINITY, seed = 0 } = settings;
  demand(devices.includes(device), 'device', device, `one of ${devices.join(', ')}`);
  demand(rho >= 0 && Number.isFinite(rho), 'rho', rho, 'a finite number of at least 0');
  demand(ema >= 0 && ema < 1, 'ema', ema, 'a number from 0 to below 1');
  demand(clip >= 0 && Number.isFinite(clip), 'clip', clip, 'a finite number of at least 0');
  const anyBatch = microBatch === Number.POSITIVE_INFINITY;
  demand(anyBatch || isWhole(microBatch, 1), 'microBatch', microBatch, 'a whole number from 1');
  demand(isWhole(seed, 0), 'seed', seed, 'a whole number from 0');
}

function demand(holds: boolean, setting: Setting, value: unknown, wanted: string): void {
  if (holds) return;
  throw new UserError(`A trainer cannot have ${String(value)} as ${setting}; give ${wanted}.`, 'usage', {
    settings: [setting],
  });
}
