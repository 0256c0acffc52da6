import { UserError } from '../../common/errors.js';
import { errorOf, type SentError } from '../../common/sent-errors.js';
import type { ModelCheckpoint, Precision } from '../../safetensors/index.js';

/** What the worker is asked for. */
export interface ExportRequest {
  readonly checkpoint: ModelCheckpoint;
  readonly precision: Precision;
}

export type ExportReply =
  | { readonly type: 'archive'; readonly archive: Blob }
  | { readonly type: 'error'; readonly error: SentError };

/**
 * A folder as Hugging Face's libraries take it, in a zip archive: what `poster convert` writes. It is made in a worker.
 * @param options.precision `F16` halves the weights; default F32
 * @throws UserError (kind `resources`) where the worker does not start
 */
export async function huggingFaceArchive(
  checkpoint: ModelCheckpoint,
  { precision = 'F32' }: { readonly precision?: Precision } = {},
): Promise<Blob> {
  // Bundlers know workers by this form.
  const worker = new Worker(new URL('./export-worker.js', import.meta.url), { type: 'module' });
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<ExportReply>) => {
        if (data.type === 'archive') resolve(data.archive);
        else reject(errorOf(data.error));
      });
      worker.addEventListener('error', () =>
        reject(
          new UserError(
            'The worker that makes archives does not start: its file export-worker.js is missing beside the bundle; serve it as docs/browser.md says.',
            'resources',
          ),
        ),
      );
      const request: ExportRequest = { checkpoint, precision };
      worker.postMessage(request);
    });
  } finally {
    worker.terminate();
  }
}
