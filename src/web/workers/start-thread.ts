import { defined } from '../../common/defined.js';
import type { FileSource } from '../../common/file-source.js';
import type { ProgressOptions } from '../../common/load-progress.js';
import type { ThreadOptions } from '../../workers/messages.js';
import { type Port, type PortEvents, threadEnded } from '../../workers/port.js';
import { copied } from '../../workers/sent-pictures.js';
import { startWorker, type WorkerProgram, workerNotStarted } from '../host/start-worker.js';
import type { ThreadSetup, WorkerMessage } from './thread-setup.js';

const program: WorkerProgram = {
  does: 'recognises pictures',
  file: 'recognition-worker.js',
  otherwise: 'load the recognizer with worker: false',
};

/**
 * Starts a worker that loads a recognizer.
 * @throws UserError (`resources`) where the browser lets none start
 */
export function startThread(
  setup: Omit<ThreadSetup, 'tellsProgress'>,
  onProgress: ProgressOptions['onProgress'],
  { reply, ended }: PortEvents,
): Port {
  const worker = startWorker(
    () => new Worker(new URL('./recognition-worker.js', import.meta.url), { type: 'module' }),
    program,
  );
  let [answered, over] = [false, false];
  const end = (reason: Error): void => {
    if (over) return;
    over = true;
    worker.terminate();
    ended(reason);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
    answered = true;
    if (data.type === 'progress') onProgress?.(data.progress);
    else reply(data);
    // It has loaded nothing, and is of no use.
    if (data.type === 'error' && data.id === null) worker.terminate();
  });
  worker.addEventListener('messageerror', () => end(threadEnded('a message could not be read')));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    // Of a file that is not loaded there is no message.
    end(answered ? threadEnded(event.message) : workerNotStarted(program, event.message));
  });
  sent(setup.options)
    .then(({ options, transfer }) => {
      if (!over) worker.postMessage({ ...setup, options, tellsProgress: onProgress !== undefined }, transfer);
    })
    .catch(end);
  return {
    post: (request, transfer) => worker.postMessage(request, [...transfer]),
    setWaiting: () => undefined,
    // With all its memory: nothing in it must be waited for.
    end: async () => end(threadEnded('')),
  };
}

/** Bytes of weights are copied, in several turns: the page keeps its own. Of addresses, which cannot be sent, their texts go. */
async function sent(
  given: ThreadOptions,
): Promise<{ readonly options: ThreadOptions; readonly transfer: ArrayBuffer[] }> {
  const { checkpoint, detectorWeights, ...rest } = given;
  const copies = { checkpoint: await copyOf(checkpoint), detectorWeights: await copyOf(detectorWeights) };
  const transfer = Object.values(copies).flatMap((one) => (one instanceof Uint8Array ? [one.buffer] : []));
  return { options: { ...rest, ...defined(copies) }, transfer };
}

async function copyOf(source: FileSource | undefined): Promise<string | Blob | Uint8Array<ArrayBuffer> | undefined> {
  if (source instanceof URL) return source.href;
  if (source instanceof ArrayBuffer) return copied(new Uint8Array(source));
  return source instanceof Uint8Array ? copied(source) : source;
}
