/** Addresses of the files that a bundle of scripts does not hold. */
export interface Addresses {
  /** The bundled weights, `weights/poster-v2-nano.safetensors` of this package. */
  readonly checkpoint: string | URL;
  /** The face detector's weights, `weights/face-detector.onnx` of this package. */
  readonly detector: string | URL;
  /** The folder of ONNX Runtime's `ort-wasm-simd-threaded.wasm`, from `dist` of `onnxruntime-web`. */
  readonly onnxruntime: string | URL | undefined;
}

// Bundlers that know files by `new URL(..., import.meta.url)`, such as Vite and webpack, take these along.
let addresses: Addresses = {
  checkpoint: new URL('../../../../weights/poster-v2-nano.safetensors', import.meta.url),
  detector: new URL('../../../../weights/face-detector.onnx', import.meta.url),
  onnxruntime: undefined,
};

/**
 * Says where a page finds files of this package, where that is not beside its scripts; those left out stay as they are. To be
 * called before anything is loaded.
 */
export function useAddresses(given: Partial<Addresses>): void {
  addresses = { ...addresses, ...given };
}

export const addressOf = <Name extends keyof Addresses>(name: Name): Addresses[Name] => addresses[name];
