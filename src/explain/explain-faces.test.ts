import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaceDetector } from '../detect/index.js';
import { LocalEngine } from '../recognize/recognition-engine.js';
import { Recognizer } from '../recognize/recognizer.js';
import { explain, loadExplainer } from './explain.js';
import { explainFaces } from './explain-faces.js';

const labels = { name: 'two', labels: ['a', 'b'] };
const preprocessing = { imageSize: 4, channels: 1, mean: [0], std: [1] } as const;
const description = { model: { name: 'fake', config: {} }, labels, preprocessing };
const gray = { width: 4, height: 4, channels: 1, data: new Uint8Array(16) } as const;
const usage = (message: RegExp) => ({ name: 'UserError', kind: 'usage', message });
const called = (f: object, ...given: readonly unknown[]): Promise<unknown> => {
  assert.ok(typeof f === 'function');
  return Reflect.apply(f, undefined, given);
};

test('what is no recognizer, explainer, detector or file is told so', async () => {
  for (const wrong of [undefined, null, {}, 'a.png', 5]) {
    await assert.rejects(called(explainFaces, wrong, gray), usage(/^explainFaces needs a recognizer/));
    await assert.rejects(called(explain, wrong, gray), usage(/^explain needs an explainer; give what loadExplainer/));
    if (wrong !== 'a.png')
      await assert.rejects(called(loadExplainer, wrong), usage(/^The checkpoint is .*, not a file/));
  }
  const explainer = { description, explain: async () => assert.fail(), dispose: async () => undefined };
  const detector: FaceDetector = {
    ...{ detect: async () => [], follow: async () => [], dispose: async () => undefined },
  };
  await assert.rejects(
    called(explainFaces, explainer, gray),
    usage(/^explainFaces with an explainer needs a face detector/),
  );
  assert.deepEqual(await explainFaces(explainer, detector, gray), []);
});

test('an explainer that cannot be loaded leaves nothing to be disposed of', async () => {
  const classifier = {
    ...{ labels, preprocessing, description },
    classify: async (_: Float32Array, n: number) => ({
      logits: new Float32Array(2 * n),
      probabilities: new Float32Array(2 * n),
    }),
    dispose: async () => undefined,
  };
  const weights = { source: () => Promise.reject(new Error('the file is gone')), options: {} };
  const engine = new LocalEngine({ classifier, decode: () => Promise.reject(new Error('no files')) }, weights);
  let kept = 0;
  engine.onDispose = () => {
    kept++;
  };
  const recognizer = Recognizer.of(engine);
  for (let call = 0; call < 3; call++) await assert.rejects(explainFaces(recognizer, gray), /the file is gone/);
  assert.equal(kept, 0);
  await recognizer.dispose();
});
