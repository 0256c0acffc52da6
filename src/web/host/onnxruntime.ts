import type { OrtModule } from '../../host/host.js';

/** `onnxruntime-web`, its build for WebAssembly. */
export const loadOrt = (): Promise<OrtModule> => import('onnxruntime-web/wasm');
