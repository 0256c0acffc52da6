import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UserError } from '../src/common/errors.js';
import { ferplus } from '../src/common/label-sets.js';
import { loadExplainer } from '../src/explain/explain.js';
import {
  loadModel,
  loadParameters,
  noteChannel,
  readSafetensors,
  writePth,
  writeSafetensors,
} from '../src/node/checkpoints/index.js';
import type { PickleValue } from '../src/node/checkpoints/pth/pickle-writer.js';
import { convert } from '../src/node/convert/index.js';
import { loadEmbedder } from '../src/node/measure/index.js';
import { describeCheckpoint, loadClassifier } from '../src/recognize/index.js';
import { type Tensor, toFloat32 } from '../src/safetensors/index.js';
import { saveBundledNetwork } from './support/bundled-network.js';
import { fails, succeeds } from './support/cli.js';

// The bundled weights as others save them: under other names, among other things, in folders, broken.

const dir = await mkdtemp(join(tmpdir(), 'poster-any-'));
after(() => rm(dir, { recursive: true, force: true }));
const path = (name: string): string => join(dir, name);
const portrait = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));

/** As float32, so that the runtime maps them. */
let tensors: ReadonlyMap<string, Tensor>;
let metadata: ReadonlyMap<string, string>;
const pixels = new Float32Array(48 * 48).fill(0.25);

before(async () => {
  await saveBundledNetwork(path('a.safetensors'));
  ({ tensors, metadata } = await readSafetensors(path('a.safetensors')));
});

type Tensors = ReadonlyMap<string, Tensor>;
type State = ReadonlyMap<string, PickleValue>;
const renamed = (change: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [change(name), tensor]));

async function save(
  name: string,
  content: Tensors,
  root: (state: State) => Record<string, PickleValue> = Object.fromEntries,
): Promise<string> {
  if (name.endsWith('.safetensors')) await writeSafetensors(path(name), content);
  else {
    await writePth(path(name), (storages) => {
      const state = new Map([...content].map(([key, tensor]) => [key, storages.tensor(tensor)]));
      return new Map(Object.entries(root(state)));
    });
  }
  return path(name);
}

async function logitsOf(file: string): Promise<number[]> {
  const classifier = await loadClassifier(file, { assumed: { labels: ferplus } });
  const { logits } = await classifier.classify(pixels, 1);
  await classifier.dispose();
  return [...logits];
}

async function notesOf(use: () => Promise<unknown>): Promise<unknown[]> {
  const notes: unknown[] = [];
  const listen = (note: unknown): number => notes.push(note);
  noteChannel.subscribe(listen);
  try {
    await use();
  } finally {
    noteChannel.unsubscribe(listen);
  }
  return notes;
}

describe('weights under other names', () => {
  it('prefixes are found, in files of both formats', async () => {
    const expected = await logitsOf(path('a.safetensors'));
    const { parameters } = await loadParameters(path('a.safetensors'));
    const prefixes = ['module.', '_orig_mod.', 'model.net.module.'];
    for (const prefix of prefixes) {
      for (const ending of ['safetensors', 'pth']) {
        const file = await save(
          `prefixed.${ending}`,
          renamed((name) => prefix + name),
        );
        assert.deepEqual((await loadParameters(file)).parameters, parameters, `${prefix} in .${ending}`);
        // To open a network for each takes long.
        if (prefix === prefixes.at(-1)) assert.deepEqual(await logitsOf(file), expected, `${prefix} in .${ending}`);
      }
    }
    const inside = renamed((name) => name.replace(/^(VIT|ir_back)\./, '$1._orig_mod.'));
    assert.deepEqual(await logitsOf(await save('inside.safetensors', inside)), expected);
    const { source } = await convert(path('prefixed.safetensors'), path('b.safetensors'), {
      assumed: { labels: ferplus },
    });
    assert.deepEqual(source.surplus, []);
    assert.deepEqual(
      [...(await loadParameters(path('prefixed.pth'))).parameters.keys()].toSorted(),
      [...tensors.keys()].toSorted(),
    );
  });

  it('surplus is told and ignored, in files of both formats', async () => {
    const expected = await logitsOf(path('a.safetensors'));
    const double: Tensor = { dtype: 'F64', shape: [1], data: new Uint8Array(8) };
    const counted = new Map([
      ...renamed((name) => `module.${name}`),
      ...['total_ops', 'module.total_params', 'module.face_landback.total_ops'].map((name) => [name, double] as const),
      ['optimizer.exp_avg.0', double],
    ]);
    for (const name of ['counted.safetensors', 'counted.pth']) {
      const file = await save(name, counted, (state) => ({ state_dict: state, epoch: 3 }));
      let logits: number[] = [];
      const notes = await notesOf(async () => {
        logits = await logitsOf(file);
      });
      assert.deepEqual(logits, expected);
      assert.equal(notes.length, 1);
      assert.match(
        String(notes[0]),
        /holds 4 more tensors than its network reads \(.*total_ops.* and 1 more\): they are ignored/,
      );
      const { notes: conversionNotes } = await convert(file, path('c.safetensors'), { assumed: { labels: ferplus } });
      assert.match(
        conversionNotes.map(({ sentence }) => sentence).join(),
        /Left out, since the network does not read it: .*total_ops/,
      );
    }
    const both = new Map([...renamed((name) => `model.${name}`), ...renamed((name) => `ema_model.${name}`)]);
    const notes = await notesOf(async () =>
      assert.deepEqual(await logitsOf(await save('both.safetensors', both)), expected),
    );
    assert.match(String(notes[0]), /holds 347 more tensors .*ema_model\./);
  });

  it('weights are found under the usual keys', async () => {
    const expected = await logitsOf(path('a.safetensors'));
    const { parameters } = await loadParameters(path('a.safetensors'));
    const keys = ['state_dict', 'model', 'model_state_dict', 'net', 'ema', 'params', 'weights'];
    for (const key of keys) {
      const file = await save('keyed.pth', tensors, (state) => ({ epoch: 1, [key]: state }));
      assert.deepEqual((await loadParameters(file)).parameters, parameters, key);
      // To open a network for each takes long.
      if (key === keys.at(-1)) assert.deepEqual(await logitsOf(file), expected, key);
    }
  });

  it('what is missing or odd is named without --model', async () => {
    const lacking = new Map(tensors);
    lacking.delete('VIT.norm.weight');
    const file = await save('lacking.pth', lacking);
    const sentence = /its tensors are nearly a poster-v2-nano, but it has no VIT\.norm\.weight: name its network/;
    await assert.rejects(loadClassifier(file, { assumed: { labels: ferplus } }), sentence);
    await assert.rejects(convert(file, path('d.safetensors'), { assumed: { labels: ferplus } }), sentence);
  });
});

