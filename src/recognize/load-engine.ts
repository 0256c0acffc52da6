import { host } from '#host';
import { allOrNone } from '../common/all-or-none.js';
import { defined } from '../common/defined.js';
import type { FileSource } from '../common/file-source.js';
import { type DetectorOptions, loadFaceDetector } from '../detect/index.js';
import { chooseDevice } from '../runtime/index.js';
import { type ClassifierOptions, loadClassifier } from './classifier.js';
import type { RecognizerParts } from './pipeline.js';
import { LocalEngine } from './recognition-engine.js';
import type { RecognizerOptions } from './recognizer-options.js';
import { viewsOf, withViews } from './views.js';

/**
 * Loads networks into this thread.
 * @throws UserError as `Recognizer.load` does; the signal's reason
 */
export async function loadEngine(options: RecognizerOptions): Promise<LocalEngine> {
  const { device = 'cpu', threads, aligned = false, flip = false, assumed, decode, signal } = options;
  const { lowContrast = 'stretch', detectorWeights } = options;
  const loading: Pick<DetectorOptions, 'threads' | 'onProgress'> = defined({ threads, onProgress: options.onProgress });
  const detectorOptions = { ...loading, ...(detectorWeights === undefined ? {} : { weights: detectorWeights }) };
  const chosen = await chooseDevice(device);
  const network: ClassifierOptions = {
    ...loading,
    device: chosen.device,
    ...defined({ assumed, raw: options.raw, prefer: options.prefer }),
  };
  // Not kept: the host has the package's weights, and bytes of a browser's would stay in memory.
  const source = async (): Promise<FileSource> => options.checkpoint ?? host.bundledCheckpoint(loading);
  // Side by side: the runtime starts with the detector's small file while the large one still comes.
  const [classifier, detector] = await allOrNone(
    source().then((checkpoint) => loadClassifier(checkpoint, network)),
    aligned ? Promise.resolve(undefined) : loadFaceDetector(detectorOptions),
  );
  if (signal?.aborted === true) {
    await Promise.all([classifier.dispose(), detector?.dispose()]);
    throw signal.reason;
  }
  const parts = {
    classifier: flip ? withViews(classifier, viewsOf({ flip })) : classifier,
    decode: decode ?? host.decodeImage,
    lowContrast,
    ...defined<RecognizerParts>({ detector }),
  };
  return new LocalEngine(parts, { source, options: network });
}
