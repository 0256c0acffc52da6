/** The worker that recognises for a page: loads the networks, then answers what `recognition-thread.ts` asks. */
import '../host/no-eval.js';

import type { ProgressOptions } from '../../common/load-progress.js';
import { Recognizer } from '../../recognize/index.js';
import { loadEngine } from '../../recognize/load-engine.js';
import { served, serveRecognizer } from '../../workers/answers.js';
import type { Request } from '../../workers/messages.js';
import type { OwnerPort } from '../../workers/port.js';
import { setBaseAddress } from '../host/base-address.js';
import { configureRuntime } from '../host/onnxruntime.js';
import type { ThreadSetup, WorkerMessage } from './thread-setup.js';

const send = (message: WorkerMessage, transfer: Transferable[] = []): void => postMessage(message, { transfer });

const page: OwnerPort = {
  post: (reply, transfer) => send(reply, [...transfer]),
  listen: (callback) => addEventListener('message', ({ data }: MessageEvent<Request>) => callback(data)),
  close: () => close(),
};

function serve({ options, base, wasmPaths, tellsProgress }: ThreadSetup): Promise<void> {
  setBaseAddress(base);
  if (wasmPaths !== undefined) configureRuntime({ wasmPaths });
  return serveRecognizer(page, async () => {
    const progress: ProgressOptions = tellsProgress
      ? { onProgress: (one) => send({ type: 'progress', progress: one }) }
      : {};
    // Its options have been checked; imported by itself, the engine comes along with this file.
    return served(Recognizer.of(await loadEngine({ ...options, ...progress })));
  });
}

addEventListener('message', ({ data }: MessageEvent<ThreadSetup>) => void serve(data), { once: true });
