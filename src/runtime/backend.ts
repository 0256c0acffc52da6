import type { InferenceSession } from 'onnxruntime-common';
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

let lastMade: Promise<unknown> = Promise.resolve();

/**
 * Makes a session of a model. Where the host's build keeps the files of only one model at a time, sessions are made one after the other.
 * @throws what ONNX Runtime throws
 */
export function createSession(
  ort: OrtModule,
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const make = (): Promise<InferenceSession> => ort.InferenceSession.create(model, options);
  if (host.makesSessionsInTurn !== true) return make();
  const made = lastMade.then(make);
  lastMade = made.catch(() => undefined);
  return made;
}