describe('a folder of weights', () => {
  it('serves wherever a checkpoint does', async () => {
    const expected = await logitsOf(path('a.safetensors'));
    await convert(path('a.safetensors'), path('folder/'));
    assert.deepEqual(await logitsOf(path('folder')), expected);
    // Other programs save weights again without their metadata; config.json says the same.
    await writeSafetensors(path('folder/model.safetensors'), tensors);
    assert.equal((await describeCheckpoint(path('folder'))).labels.name, 'FER+');
    assert.equal((await describeCheckpoint(path('folder/model.safetensors'))).labels.name, 'FER+');
    assert.equal((await loadParameters(path('folder'))).description?.model.name, 'poster-v2-nano');
    const { stdout } = await succeeds(['predict', portrait, '--aligned', '--checkpoint', 'folder'], dir);
    assert.match(stdout, /happiness/);
    await mkdir(path('run'));
    await writeSafetensors(path('run/best.safetensors'), tensors, metadata);
    assert.deepEqual(await logitsOf(path('run/')), expected);
    await mkdir(path('nothing'));
    await fails(
      ['predict', portrait, '--aligned', '--checkpoint', 'nothing'],
      dir,
      3,
      /nothing is a folder without weights \(model\.safetensors, pytorch_model\.bin, best\.safetensors\)/,
    );
  });
});

describe('weights that are not finite numbers', () => {
  const name = 'ir_back.body2.0.res_layer.1.weight';

  /** The same with one value of one kernel replaced. */
  function broken(value: number): Map<string, Tensor> {
    const tensor = tensors.get(name);
    assert.ok(tensor !== undefined);
    const values = toFloat32(tensor, name).slice();
    values[7] = value;
    return new Map([...tensors, [name, { ...tensor, data: new Uint8Array(values.buffer) }]]);
  }

  it('are refused wherever a network is opened', async () => {
    const refused = (open: () => Promise<unknown>): Promise<void> =>
      assert.rejects(open, (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, new RegExp(`tensor "${name}" holds values that are not finite numbers`));
        return true;
      });
    const assumed = { labels: ferplus };
    await writeSafetensors(path('broken.safetensors'), broken(Number.NEGATIVE_INFINITY), metadata);
    await refused(() => loadClassifier(path('broken.safetensors'), { assumed }));
    await assert.rejects(loadModel(path('broken.safetensors')), /not finite numbers/);
    await writeSafetensors(path('broken.safetensors'), broken(Number.NaN), metadata);
    await save('broken.pth', broken(Number.NaN));
    for (const file of [path('broken.safetensors'), path('broken.pth')]) {
      await refused(() => loadClassifier(file, { assumed }));
      await refused(() => loadExplainer(file, { assumed }));
      await refused(() => loadEmbedder(file, { assumed }));
      await refused(() => convert(file, path('x.onnx'), { assumed }));
    }
    await assert.rejects(loadModel(path('broken.safetensors')), /not finite numbers/);
    await fails(
      ['predict', portrait, '--checkpoint', 'broken.safetensors'],
      dir,
      3,
      /not finite numbers, as after training/,
    );
  });

  it('are told where only the logits show it', async () => {
    // Finite each, and their products are not.
    const head = 'VIT.head.linear.weight';
    const shape = tensors.get(head)?.shape ?? [];
    const huge = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(3e38);
    const content = new Map([...tensors, [head, { dtype: 'F32', shape, data: new Uint8Array(huge.buffer) } as const]]);
    await writeSafetensors(path('huge.safetensors'), content, metadata);
    await assert.rejects(logitsOf(path('huge.safetensors')), /gives values that are not finite numbers \(logits\)/);
  });

  it('do not come from saving in half precision', async () => {
    await writeSafetensors(path('large.safetensors'), broken(70_000), metadata);
    const { notes } = await convert(path('large.safetensors'), path('half.safetensors'), { precision: 'F16' });
    assert.match(
      notes.map(({ sentence }) => sentence).join(),
      new RegExp(`Stored in F32, since half precision cannot hold their values: ${name}\\.`),
    );
    const { tensors: saved } = await readSafetensors(path('half.safetensors'));
    const kept = saved.get(name);
    assert.ok(kept !== undefined);
    assert.equal(kept.dtype, 'F32');
    assert.equal(toFloat32(kept, name)[7], 70_000);
    assert.equal(saved.get('VIT.head.linear.weight')?.dtype, 'F16');
  });
});

it('a checkpoint that is no checkpoint is refused in folders too', async () => {
  await mkdir(path('page'));
  await writeFile(path('page/pytorch_model.bin'), '<!doctype html>');
  await assert.rejects(loadClassifier(path('page')), /pytorch_model\.bin is no checkpoint but a web page/);
});
