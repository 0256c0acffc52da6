import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { affectnet7, affectnet8, rafdb } from '../../common/label-sets.js';
import type { LabelSet } from '../../common/labels.js';
import { elements } from '../../graph/index.js';
import { buildInference, modelNamed } from '../../models/index.js';
import { type ParameterSpec, zeros } from '../../nn/index.js';
import { descriptionKey } from '../../safetensors/description-key.js';
import { formatDescription, fromFloat32 } from '../../safetensors/index.js';
import { writeSafetensors } from '../checkpoints/index.js';
import { type InitReport, type InitSource, initialParameters } from './init.js';

/** A network of one tensor a part, and a head of two columns. */
const shapes = {
  'ir_back.body1.0.weight': [2, 3],
  'ir_back.body2.0.weight': [4],
  'face_landback.conv1.bn.running_var': [2],
  'VIT.head.linear.weight': [7, 2],
  'VIT.head.linear.bias': [7],
} as const;
const specs: ReadonlyMap<string, ParameterSpec> = new Map(
  Object.entries(shapes).map(([name, shape]) => [name, { name, shape, init: zeros, role: 'weight', trained: true }]),
);
/** `first`, `first` + 1, ... */
const counted = (shape: readonly number[], first: number) => ({
  shape,
  data: Float32Array.from({ length: elements(shape) }, (_, i) => first + i),
});

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-init-'));
});
after(() => rm(dir, { recursive: true, force: true }));

type Shapes = Readonly<Record<string, readonly number[]>>;

/** What a file with these labels says about itself. */
function described(labels: LabelSet): string {
  const preprocessing = { imageSize: 8, channels: 1, mean: [0], std: [1] } as const;
  return formatDescription({ model: { name: 'any', config: {} }, labels, preprocessing });
}

/** Begins with a file of tensors that count from 10, 20, ... */
async function begin(
  part: InitSource['part'],
  tensors: Shapes,
  labels: LabelSet = rafdb,
  own?: LabelSet,
  assumed?: InitSource['labels'],
) {
  const path = join(dir, 'weights.safetensors');
  const arrays = new Map(Object.entries(tensors).map(([name, shape], i) => [name, counted(shape, 10 * (i + 1))]));
  const metadata = new Map(own === undefined ? [] : [[descriptionKey, described(own)]]);
  await writeSafetensors(path, new Map([...arrays].map(([name, array]) => [name, fromFloat32(array)])), metadata);
  const values = new Map(Object.entries(shapes).map(([name, shape]) => [name, new Float32Array(elements(shape))]));
  const report: InitReport = await initialParameters(
    { part, path, ...(assumed === undefined ? {} : { labels: assumed }) },
    family,
    specs,
    values,
    labels,
  );
  return { report, values: (name: keyof typeof shapes): number[] => [...(values.get(name) ?? [])] };
}

const { family } = modelNamed('poster-v2').network;

