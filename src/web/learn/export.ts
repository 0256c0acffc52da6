import { errorOf, type SentError } from '../../common/sent-errors.js';
import type { ModelCheckpoint, Precision } from '../../safetensors/index.js';
import { startWorker, type WorkerProgram, workerNotStarted } from '../host/start-worker.js';
import { packed } from './packed.js';

/** What the worker is asked for. */
export interface ExportRequest {
  readonly checkpoint: ModelCheckpoint;
  readonly precision: Precision;
}

export type ExportReply =
  | { readonly type: 'archive'; readonly archive: Blob }
  | { readonly type: 'error'; readonly error: SentError };

const program: WorkerProgram = { does: 'makes archives', file: 'export-worker.js' };

/**
 * A folder as Hugging Face's libraries take it, in a zip archive: what `poster convert` writes. It is made in a worker.
 * @param options.precision `F16` halves the weights; default F32
 * @throws UserError (kind `resources`) where the worker does not start
 */
export async function huggingFaceArchive(
  checkpoint: ModelCheckpoint,
  { precision = 'F32' }: { readonly precision?: Precision } = {},
): Promise<Blob> {
  const { arrays: parameters, buffer } = await packed(checkpoint.parameters);
  const worker = startWorker(
    () => new Worker(new URL('./export-worker.js', import.meta.url), { type: 'module' }),
    program,
  );
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<ExportReply>) => {
        if (data.type === 'archive') resolve(data.archive);
        else reject(errorOf(data.error));
      });
      // It answers once, and tells its errors: whatever ends it has kept it from starting.
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        reject(workerNotStarted(program, event.message));
      });
      const request: ExportRequest = { checkpoint: { ...checkpoint, parameters }, precision };
      worker.postMessage(request, [buffer]);
    });
  } finally {
    worker.terminate();
  }
}
