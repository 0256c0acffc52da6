import { encodeModel, type ModelCheckpoint, safetensorsChunks } from 'poster-v2/checkpoints';
import { nextTurn } from '../files/turns.js';

/** Bytes that are put into the file in a turn: some milliseconds. */
const pieceBytes = 2 ** 20;

/** Weights as a safetensors file, made in turns: all at once holds up the page. Other threads read the file without a copy. */
export async function weightsFile(checkpoint: ModelCheckpoint): Promise<File> {
  const { tensors, metadata } = encodeModel(checkpoint);
  const parts: Blob[] = [];
  let piece: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const close = async (): Promise<void> => {
    parts.push(new Blob(piece));
    piece = [];
    size = 0;
    await nextTurn();
  };
  for (const chunk of safetensorsChunks(tensors, metadata)) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const part = chunk.subarray(at, at + pieceBytes);
      piece.push(new Uint8Array(part));
      size += part.length;
      if (size >= pieceBytes) await close();
    }
  }
  await close();
  return new File(parts, 'learned.safetensors');
}
