import type { Host } from '../../host/host.js';
import { decodeImage } from '../decode/decode-image.js';
import { bundledCheckpoint, detectorWeights } from './bundled-weights.js';
import { loadOrt } from './onnxruntime.js';
import { readBytes } from './read-bytes.js';
import { withCheckpoint } from './with-checkpoint.js';

/** Browsers and their workers: the browser's decoder, `fetch`, `onnxruntime-web`. */
export const host: Host = {
  loadOrt,
  decodeImage,
  withCheckpoint,
  bundledCheckpoint: async () => bundledCheckpoint(),
  note: (sentence) => console.info(sentence),
  detectorWeights: (source = detectorWeights()) => readBytes(source, "The face detector's weights"),
};
