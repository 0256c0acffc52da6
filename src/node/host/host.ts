import type { Host } from '../../host/host.js';
import { publishNote } from '../checkpoints/notes.js';

/** Node: sharp, files, `onnxruntime-node`. */
export const host: Host = {
  loadOrt: async () => (await import('./onnxruntime.js')).loadOrt(),
  decodeImage: async (image, request) => (await import('../decode/decode-image.js')).decodeImage(image, request),
  pictureReader: () => undefined,
  pictureSender: () => undefined,
  startsThreads: false,
  withCheckpoint: async (source, use) => (await import('./with-checkpoint.js')).withCheckpoint(source, use),
  bundledCheckpoint: async () => (await import('./bundled-weights.js')).requireBundledCheckpoint(),
  note: publishNote,
  detectorWeights: async (source) => (await import('./detector-weights.js')).readDetectorWeights(source),
};
