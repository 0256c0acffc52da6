/** The worker that makes archives of weights for a page: graphs are built and checksums computed away from it. */
import '../host/no-eval.js';

import { sentError } from '../../common/sent-errors.js';
import { huggingFaceFiles } from '../../convert/index.js';
import { parseNetwork } from '../../models/index.js';
import { encodeModel } from '../../safetensors/index.js';
import type { ExportReply, ExportRequest } from './export.js';
import { zipOf } from './zip.js';

async function archiveOf({ checkpoint, precision }: ExportRequest): Promise<Blob> {
  const network = parseNetwork(checkpoint.model, 'The network to export');
  const { parameters, ...description } = checkpoint;
  const source = { network, description, parameters };
  const files = huggingFaceFiles(source, encodeModel(checkpoint, precision), { precision });
  return zipOf([...files].map(([path, content]) => ({ path: `hugging-face/${path}`, content })));
}

addEventListener('message', ({ data }: MessageEvent<ExportRequest>) => {
  const tell = (reply: ExportReply): void => postMessage(reply);
  archiveOf(data).then(
    (archive) => tell({ type: 'archive', archive }),
    (error: unknown) => tell({ type: 'error', error: sentError(error) }),
  );
});
