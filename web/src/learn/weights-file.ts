import type { ModelCheckpoint } from 'poster-v2/checkpoints';

export type WeightsReply = { readonly file: Blob } | { readonly reason: string };

/** Weights as a safetensors file, made in a worker. */
export async function weightsFile(checkpoint: ModelCheckpoint): Promise<File> {
  const worker = new Worker(new URL('./weights-worker.js', import.meta.url), { type: 'module' });
  try {
    const file = await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('error', ({ message }) => reject(new Error(message || 'its program is missing')));
      worker.addEventListener('message', ({ data }: MessageEvent<WeightsReply>) => {
        if ('file' in data) resolve(data.file);
        else reject(new Error(data.reason));
      });
      // Its tensors lie in one piece of memory, which is copied in no time.
      worker.postMessage(checkpoint);
    });
    return new File([file], 'learned.safetensors');
  } finally {
    worker.terminate();
  }
}
