import { explainFaces } from '../../explain/index.js';
import { Recognizer } from '../../recognize/index.js';
import type { Served } from '../../workers/answers.js';
import type { ThreadOptions } from '../../workers/messages.js';
import { host } from '../host/host.js';
import { type Tell, timed } from './work-done.js';

/** Does a work that calls a native library. */
export type DoNative = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Loads a recognizer that answers for another thread or process.
 * @param doNative how native libraries are called
 * @param tell is told what was done; without it nobody listens
 */
export async function loadServed(options: ThreadOptions, doNative: DoNative, tell?: Tell): Promise<Served> {
  const loaded = await doNative(() => Recognizer.load(options));
  const { classifier, detector, lowContrast } = loaded;
  const recognizer = Recognizer.of({
    classifier: {
      ...classifier,
      classify: (images, n) => timed(tell, 'network', n, () => doNative(() => classifier.classify(images, n))),
    },
    decode: (image, request) => timed(tell, 'decode', 1, () => host.decodeImage(image, request)),
    lowContrast,
    ...(detector === undefined
      ? {}
      : {
          detector: {
            ...detector,
            detect: (picture, detect) =>
              timed(tell, 'detect', 1, () => doNative(() => detector.detect(picture, detect))),
            follow: (picture, faces, minScore) => doNative(() => detector.follow(picture, faces, minScore)),
          },
        }),
  });
  return {
    recognizer,
    explainFaces: (source, asked) => doNative(() => explainFaces(loaded, source, asked)),
    async dispose() {
      await recognizer.dispose();
      // With what it loaded to explain.
      await loaded.dispose();
    },
  };
}
