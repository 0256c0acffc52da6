/** The worker that writes files of weights for a page: graphs are built and checksums computed away from it. */
import '../host/no-eval.js';

import { sentError } from '../../common/sent-errors.js';
import { huggingFaceFiles } from '../../convert/index.js';
import { parseNetwork } from '../../models/index.js';
import { encodeModel, safetensorsChunks } from '../../safetensors/index.js';
import type { ExportReply, ExportRequest } from './export.js';
import { zipOf } from './zip.js';

async function fileOf({ format, checkpoint, precision }: ExportRequest): Promise<Blob> {
  if (format === 'safetensors') {
    const { tensors, metadata } = encodeModel(checkpoint, precision);
    return new Blob(Array.from(safetensorsChunks(tensors, metadata), (chunk) => new Uint8Array(chunk)));
  }
  const network = parseNetwork(checkpoint.model, 'The network to export');
  const { parameters, ...description } = checkpoint;
  const source = { network, description, parameters };
  const files = huggingFaceFiles(source, encodeModel(checkpoint, precision), { precision });
  return zipOf([...files].map(([path, content]) => ({ path: `hugging-face/${path}`, content })));
}

addEventListener('message', ({ data }: MessageEvent<ExportRequest>) => {
  const tell = (reply: ExportReply): void => postMessage(reply);
  fileOf(data).then(
    (file) => tell({ type: 'file', file }),
    (error: unknown) => tell({ type: 'error', error: sentError(error) }),
  );
});
