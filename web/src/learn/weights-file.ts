import type { ModelCheckpoint } from 'poster-v2/checkpoints';
import { nextTurn } from '../files/turns.js';

export type WeightsReply = { readonly file: Blob } | { readonly reason: string };

/** Weights as a safetensors file, made in a worker. */
export async function weightsFile(checkpoint: ModelCheckpoint): Promise<File> {
  const worker = new Worker(new URL('./weights-worker.js', import.meta.url), { type: 'module' });
  try {
    const { parameters, buffer } = await copied(checkpoint.parameters);
    const file = await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('error', ({ message }) => reject(new Error(message || 'its program is missing')));
      worker.addEventListener('message', ({ data }: MessageEvent<WeightsReply>) => {
        if ('file' in data) resolve(data.file);
        else reject(new Error(data.reason));
      });
      worker.postMessage({ ...checkpoint, parameters }, [buffer]);
    });
    return new File([file], 'learned.safetensors');
  } finally {
    worker.terminate();
  }
}

/** Values that are copied in a turn: a millisecond or two. */
const piece = 2 ** 18;

/** Copies of arrays in one piece of memory, which a worker is given as a whole: to copy all in one turn holds up the page. */
async function copied(
  arrays: ModelCheckpoint['parameters'],
): Promise<{ readonly parameters: ModelCheckpoint['parameters']; readonly buffer: ArrayBuffer }> {
  const values = [...arrays.values()].reduce((sum, { data }) => sum + data.length, 0);
  const all = new Float32Array(values);
  const parameters = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> }>();
  let [offset, sinceTurn] = [0, 0];
  for (const [name, { shape, data }] of arrays) {
    const copy = all.subarray(offset, offset + data.length);
    for (let at = 0; at < data.length; at += piece) {
      const part = data.subarray(at, at + piece);
      copy.set(part, at);
      sinceTurn += part.length;
      if (sinceTurn < piece) continue;
      sinceTurn = 0;
      await nextTurn();
    }
    parameters.set(name, { shape, data: copy });
    offset += data.length;
  }
  return { parameters, buffer: all.buffer };
}
