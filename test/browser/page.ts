/*
 * What test/browser.test.ts has a browser do: find the face in a picture and read its expression, with the same code as
 * in Node. Only what Node brings is another's here: ONNX Runtime (WebAssembly), the decoder (the browser's own).
 */
import type { Preprocessing } from '../../src/common/preprocessing.js';
import { loadFaceDetector } from '../../src/detect/index.js';
import { logSoftmax } from '../../src/metrics/log-softmax.js';
import type { Classifier } from '../../src/recognize/classifier.js';
import { CropClassifier } from '../../src/recognize/crop-classifier.js';
import { recognizeAll } from '../../src/recognize/pipeline.js';
import type { Recognition } from '../../src/recognize/recognition.js';
import { CpuSession, floats, hostTensor } from '../../src/runtime/index.js';
import { decodeImage as decode } from '../../src/web/decode/decode-image.js';
import { useAddresses } from '../../src/web/host/addresses.js';

/** What the server tells of the network in `classifier.onnx`. */
export type Described = Pick<Classifier, 'labels' | 'preprocessing' | 'description'>;

/** What the page sends back. */
export interface Seen {
  readonly results?: readonly Recognition[];
  readonly error?: string;
}

const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(path)).arrayBuffer());

async function loadClassifier(described: Described, model: Uint8Array): Promise<Classifier> {
  const session = await CpuSession.load(model);
  const { channels, imageSize }: Preprocessing = described.preprocessing;
  return {
    ...described,
    async classify(images, n) {
      const input = hostTensor('float32', images, [n, channels, imageSize, imageSize]);
      const logits = floats((await session.run(new Map([['pixel_values', input]]))).get('logits'));
      const classes = described.labels.labels.length;
      const rows = Array.from({ length: n }, (_, i) => logSoftmax(logits.subarray(i * classes, (i + 1) * classes)));
      return { logits, probabilities: Float32Array.from(rows.flat(), Math.exp) };
    },
    dispose: () => session.dispose(),
  };
}

async function look(): Promise<Recognition[]> {
  useAddresses({ onnxruntime: '/ort/' });
  const described = (await (await fetch('/description.json')).json()) as Described;
  const crops = new CropClassifier(await loadClassifier(described, await bytesOf('/classifier.onnx')));
  const detector = await loadFaceDetector({ weights: await bytesOf('/detector.onnx') });
  const pictures = ['/portrait.png', '/turned.png', '/empty.png'].map(async (path) => (await fetch(path)).blob());
  const results: Recognition[] = [];
  for await (const result of recognizeAll({ crops, detector, decode }, await Promise.all(pictures))) {
    if (result.status === 'rejected') throw result.reason;
    results.push(result.value);
  }
  await detector.dispose();
  await crops.dispose();
  return results;
}

const seen: Seen = await look().then(
  (results) => ({ results }),
  (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
);
await fetch('/seen', { method: 'POST', body: JSON.stringify(seen) });
