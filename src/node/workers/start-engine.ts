import type { RecognitionEngine, RecognizerOptions } from '../../recognize/index.js';
import { ThreadEngine } from '../../workers/thread-engine.js';
import { threadOptions } from '../../workers/thread-options.js';
import { pathOf } from '../host/read-bytes.js';
import { startThread } from './start-thread.js';

/**
 * Loads a recognizer in a worker thread of Node.
 * @throws UserError as `Recognizer.load` does; the signal's reason
 */
export async function startEngine(given: RecognizerOptions): Promise<RecognitionEngine> {
  // Addresses do not go to another thread; paths do.
  const options = threadOptions(given, (source) => (source instanceof URL ? pathOf(source) : source));
  return ThreadEngine.start((events) => startThread(options, events), { signal: given.signal });
}
