import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetectOptions, FaceDetector } from '../detect/index.js';
import type { Picture } from '../image/index.js';
import { recognizeFrames, type TimedImage } from '../video/index.js';
import type { Classifier } from './classifier.js';
import { CropClassifier } from './crop-classifier.js';
import { imageClassification } from './image-classification.js';
import { LocalEngine } from './recognition-engine.js';
import { Recognizer } from './recognizer.js';
import type { Score } from './scores.js';
import { viewsOf, withViews } from './views.js';

const side = 4;
const labels = ['low', 'high'];

/** A network whose logit of `high` is the mean of its picture, and which says what each of its runs had. */
function counting(): { readonly classifier: Classifier; readonly runs: number[]; readonly gate: Gate } {
  const runs: number[] = [];
  const gate = new Gate();
  const preprocessing = { imageSize: side, channels: 1, mean: [0], std: [1] } as const;
  const set = { name: 'two', labels };
  const classifier: Classifier = {
    labels: set,
    preprocessing,
    description: { model: { name: 'counting', config: {} }, labels: set, preprocessing },
    async classify(images, n) {
      assert.equal(images.length, n * side * side);
      runs.push(n);
      await gate.pass();
      const means = Array.from({ length: n }, (_, i) =>
        meanOf(images.subarray(i * side * side, (i + 1) * side * side)),
      );
      const logits = Float32Array.from(means.flatMap((mean) => [0, mean]));
      return { logits, probabilities: Float32Array.from(means.flatMap((mean) => [1 - mean, mean])) };
    },
    dispose: async () => undefined,
  };
  return { classifier, runs, gate };
}

const meanOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Holds up who comes, while it is closed. */
class Gate {
  #opened: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  close(): void {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }

  pass(): Promise<void> {
    return this.#opened;
  }
}

const plain = (value: number): Picture => ({
  width: side,
  height: side,
  channels: 1,
  data: new Uint8Array(side * side).fill(value),
});
const crops = (...values: number[]): Picture[] => values.map(plain);
/** The values of the crops that scores are of. */
const valuesOf = (scores: readonly (readonly Score[])[]): number[] =>
  scores.map((row) => Math.round(255 * (row.find(({ label }) => label === 'high')?.logit ?? Number.NaN)));
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('what comes while a run is under way shares the next one, in the order of arrival', async () => {
  const { classifier, runs, gate } = counting();
  const reader = new CropClassifier(classifier);
  gate.close();
  const first = reader.classify(crops(1));
  await until(() => runs.length === 1);
  const others = [
    reader.classify(crops(2, 3, 4)),
    reader.classify([]),
    reader.classify(crops(5)),
    reader.classify(crops(6, 7)),
  ];
  await until(() => reader.waiting === 6);
  assert.deepEqual(runs, [1]);
  gate.open();
  assert.deepEqual((await Promise.all([first, ...others])).map(valuesOf), [[1], [2, 3, 4], [], [5], [6, 7]]);
  assert.deepEqual(runs, [1, 6]);
  await reader.dispose();
});

test('no run has more crops than each of its callers allows; a long list goes in several', async () => {
  const { classifier, runs } = counting();
  const reader = new CropClassifier(classifier);
  const values = Array.from({ length: 70 }, (_, i) => i);
  const many = [
    reader.classify(crops(...values)),
    reader.classify(crops(100)),
    reader.classify(crops(101, 102, 103), { batchSize: 2 }),
    reader.classify(crops(104)),
  ];
  assert.deepEqual((await Promise.all(many)).map(valuesOf), [values, [100], [101, 102, 103], [104]]);
  // 64 and 6 of the list, one beside them; the smaller batches allow no third row, and then no more than two.
  assert.deepEqual(runs, [32, 32, 7, 2, 2]);
  await assert.rejects(reader.classify(crops(1), { batchSize: 0 }), /^UserError: A batch cannot have 0 faces/);
  await reader.dispose();
});

test('what is given up while it waits costs nothing', async () => {
  const { classifier, runs, gate } = counting();
  const reader = new CropClassifier(classifier);
  gate.close();
  const first = reader.classify(crops(1));
  await until(() => runs.length === 1);
  const stop = new AbortController();
  const given = reader.classify(crops(2, 3), { signal: stop.signal });
  const kept = reader.classify(crops(4));
  stop.abort(new Error('enough'));
  await assert.rejects(given, /^Error: enough/);
  await assert.rejects(reader.classify(crops(5), { signal: stop.signal }), /^Error: enough/);
  gate.open();
  assert.deepEqual((await Promise.all([first, kept])).map(valuesOf), [[1], [4]]);
  assert.deepEqual(runs, [1, 1]);
  await reader.dispose();
});

test('a run that fails rejects those in it, and no others', async () => {
  const { classifier, gate } = counting();
  const runs: number[] = [];
  let broken = true;
  const reader = new CropClassifier({
    ...classifier,
    async classify(images, n) {
      runs.push(n);
      await gate.pass();
      if (broken && n > 1) throw new Error('out of memory');
      return classifier.classify(images, n);
    },
  });
  gate.close();
  const first = reader.classify(crops(1));
  await until(() => runs.length === 1);
  const failing = [reader.classify(crops(2)), reader.classify(crops(...Array.from({ length: 40 }, () => 3)))];
  const later = reader.classify(crops(4));
  gate.open();
  assert.deepEqual(valuesOf(await first), [1]);
  for (const one of failing) await assert.rejects(one, /^Error: out of memory/);
  assert.deepEqual(valuesOf(await later), [4]);
  broken = false;
  assert.deepEqual(valuesOf(await reader.classify(crops(5, 6))), [5, 6]);
  await reader.dispose();
});

