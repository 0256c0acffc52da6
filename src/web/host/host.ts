import type { Host } from '../../host/host.js';
import { decodeImage } from '../decode/decode-image.js';
import { pictureKinds, pictureReader } from '../decode/dom-pictures.js';
import { pictureSender, sentPictureReader } from '../decode/sent-dom-picture.js';
import { bundledCheckpoint, readDetectorWeights } from './bundled-weights.js';
import { loadOrt } from './onnxruntime.js';
import { withCheckpoint } from './with-checkpoint.js';

/** Browsers and their workers: the browser's decoder, `fetch`, `onnxruntime-web`. */
export const host: Host = {
  loadOrt,
  makesSessionsInTurn: true,
  cpuIsWebAssembly: true,
  decodeImage,
  pictureKinds,
  pictureReader: (value) => pictureReader(value) ?? sentPictureReader(value),
  pictureSender,
  // A worker that recognises is one already; it may start others.
  startsThreads: typeof document !== 'undefined' && typeof Worker !== 'undefined',
  withCheckpoint,
  bundledCheckpoint,
  note: (sentence) => console.info(sentence),
  detectorWeights: readDetectorWeights,
};
