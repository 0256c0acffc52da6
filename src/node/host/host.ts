import type { Host } from '../../host/host.js';

/** Node: sharp, files, `onnxruntime-node`. */
export const host: Host = {
  loadOrt: async () => (await import('./onnxruntime.js')).loadOrt(),
  decodeImage: async (image, request) => (await import('../decode/decode-image.js')).decodeImage(image, request),
  detectorWeights: async () => (await import('./detector-weights.js')).readDetectorWeights(),
};
