import { UserError } from '../../common/errors.js';
import { errorOf, type SentError } from '../../common/sent-errors.js';
import type { ModelCheckpoint, Precision } from '../../safetensors/index.js';
import { startWorker, type WorkerProgram, workerNotStarted } from '../host/start-worker.js';
import { packed } from './packed.js';

/** What the worker is asked for. */
export interface ExportRequest {
  readonly format: 'safetensors' | 'hugging-face';
  readonly checkpoint: ModelCheckpoint;
  readonly precision: Precision;
}

export type ExportReply =
  | { readonly type: 'file'; readonly file: Blob }
  | { readonly type: 'error'; readonly error: SentError };

export interface ExportOptions {
  /** `F16` halves the weights; default F32. */
  readonly precision?: Precision;
}

const program: WorkerProgram = { does: 'writes files of weights', file: 'export-worker.js' };

/**
 * A checkpoint as a `.safetensors` file, as `saveModel` writes it on Node. It is made in a worker.
 * @throws UserError (kind `resources`) where the worker does not start, or its file cannot be sent; (`usage`) for another precision
 */
export const safetensorsFile = (checkpoint: ModelCheckpoint, options: ExportOptions = {}): Promise<Blob> =>
  exported('safetensors', checkpoint, options);

/**
 * A folder as Hugging Face's libraries take it, in a zip archive: what `poster convert` writes. It is made in a worker.
 * @throws UserError (kind `resources`) where the worker does not start
 */
export const huggingFaceArchive = (checkpoint: ModelCheckpoint, options: ExportOptions = {}): Promise<Blob> =>
  exported('hugging-face', checkpoint, options);

async function exported(
  format: ExportRequest['format'],
  checkpoint: ModelCheckpoint,
  { precision = 'F32' }: ExportOptions,
): Promise<Blob> {
  const { arrays: parameters, buffer } = await packed(checkpoint.parameters);
  const worker = startWorker(
    () => new Worker(new URL('./export-worker.js', import.meta.url), { type: 'module' }),
    program,
  );
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<ExportReply>) => {
        if (data.type === 'file') resolve(data.file);
        else reject(errorOf(data.error));
      });
      // It answers once, and tells its errors: whatever ends it has kept it from starting.
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        reject(workerNotStarted(program, event.message));
      });
      worker.addEventListener('messageerror', () => {
        reject(
          new UserError(
            'The file could not be sent by the worker that wrote it; close what else needs memory, then try again.',
            'resources',
          ),
        );
      });
      const request: ExportRequest = { format, checkpoint: { ...checkpoint, parameters }, precision };
      worker.postMessage(request, [buffer]);
    });
  } finally {
    worker.terminate();
  }
}
