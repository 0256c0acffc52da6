import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { advice, type ErrorKind, UserError } from '../src/common/errors.js';
import { ferplus, rafdb } from '../src/common/label-sets.js';
import { random } from '../src/common/random.js';
import { readCheckpointFile, readSafetensors, writeSafetensors } from '../src/node/checkpoints/index.js';
import { type Converted, type ConvertOptions, convert } from '../src/node/convert/index.js';
import { loadClassifier } from '../src/recognize/index.js';
import { type Tensor, toFloat32 } from '../src/safetensors/index.js';
import { saveBundledNetwork } from './support/bundled-network.js';
import { apart, fails, succeeds } from './support/cli.js';

// `poster convert` with the bundled weights, between all formats.
const dir = await mkdtemp(join(tmpdir(), 'poster-convert-'));
after(() => rm(dir, { recursive: true, force: true }));
const path = (name: string): string => join(dir, name);

const documentSchema = z.object({
  from: z.string(),
  to: z.literal('onnx'),
  model: z.literal('poster-v2-nano'),
  labels: z.object({ labels: z.array(z.string()) }),
  tensors: z.literal(347),
  opset: z.literal(17),
  batch: z.literal('batch_size'),
  files: z.array(z.object({ path: z.string(), bytes: z.int() })),
  notes: z.array(z.string()),
});

const converted = (from: string, out: string, options?: ConvertOptions): Promise<Converted> =>
  convert(path(from), path(out), options);

before(async () => {
  // The bundled weights are half precision: as float32 they survive every way unchanged.
  const { tensors, to } = await convert(await saveBundledNetwork(path('network.safetensors')), path('a.safetensors'));
  assert.deepEqual([tensors, to], [347, 'safetensors']);
});

const same = async (one: string, other: string): Promise<void> =>
  assert.ok((await readFile(path(one))).equals(await readFile(path(other))), `${one} and ${other} differ`);

