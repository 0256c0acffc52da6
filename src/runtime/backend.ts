import { host } from '#host';
import type { OrtModule } from '../host/host.js';

export type { OrtModule } from '../host/host.js';

let chosen: Promise<OrtModule> | undefined;

/** Makes another build of ONNX Runtime the one that sessions use, such as one of `onnxruntime-web` with WebGPU. */
export function useOrt(module: OrtModule): void {
  chosen = Promise.resolve(module);
}

/** The build in use: the host's, loaded at first need, or what {@link useOrt} was given. */
export function loadOrt(): Promise<OrtModule> {
  chosen ??= host.loadOrt();
  return chosen;
}