describe('weights to begin with', () => {
  it('ir50: by the name in its own file and by shape; the rest is told with its reason', async () => {
    const { report, values } = await begin('ir50', {
      'body1.0.weight': [2, 3],
      'body2.0.weight': [5],
      'body4.0.weight': [2],
      'output_layer.3.weight': [2, 2],
    });
    assert.deepEqual(report.taken, ['ir_back.body1.0.weight']);
    assert.deepEqual(values('ir_back.body1.0.weight'), [10, 11, 12, 13, 14, 15]);
    assert.deepEqual(values('ir_back.body2.0.weight'), [0, 0, 0, 0]);
    assert.deepEqual(report.left, [
      { name: 'body2.0.weight', reason: 'of another shape', detail: '[5] instead of [4]' },
      { name: 'body4.0.weight', reason: 'not in this network' },
      { name: 'output_layer.3.weight', reason: 'never read by the network' },
    ]);
    assert.deepEqual(report.fresh, ['ir_back.body2.0.weight']);
  });

  it("landmark: with DataParallel's prefix", async () => {
    const { report, values } = await begin('landmark', { 'module.conv1.bn.running_var': [2] });
    assert.deepEqual([report.taken, report.left, report.fresh], [['face_landback.conv1.bn.running_var'], [], []]);
    assert.deepEqual(values('face_landback.conv1.bn.running_var'), [10, 11]);
  });

  it('a part of a whole network', async () => {
    const whole = { 'module.face_landback.conv1.bn.running_var': [2], 'module.ir_back.body1.0.weight': [2, 3] };
    const { report, values } = await begin('landmark', whole);
    assert.deepEqual(report.taken, ['face_landback.conv1.bn.running_var']);
    assert.deepEqual(report.left, [{ name: 'ir_back.body1.0.weight', reason: 'of another part' }]);
    assert.deepEqual(values('ir_back.body1.0.weight'), [0, 0, 0, 0, 0, 0]);
  });

  it("ir50: POSTER's file counts the units of all three stages through", async () => {
    const names = [...buildInference(modelNamed('poster-v2').network).parameters.keys()].filter((name) =>
      name.startsWith('ir_back.'),
    );
    assert.equal(names.length, 247);
    const starts = [0, 3, 7];
    const theirs = (name: string): string =>
      name
        .replace('ir_back.', '')
        .replace(/^body([123])\.(\d+)/, (_, stage, unit) => `body.${(starts[Number(stage) - 1] ?? 0) + Number(unit)}`);
    const path = join(dir, 'theirs.safetensors');
    const tensors = names.map((name, i) => [theirs(name), fromFloat32(counted([1], i))] as const);
    assert.ok(tensors.some(([name]) => name === 'body.20.res_layer.4.weight'));
    await writeSafetensors(path, new Map(tensors));
    const small = new Map(
      names.map((name) => [name, { name, shape: [1], init: zeros, role: 'weight', trained: true } as const]),
    );
    const values = new Map(names.map((name) => [name, new Float32Array(1)]));
    const { taken, left, fresh } = await initialParameters({ part: 'ir50', path }, family, small, values, rafdb);
    assert.deepEqual([taken.length, left, fresh], [247, [], []]);
    assert.deepEqual(
      names.map((name) => values.get(name)?.[0]),
      names.map((_, i) => i),
    );
  });

  it('a named part that brings next to nothing is refused, and so is a value that is no number', async () => {
    const more = { ...shapes, 'ir_back.body3.0.weight': [3] };
    const wide = new Map(
      Object.entries(more).map(([name, shape]) => [
        name,
        { name, shape, init: zeros, role: 'weight', trained: true } as const,
      ]),
    );
    const path = join(dir, 'little.safetensors');
    await writeSafetensors(path, new Map([['body2.0.weight', fromFloat32(counted([4], 0))]]));
    const values = (): Map<string, Float32Array> =>
      new Map([...wide.values()].map(({ name, shape }) => [name, new Float32Array(elements(shape))]));
    await assert.rejects(
      initialParameters({ part: 'ir50', path }, family, wide, values(), rafdb),
      /has 1 tensors of this network's ir50 part and lacks most \(such as ir_back\.body1\.0\.weight\): it is of another/,
    );
    const broken = fromFloat32({ shape: [4], data: Float32Array.of(1, Number.NaN, 3, 4) });
    await writeSafetensors(path, new Map([['ir_back.body2.0.weight', broken]]));
    await assert.rejects(
      initialParameters({ part: 'network', path }, family, wide, values(), rafdb),
      /tensor "ir_back\.body2\.0\.weight" holds values that are not finite numbers/,
    );
  });

  const head = { 'VIT.head.linear.weight': [7, 2], 'VIT.head.linear.bias': [7] };

  it("the head's rows follow the labels", async () => {
    const same = await begin('network', head, rafdb, rafdb);
    assert.deepEqual(same.values('VIT.head.linear.bias'), [20, 21, 22, 23, 24, 25, 26]);
    assert.equal(same.report.note, undefined);
    const turned = await begin('network', head, affectnet7, rafdb);
    // Neutral, Happy, Sad, Surprise, Fear, Disgust, Anger by their places in RAF-DB's order.
    assert.deepEqual(turned.values('VIT.head.linear.bias'), [26, 23, 24, 20, 21, 22, 25]);
    assert.deepEqual(turned.values('VIT.head.linear.weight').slice(0, 4), [22, 23, 16, 17]);
    assert.match(turned.report.note ?? '', /in the order of the data's labels/);
  });

  it('a head for other classes begins anew, said in a sentence', async () => {
    const more = { ...head, 'ir_back.body2.0.weight': [4] };
    const { report, values } = await begin('network', more, affectnet8, rafdb);
    assert.deepEqual(report.taken, ['ir_back.body2.0.weight']);
    assert.deepEqual(report.left[0], {
      name: 'VIT.head.linear.weight',
      reason: 'for other classes',
      detail: '7 of RAF-DB, and the data has 8 of AffectNet-8',
    });
    assert.ok(values('VIT.head.linear.bias').every((value) => value === 0));
    assert.equal(
      report.note,
      "The file's head is for other classes (7 of RAF-DB, and the data has 8 of AffectNet-8): it starts from random values.",
    );
    const wide = { 'VIT.head.linear.weight': [7, 3], 'VIT.head.linear.bias': [7], 'ir_back.body2.0.weight': [4] };
    const { report: wider } = await begin('network', wide, rafdb, rafdb);
    assert.deepEqual(wider.taken, ['ir_back.body2.0.weight'], 'no offsets without their matrix');
    assert.equal(
      wider.note,
      "The file's head is of another width (3, and this network's is 2): it starts from random values.",
    );
    const { report: fewer } = await begin('network', { ...more, 'VIT.head.linear.weight': [8, 2] });
    assert.match(fewer.note ?? '', /for other classes \(8, and the data has 7\)/);
  });

  const body = { ...head, 'ir_back.body2.0.weight': [4] };
  const numbers: LabelSet = { name: 'faces', labels: ['1', '2', '3', '4', '5', '6', '7'] };

  it('a head whose classes nobody names begins anew, and is taken when they are named', async () => {
    const { report, values } = await begin('network', body);
    assert.deepEqual(report.taken, ['ir_back.body2.0.weight']);
    assert.equal(report.left[0]?.reason, 'in an unknown order of classes');
    assert.ok(values('VIT.head.linear.bias').every((value) => value === 0));
    assert.match(
      report.note ?? '',
      /does not say which class.*starts from random values.*trained with \(RAF-DB, AffectNet-7, CAER-S, FER2013\)/,
    );
    assert.deepEqual(report.settings, ['initLabels']);
    const named = await begin('network', body, affectnet7, undefined, rafdb);
    assert.deepEqual(named.values('VIT.head.linear.bias'), [26, 23, 24, 20, 21, 22, 25]);
    const indexed = await begin('network', body, affectnet7, undefined, 'data');
    assert.deepEqual(indexed.values('VIT.head.linear.bias'), [20, 21, 22, 23, 24, 25, 26]);
  });

  it('numbers do not name classes', async () => {
    for (const [data, own] of [
      [numbers, rafdb],
      [rafdb, numbers],
    ] as const) {
      const { report } = await begin('network', body, data, own);
      assert.deepEqual(report.taken, ['ir_back.body2.0.weight']);
      assert.match(report.note ?? '', /starts from random values.*in the same order, 'data'/);
      assert.ok(report.settings?.includes('initLabels'));
      assert.equal((await begin('network', body, data, own, 'data')).report.taken.length, 3);
    }
    assert.equal((await begin('network', body, numbers, numbers)).report.taken.length, 3);
  });

  it('the labels said must be those of the file', async () => {
    await assert.rejects(
      begin('network', body, rafdb, rafdb, affectnet7),
      /says that its labels are .*; leave out that they are those of Aff/,
    );
    await assert.rejects(begin('network', body, rafdb, undefined, affectnet8), /has 7 outputs, and AffectNet-8 has 8/);
    // The same in another order, and others.
    for (const data of [affectnet7, affectnet8]) {
      await assert.rejects(begin('network', body, data, rafdb, 'data'), {
        message:
          /says that its labels are Surprise, .*, and the data's are Neutral, .*; leave out that they are the same/,
        settings: ['initLabels'],
      });
    }
    assert.equal((await begin('network', body, rafdb, rafdb, 'data')).report.note, undefined);
  });

  it('labels of a file without a head change nothing, said in a sentence', async () => {
    for (const said of [rafdb, 'data'] as const) {
      const { report } = await begin('network', { 'ir_back.body2.0.weight': [4] }, rafdb, undefined, said);
      assert.match(report.note ?? '', /^The file has no head for this network, so the labels .* change nothing\.$/);
      assert.deepEqual(report.settings, ['initLabels']);
    }
    assert.equal((await begin('network', { 'ir_back.body2.0.weight': [4] })).report.note, undefined);
  });

  it("config.json speaks for a Hugging Face folder's weights that were saved again", async () => {
    const folder = await mkdtemp(join(dir, 'folder-'));
    const path = join(folder, 'model.safetensors');
    const tensors = Object.entries(head).map(([name, shape]) => [name, fromFloat32(counted(shape, 0))] as const);
    await writeSafetensors(path, new Map(tensors), new Map());
    await writeFile(join(folder, 'config.json'), JSON.stringify({ poster_v2: JSON.parse(described(affectnet7)) }));
    const values = new Map(Object.entries(shapes).map(([name, shape]) => [name, new Float32Array(elements(shape))]));
    const { note } = await initialParameters({ part: 'network', path }, family, specs, values, rafdb);
    assert.match(note ?? '', /in the order of the data's labels/);
  });

  it('nothing that fits is an error', async () => {
    await assert.rejects(
      begin('ir50', { 'conv1.weight': [2] }),
      /no tensor with a name and shape of this network's ir50 part \(conv1\.weight is not in this network\); choose/,
    );
  });
});
