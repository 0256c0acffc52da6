import type * as Ort from 'onnxruntime-common';

/** What `onnxruntime-node` and `onnxruntime-web` have in common. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;

let chosen: Promise<OrtModule> | undefined;

/** Makes another build of ONNX Runtime the one that sessions use, such as `onnxruntime-web` in a browser. */
export function useOrt(module: OrtModule): void {
  chosen = Promise.resolve(module);
}

/** The build in use; in Node `onnxruntime-node`, loaded at first need. */
export function loadOrt(): Promise<OrtModule> {
  chosen ??= import('onnxruntime-node');
  return chosen;
}
