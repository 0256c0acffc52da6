import type { Host } from '../../host/host.js';
import { decodeImage } from '../decode/decode-image.js';
import { addressOf } from './addresses.js';
import { fetchBytes } from './fetch-bytes.js';
import { loadOrt } from './onnxruntime.js';
import { withCheckpoint } from './with-checkpoint.js';

/** Browsers and their workers: the browser's decoder, `fetch`, `onnxruntime-web`. */
export const host: Host = {
  loadOrt,
  decodeImage,
  withCheckpoint,
  bundledCheckpoint: async () => addressOf('checkpoint'),
  note: (sentence) => console.info(sentence),
  detectorWeights: () => fetchBytes(addressOf('detector'), "The face detector's weights"),
};