test('disposing of it rejects what waits, and lets the run under way end', async () => {
  const { classifier, runs, gate } = counting();
  let freed = false;
  const reader = new CropClassifier({
    ...classifier,
    dispose: async () => {
      freed = true;
    },
  });
  gate.close();
  const running = reader.classify(crops(1));
  await until(() => runs.length === 1);
  const waiting = reader.classify(crops(2));
  const end = reader.dispose();
  await assert.rejects(waiting, {
    name: 'UserError',
    kind: 'usage',
    message: /^This classifier has been disposed of; load another one/,
  });
  await assert.rejects(reader.classify(crops(3)), /has been disposed of/);
  assert.equal(freed, false);
  gate.open();
  assert.deepEqual(valuesOf(await running), [1]);
  await end;
  assert.equal(freed, true);
});

/** Sees one face in every picture. */
const detector: FaceDetector = {
  async detect({ width, height }) {
    const keypoints = {
      rightEye: { x: 0.3 * width, y: 0.4 * height },
      leftEye: { x: 0.7 * width, y: 0.4 * height },
      noseTip: { x: 0.5 * width, y: 0.6 * height },
      mouth: { x: 0.5 * width, y: 0.8 * height },
      rightEar: { x: 0.1 * width, y: 0.5 * height },
      leftEar: { x: 0.9 * width, y: 0.5 * height },
    };
    return [{ box: { x: 0, y: 0, width, height }, keypoints, score: 0.9 }];
  },
  follow: async (_, faces) => [...faces],
  dispose: async () => undefined,
};

test('how faces are found is the same in videos as in pictures, unless a call says otherwise', async () => {
  const asked: DetectOptions[] = [];
  const watched: FaceDetector = {
    ...detector,
    detect: (picture, { signal: _, ...options } = {}) => {
      asked.push(options);
      return detector.detect(picture);
    },
  };
  const parts = {
    classifier: counting().classifier,
    detector: watched,
    decode: () => assert.fail('nothing is encoded'),
  };
  const recognizer = Recognizer.of(parts, { maxFaces: 1, minScore: 0.7 });
  async function* frames(): AsyncGenerator<TimedImage> {
    yield { time: 0, frame: 0, picture: plain(100) };
  }
  await recognizer.recognize(plain(100), { detect: { minScore: 0.8 } });
  for await (const { faces } of recognizeFrames(recognizer, frames(), { detect: { minScore: 0.8 } })) {
    assert.equal(faces.length, 1);
  }
  assert.deepEqual(asked, [
    { maxFaces: 1, minScore: 0.8 },
    { maxFaces: 1, minScore: 0.8, turned: false },
  ]);
  const wrong = (): unknown => Reflect.apply(Recognizer.of, Recognizer, [parts, { largest: 1 }]);
  assert.throws(wrong, /^UserError: detect has no option 'largest'/);
});

test('pictures, frames of a video and single calls side by side share runs; each gets its own', async () => {
  const { classifier, runs, gate } = counting();
  const decode = (): never => assert.fail('nothing is encoded');
  const recognizer = Recognizer.of({
    classifier: withViews(classifier, viewsOf({ flip: true })),
    detector,
    decode,
    lowContrast: 'keep',
  });
  const classify = await imageClassification(recognizer);
  type Faces = readonly { readonly scores: readonly Score[] }[];
  const shown = (faces: Faces): number[] => faces.map(({ scores }) => scores[0]?.probability ?? Number.NaN);
  const one = async (value: number): Promise<number[]> => shown((await recognizer.recognize(plain(value))).faces);
  const video = async (...values: number[]): Promise<number[]> => {
    async function* frames(): AsyncGenerator<TimedImage> {
      for (const [frame, value] of values.entries()) yield { time: frame / 10, frame, picture: plain(value) };
    }
    const results: number[] = [];
    for await (const { faces } of recognizeFrames(recognizer, frames())) results.push(...shown(faces));
    return results;
  };
  gate.close();
  const first = one(250);
  await until(() => runs.length === 1);
  const others = [
    recognizer.recognize([plain(200), plain(210)]).then((results) => results.flatMap(({ faces }) => shown(faces))),
    one(220),
    recognizer.recognizeFaces(plain(230), await detector.detect(plain(230))).then(shown),
    classify(plain(240)).then(([best]) => [best?.score ?? Number.NaN]),
    video(130, 140, 150),
  ];
  const { engine } = recognizer;
  assert.ok(engine instanceof LocalEngine);
  await until(() => engine.crops.waiting === 8);
  gate.open();
  const together = (await Promise.all([first, ...others])).flat();
  // The mirror image of each run is a run of its own.
  assert.deepEqual(runs, [1, 1, 8, 8]);
  const alone: number[] = [];
  for (const value of [250, 200, 210, 220, 230, 240, 130, 140, 150]) alone.push(...(await one(value)));
  assert.deepEqual(together, alone);
  assert.equal(new Set(alone).size, 9);
  await recognizer.dispose();
});
