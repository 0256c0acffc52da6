/** The thread that recognises for another one: loads the networks, then answers what `recognition-thread.ts` asks. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { explainFaces } from '../../explain/index.js';
import { sharePictureMemory } from '../../image/picture-memory.js';
import { Recognizer } from '../../recognize/index.js';
import { type Served, serveRecognizer } from '../../workers/answers.js';
import type { Request } from '../../workers/messages.js';
import type { OwnerPort } from '../../workers/port.js';
import { noteChannel } from '../checkpoints/index.js';
import { host } from '../host/host.js';
import { NativeWork } from './native-work.js';
import { type ThreadData, transferList } from './thread-data.js';
import { told } from './work-done.js';

/** The recognizer, whose calls of native libraries are counted. */
async function load({ options, nativeWork, workDone }: ThreadData): Promise<Served> {
  const work = new NativeWork(nativeWork);
  const loaded = await work.do(() => Recognizer.load(options));
  const { classifier, detector, lowContrast } = loaded;
  const recognizer = Recognizer.of({
    classifier: {
      ...classifier,
      classify: (images, n) => told(workDone, 'network', n, () => work.do(() => classifier.classify(images, n))),
    },
    decode: (image, request) => told(workDone, 'decode', 1, () => host.decodeImage(image, request)),
    lowContrast,
    ...(detector === undefined
      ? {}
      : {
          detector: {
            ...detector,
            detect: (picture, detect) =>
              told(workDone, 'detect', 1, () => work.do(() => detector.detect(picture, detect))),
            follow: (picture, faces, minScore) => work.do(() => detector.follow(picture, faces, minScore)),
          },
        }),
  });
  return {
    recognizer,
    explainFaces: (source, asked) => work.do(() => explainFaces(loaded, source, asked)),
    async dispose() {
      await recognizer.dispose();
      // With what it loaded to explain.
      await loaded.dispose();
    },
  };
}

function ownerPort(port: MessagePort): OwnerPort {
  return {
    post: (reply, transfer) => port.postMessage(reply, transferList(transfer)),
    listen: (callback) => port.on('message', (request: Request) => callback(request)),
    close: () => port.close(),
  };
}

async function serve(port: OwnerPort, data: ThreadData): Promise<void> {
  sharePictureMemory(data.memory, data.account);
  noteChannel.subscribe((sentence) => port.post({ type: 'note', sentence: String(sentence) }, []));
  await serveRecognizer(port, () => load(data));
}

if (parentPort !== null) void serve(ownerPort(parentPort), workerData);
