/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2` in browsers. */

import '../web/host/no-eval.js';

export type { DomPictures } from '../web/decode/dom-pictures.js';
export { imageDataOf } from '../web/decode/pixels.js';
export { bundledCheckpoint } from '../web/host/bundled-weights.js';
export { configureRuntime, type WebRuntimeOptions } from '../web/host/onnxruntime.js';
export {
  type CameraOptions,
  openCamera,
  type RecognizeVideoOptions,
  recognizeVideo,
  type VideoSource,
} from '../web/video/index.js';
export * from './every-host.js';
