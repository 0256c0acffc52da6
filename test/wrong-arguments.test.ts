import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as checkpoints from '../src/entries/checkpoints.js';
import * as data from '../src/entries/data.js';
import * as library from '../src/entries/node.js';
import * as report from '../src/entries/report.js';

// What programs without types pass by mistake: a variable that was never set, an object in place of a path. Each is a sentence.

const nothings: readonly unknown[] = [undefined, null, {}, 5, Number.NaN];
const detached = new Uint8Array(8);
structuredClone(detached, { transfer: [detached.buffer] });

type Given = readonly unknown[];
interface Case {
  readonly call: object;
  /** Arguments with the wrong value among them. */
  readonly given: (wrong: unknown) => Given;
  readonly message: RegExp;
}
const first = (wrong: unknown): Given => [wrong];
const second = (wrong: unknown): Given => ['there.safetensors', wrong];

const file = /^The checkpoint is .*, not a file; pass a path, a URL or the bytes of a file\.$/;
const path = (what: string): RegExp => new RegExp(`^${what} is .*; give a path as a text\\.$`);

const cases: Readonly<Record<string, Case>> = {
  loadClassifier: { call: library.loadClassifier, given: first, message: file },
  loadExplainer: { call: library.loadExplainer, given: first, message: file },
  loadLandmarkDetector: { call: library.loadLandmarkDetector, given: first, message: file },
  describeCheckpoint: { call: library.describeCheckpoint, given: first, message: file },
  explain: { call: library.explain, given: first, message: /^explain needs an explainer/ },
  explainFaces: { call: library.explainFaces, given: first, message: /^explainFaces needs a recognizer/ },
  detectLandmarks: { call: library.detectLandmarks, given: first, message: /^detectLandmarks needs a landmark/ },
  loadModel: { call: checkpoints.loadModel, given: first, message: path('The checkpoint') },
  loadParameters: { call: checkpoints.loadParameters, given: first, message: path('The checkpoint') },
  readCheckpointFile: { call: checkpoints.readCheckpointFile, given: first, message: path('The checkpoint') },
  readCheckpointHeader: { call: checkpoints.readCheckpointHeader, given: first, message: path('The checkpoint') },
  readSource: { call: checkpoints.readSource, given: first, message: path('The checkpoint') },
  readDescription: { call: checkpoints.readDescription, given: first, message: path('The file to be read') },
  readHeader: { call: checkpoints.readHeader, given: first, message: path('The file to be read') },
  readSafetensors: { call: checkpoints.readSafetensors, given: first, message: path('The file to be read') },
  writeSafetensors: {
    call: checkpoints.writeSafetensors,
    given: (wrong) => [wrong, new Map()],
    message: path('The file to be written'),
  },
  'convert from': { call: checkpoints.convert, given: (wrong) => [wrong, 'a.onnx'], message: path('The checkpoint') },
  'convert to': { call: checkpoints.convert, given: second, message: path('The file to be written') },
  loadDataset: { call: data.loadDataset, given: first, message: path('The folder of the dataset') },
  checkDataset: { call: data.checkDataset, given: first, message: path('The folder of the dataset') },
  splitsOf: { call: data.splitsOf, given: first, message: path('The folder of the dataset') },
  findSplit: {
    call: data.findSplit,
    given: (wrong) => [wrong, 'test'],
    message: path('The folder of the dataset'),
  },
  'findSplit by its name': { call: data.findSplit, given: second, message: /^The split is .*; give its name, such as/ },
  prepareDataset: {
    call: data.prepareDataset,
    given: (wrong) => ['raf-db', wrong, 'out'],
    message: path('The folder of the release'),
  },
  'prepareDataset of an unknown one': {
    call: data.prepareDataset,
    given: first,
    message: /^There is no dataset '.*' to prepare; known are raf-db/,
  },
  cropDataset: {
    call: data.cropDataset,
    given: (wrong) => [{}, '.', 'out', wrong],
    message: /^cropDataset needs 'template'; give an object\.$/,
  },
  'cropDataset of a folder': {
    call: data.cropDataset,
    given: (wrong) => [{}, wrong, 'out', { template: {}, size: 112 }],
    message: path('The folder of pictures'),
  },
  decodePicture: { call: data.decodePicture, given: first, message: /^The picture is .*, not a picture; pass a path/ },
  decodeWithAlpha: { call: data.decodeWithAlpha, given: first, message: /^The picture is .*, not a picture/ },
  readPicture: { call: data.readPicture, given: first, message: path('The picture') },
  readRun: { call: report.readRun, given: first, message: path('The folder of the run') },
};

for (const [name, { call, given, message }] of Object.entries(cases)) {
  test(`${name} says in a sentence what it was not given`, async () => {
    for (const wrong of nothings) {
      await assert.rejects(
        async () => {
          assert.ok(typeof call === 'function');
          await Reflect.apply(call, undefined, [...given(wrong)]);
        },
        { name: 'UserError', kind: 'usage', message },
      );
    }
  });
}

test('weights in memory that was given to another thread are told as such', async () => {
  for (const load of [library.loadClassifier, library.loadExplainer, library.describeCheckpoint]) {
    for (const source of [detached, detached.buffer]) {
      await assert.rejects(load(source), { name: 'UserError', message: /given to another thread; pass a copy\.$/ });
    }
  }
});

test('a label set of a name that is none is told so', () => {
  for (const wrong of nothings) {
    assert.throws(() => Reflect.apply(library.labelSetNamed, undefined, [wrong]), /^UserError: There is no label set/);
  }
});

test('options of a conversion that nobody knows are refused, not taken for the defaults', async () => {
  for (const [options, message] of [
    [
      { to: 'tflite' },
      /^The option 'to' of convert cannot be tflite; give one of pth, safetensors, onnx, huggingface\./,
    ],
    [{ precision: 'f16' }, /^The option 'precision' of convert cannot be f16; give F32 or F16\./],
    [{ prefer: 'common' }, /^The option 'prefer' of convert cannot be common; give accuracy or rare\./],
    [{ opset: Number.NaN }, /^The option 'opset' of convert cannot be NaN; give one of 17, /],
    [{ recorderEpochs: 0.5 }, /^The option 'recorderEpochs' of convert cannot be 0\.5; give a whole number/],
    [{ format: 'pth' }, /^convert has no option 'format'; its options are to, /],
  ] as const) {
    const asked = Reflect.apply(checkpoints.convert, undefined, ['a.safetensors', 'b.onnx', options]);
    await assert.rejects(asked, { name: 'UserError', kind: 'usage', message });
  }
  assert.throws(
    () => Reflect.apply(checkpoints.toOnnx, undefined, [{}, { form: 'hugging face' }]),
    /give own or hugging-face/,
  );
  assert.throws(
    () => Reflect.apply(checkpoints.encodeModel, undefined, [{}, 'f16']),
    /^UserError: Weights cannot be stored in f16/,
  );
});

test('a dataset is not checked by no workers at all', async () => {
  for (const workers of [0, Number.NaN, 1.5]) {
    await assert.rejects(data.checkDataset('.', { workers }), /^UserError: A dataset cannot be checked by \S+ workers/);
  }
});
