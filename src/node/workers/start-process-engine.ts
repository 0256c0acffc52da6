import { defined } from '../../common/defined.js';
import type { FileSource } from '../../common/file-source.js';
import type { RecognizerOptions } from '../../recognize/index.js';
import type { StartThread } from '../../workers/port.js';
import { lent } from '../../workers/sent-pictures.js';
import { ThreadEngine } from '../../workers/thread-engine.js';
import { threadOptions } from '../../workers/thread-options.js';
import { pathOf } from '../host/read-bytes.js';
import { type ProcessEvents, startProcess } from './start-process.js';

/** Who watches the processes of an engine. */
export interface ProcessWatch extends Pick<ProcessEvents, 'used'> {
  /** One was started, the first or one after it. */
  started(pid: number | undefined): void;
  /** One has ended, or could not be started; those who wait for its answers are told by then. */
  ended(reason: Error): void;
}

/**
 * Loads a recognizer in a process of its own: what kills native code does not end this one. Bytes of pictures must stay as they are until
 * their results are there.
 * @throws UserError as `Recognizer.load` does
 */
export async function startProcessEngine(given: RecognizerOptions, watch: ProcessWatch): Promise<ThreadEngine> {
  const { checkpoint, detectorWeights, ...rest } = threadOptions(given, (source) => source);
  const files = { checkpoint: await sentFile(checkpoint), detectorWeights: await sentFile(detectorWeights) };
  const options: RecognizerOptions = { ...rest, ...defined(files) };
  const start: StartThread = (events) => {
    const port = startProcess(options, {
      reply: events.reply,
      used: watch.used,
      ended(reason) {
        events.ended(reason);
        watch.ended(reason);
      },
    });
    watch.started(port.pid);
    return port;
  };
  return ThreadEngine.start(start, { packing: lent });
}

/** Neither addresses nor blobs go to another process; paths and bytes do. */
async function sentFile(source: FileSource | undefined): Promise<FileSource | undefined> {
  if (source instanceof URL) return pathOf(source);
  return source instanceof Blob ? source.arrayBuffer() : source;
}
