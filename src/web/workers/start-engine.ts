import type { RecognitionEngine, RecognizerOptions } from '../../recognize/index.js';
import { ThreadEngine } from '../../workers/thread-engine.js';
import { threadOptions } from '../../workers/thread-options.js';
import { baseAddress } from '../host/base-address.js';
import { runtimeFolder } from '../host/onnxruntime.js';
import { startThread } from './start-thread.js';

/**
 * Loads a recognizer in a worker of the browser.
 * @throws UserError as `Recognizer.load` does, and (`resources`) where the worker does not start; the signal's reason
 */
export async function startEngine(given: RecognizerOptions): Promise<RecognitionEngine> {
  const options = threadOptions(given, (source) => source);
  const setup = { options, base: baseAddress(), wasmPaths: runtimeFolder() };
  return ThreadEngine.start((events) => startThread(setup, given.onProgress, events), { signal: given.signal });
}
