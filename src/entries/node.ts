/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** `poster-v2` on Node: faces and their expressions in pictures and videos, and what a network looks at. */

export {
  type FfmpegPaths,
  type RecognizeVideoOptions,
  recognizeVideo,
  type VideoSource,
} from '../node/ffmpeg/index.js';
export { bundledCheckpoint } from '../node/host/bundled-weights.js';
export * from './every-host.js';