describe('poster convert', () => {
  it('to PyTorch and back, to the byte', async () => {
    const { notes, tensors } = await converted('a.safetensors', 'b.pth');
    assert.match(
      notes.map(({ sentence }) => sentence).join(),
      /The published code has no network of these sizes, so it does not take this file/,
    );
    await converted('b.pth', 'b.safetensors');
    await same('a.safetensors', 'b.safetensors');
    await converted('b.safetensors', 'c.pth.tar');
    await same('b.pth', 'c.pth.tar');
    const { tensors: written, extra, format } = await readCheckpointFile(path('b.pth'));
    assert.deepEqual([format, written.size], ['pth-zip', tensors]);
    assert.ok(typeof extra === 'object' && extra !== null && !Array.isArray(extra));
    assert.deepEqual(Object.keys(extra), ['epoch', 'best_acc', 'optimizer', 'recorder1', 'recorder']);
    const index = written.get('attn3.relative_position_index');
    assert.deepEqual([index?.dtype, index?.shape], ['I64', [9, 9]]);
  });

  it('to a Hugging Face folder and back, to the byte', async () => {
    const { to, files, opset } = await converted('a.safetensors', 'folder/');
    assert.deepEqual([to, opset], ['huggingface', 21]);
    const names = ['config.json', 'preprocessor_config.json', 'model.safetensors', 'onnx/model.onnx', 'README.md'];
    assert.deepEqual(
      files,
      names.map((name) => path(`folder/${name}`)),
    );
    await converted('a.safetensors', 'folder');
    await converted('folder', 'd.safetensors');
    await same('a.safetensors', 'd.safetensors');
    const config = z
      .object({ id2label: z.record(z.string(), z.string()), label2id: z.record(z.string(), z.int()) })
      .loose()
      .parse(JSON.parse(await readFile(path('folder/config.json'), 'utf8')));
    assert.equal(config.id2label['1'], 'happiness');
    assert.equal(config.label2id['happiness'], 1);
    assert.equal(config['image_size'], 48);
    assert.equal(config['problem_type'], 'single_label_classification');
    const preprocessor: unknown = JSON.parse(await readFile(path('folder/preprocessor_config.json'), 'utf8'));
    assert.deepEqual(preprocessor, {
      image_processor_type: 'ViTImageProcessor',
      do_resize: true,
      size: { height: 48, width: 48 },
      resample: 2,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.25, 0.25, 0.25],
      do_convert_rgb: true,
    });
    // A file is not converted to the folder that holds it.
    const kept = await readFile(path('folder/model.safetensors'));
    for (const to of ['folder', 'folder/', './folder']) {
      await assert.rejects(convert(path('folder/model.safetensors'), path(to), { precision: 'F16' }), {
        kind: 'usage',
        message: /would write over .*model\.safetensors, which is to be read/,
      });
    }
    assert.deepEqual(await readFile(path('folder/model.safetensors')), kept);
    // Other programs save weights again without their metadata.
    const { tensors } = await readSafetensors(path('folder/model.safetensors'));
    await writeSafetensors(path('folder/model.safetensors'), tensors);
    await converted('folder', 'e.safetensors');
    await same('a.safetensors', 'e.safetensors');
  });

  it('to an ONNX model that any runtime runs', async () => {
    const { stdout } = await succeeds(['convert', 'a.safetensors', 'm.onnx', '--opset', '17', '--json'], dir, apart);
    const { files } = documentSchema.parse(JSON.parse(stdout));
    assert.deepEqual(files, [{ path: 'm.onnx', bytes: (await stat(path('m.onnx'))).size }]);
    const n = 3;
    const pixels = Float32Array.from({ length: n * 48 * 48 }, (_, i) => random(1, i).normal());
    const session = await ort.InferenceSession.create(path('m.onnx'));
    assert.deepEqual([session.inputNames, session.outputNames], [['pixel_values'], ['logits', 'probabilities']]);
    const [input] = session.inputMetadata;
    assert.deepEqual(input?.isTensor && input.shape, ['batch_size', 1, 48, 48]);
    const { logits } = await session.run({ pixel_values: new ort.Tensor('float32', pixels, [n, 1, 48, 48]) });
    await session.release();
    const classifier = await loadClassifier(path('a.safetensors'));
    const { logits: ours } = await classifier.classify(pixels, n);
    await classifier.dispose();
    assert.ok(logits?.data instanceof Float32Array);
    const theirs = logits.data;
    const worst = Math.max(...ours.map((value, i) => Math.abs(value - (theirs[i] ?? Number.NaN))));
    assert.ok(worst < 1e-4, `logits differ by ${worst}`);
  });

  it('in half the bytes', async () => {
    for (const name of ['half.safetensors', 'half.onnx', 'half.pth']) {
      await converted('a.safetensors', name, { precision: 'F16' });
      const [half, full] = await Promise.all([name, 'a.safetensors'].map(async (one) => (await stat(path(one))).size));
      assert.ok((half ?? 0) < 0.52 * (full ?? 0), `${name}: ${half} of ${full}`);
    }
    // What was half precision before does not change.
    await converted('half.pth', 'again.safetensors');
    await same('again.safetensors', 'a.safetensors');
    const { tensors } = await readSafetensors(path('half.safetensors'));
    const name = 'VIT.head.linear.weight';
    const half = tensors.get(name);
    assert.equal(half?.dtype, 'F16');
    const whole = (await readSafetensors(path('a.safetensors'))).tensors.get(name);
    assert.deepEqual(half && toFloat32(half, name), whole && toFloat32(whole, name));
  });

  it('reads a file that does not describe itself when told what it is', async () => {
    const { tensors } = await readSafetensors(path('a.safetensors'));
    await writeSafetensors(path('plain.safetensors'), tensors);
    const known = { model: 'poster-v2-nano', labels: ferplus } as const;
    const { source } = await converted('plain.safetensors', 'plain.pth', { assumed: known });
    assert.equal(source.description.labels.labels[7], 'contempt');
    const refuses = (from: string, assumed: ConvertOptions['assumed'], sentence: RegExp): Promise<void> =>
      assert.rejects(converted(from, 'x.pth', assumed && { assumed }), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, sentence);
        return true;
      });
    await refuses('plain.safetensors', undefined, /does not say what its \d outputs mean: name the labels/);
    await refuses('plain.safetensors', { ...known, labels: rafdb }, /has 8 outputs, and RAF-DB has 7 labels/);
    await refuses('a.safetensors', { ...known, model: 'poster-v2' }, /is a poster-v2-nano, not a poster-v2; leave/);
  });

  it('leaves out what no network reads, and says so', async () => {
    const { metadata, tensors } = await readSafetensors(path('a.safetensors'));
    const count: Tensor = { dtype: 'U16', shape: [2], data: new Uint8Array(4) };
    const phase: Tensor = { dtype: 'C64', shape: [1], data: new Uint8Array(8) };
    await writeSafetensors(
      path('more.safetensors'),
      new Map([...tensors, ['count', count], ['phase', phase]]),
      metadata,
    );
    const { notes } = await converted('more.safetensors', 'less.safetensors');
    assert.deepEqual(notes, [advice('Left out, since the network does not read it: phase, count.')]);
    await same('less.safetensors', 'a.safetensors');
  });

  it('refuses what cannot be', async () => {
    const refuses = (from: string, out: string, kind: ErrorKind, sentence: RegExp, options: ConvertOptions = {}) =>
      assert.rejects(converted(from, out, options), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, sentence);
        assert.equal(error.kind, kind, error.message);
        return true;
      });
    const from = 'a.safetensors';
    await writeFile(path('x.onnx'), 'anything');
    await mkdir(path('empty'));
    await refuses(from, 'b.bin', 'usage', /The end of .*b\.bin does not say what to write/);
    await refuses(from, './a.safetensors', 'usage', /is what is to be converted/);
    await mkdir(path('dataset/train'), { recursive: true });
    await refuses(from, 'dataset', 'usage', /dataset holds other things \(train\): name a new folder/);
    await writeFile(path('dataset/config.json'), '{"model_type":"bert"}');
    await refuses(from, 'dataset/', 'usage', /dataset\/ holds other things \(config\.json, train\)/);
    await refuses(from, 'y.pth', 'input', /says that its labels are FER\+ .*, not RAF-DB/, {
      assumed: { labels: rafdb },
    });
    await refuses(from, 'y.pth', 'usage', /opset is for ONNX/, { opset: 18 });
    await refuses(from, 'y.onnx', 'usage', /nothing that an ONNX model could hold/, { deadTensors: true });
    await refuses(from, 'y.onnx', 'usage', /Recorders are for \.pth/, { recorderEpochs: 3 });
    await refuses(from, 'y.pth', 'input', /belong to the published network/, { deadTensors: true });
    await refuses(from, 'y.pth', 'input', /Recorders are for the published script/, { recorderEpochs: 3 });
    await refuses('x.onnx', 'y.pth', 'input', /x\.onnx is an ONNX model/);
    await refuses('empty', 'y.pth', 'input', /empty is a folder without weights \(model\.safetensors/);
    await refuses('missing.pth', 'y.pth', 'input', /Cannot read .*missing\.pth: there is no such file/);
    await refuses(from, 'nowhere/y.pth', 'input', /the folder .*nowhere does not exist/);
    await refuses(from, 'x.onnx/', 'input', /something else is in its place|is a file where a folder is needed/);
    await fails(['convert', from, 'y.onnx', '--opset', '16'], dir, 2, /It must be one of 17, 18/);
    await fails(
      ['convert', from, 'y.pth', '--model', 'poster-v2'],
      dir,
      3,
      /says that it is a poster-v2-nano, not a poster-v2/,
    );
    for (const name of ['y.pth', 'y.onnx']) await assert.rejects(stat(path(name)), 'nothing is left of what failed');
  });
});
