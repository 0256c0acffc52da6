/** The worker that writes learned weights as a file, for `weights-file.ts`. */
import { encodeModel, type ModelCheckpoint, safetensorsChunks } from 'poster-v2/checkpoints';
import { messageOf } from '../state/errors.js';
import type { WeightsReply } from './weights-file.js';

const reply = (message: WeightsReply): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<ModelCheckpoint>) => {
  try {
    const { tensors, metadata } = encodeModel(data);
    const chunks = Array.from(safetensorsChunks(tensors, metadata), (chunk) => new Uint8Array(chunk));
    reply({ file: new Blob(chunks) });
  } catch (error) {
    reply({ reason: messageOf(error) });
  }
});
