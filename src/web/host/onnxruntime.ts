import type { OrtModule } from '../../host/host.js';
import { addressOf } from './addresses.js';

/** `onnxruntime-web`, its build for WebAssembly. */
export async function loadOrt(): Promise<OrtModule> {
  const ort = await import('onnxruntime-web/wasm');
  const folder = addressOf('onnxruntime');
  if (folder !== undefined) ort.env.wasm.wasmPaths = String(folder);
  return ort;
}
