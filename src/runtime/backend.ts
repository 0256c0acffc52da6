import { host } from '#host';
import type { OrtModule, RuntimeUse } from '../host/host.js';

export type { OrtModule } from '../host/host.js';

let given: OrtModule | undefined;
const loaded = new Map<RuntimeUse['device'], Promise<OrtModule>>();

/** Makes another build of ONNX Runtime the one that sessions use, such as one of `onnxruntime-web` with WebGPU. */
export function useOrt(module: OrtModule): void {
  given = module;
}

/**
 * The build in use for a device: the host's, loaded at first need, or what {@link useOrt} was given.
 * @throws UserError (kind `device`) where the host cannot have that device
 */
export async function loadOrt(use: RuntimeUse): Promise<OrtModule> {
  if (given !== undefined) return given;
  let module = loaded.get(use.device);
  if (module === undefined) {
    module = host.loadOrt(use);
    loaded.set(use.device, module);
    // A failure is not kept: a network or a device may come back.
    module.catch(() => loaded.delete(use.device));
  }
  return module;
}
