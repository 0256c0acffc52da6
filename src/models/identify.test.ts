import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import { affectnet8, ferplus, rafdb } from '../common/label-sets.js';
import { buildInference } from './build.js';
import { describeUndescribed, identifyModel, isSurplus, resolveDescription, type TensorShapes } from './identify.js';
import { posterV2Config } from './poster-v2/poster-v2-config.js';
import { deadTensors, landmarkHeadTensors } from './poster-v2/published.js';
import { modelNamed } from './registry.js';

function shapesOf(name: string, numClasses: number): Map<string, readonly number[]> {
  const { parameters } = buildInference(modelNamed(name).network.withClasses(numClasses));
  return new Map([...parameters.values()].map((spec) => [spec.name, spec.shape]));
}

test('a network is known by its tensors, with those that are never read or without', () => {
  const bare = shapesOf('poster-v2', 7);
  const head = landmarkHeadTensors(posterV2Config);
  const published = new Map([...bare, ...[...deadTensors, ...head].map(([name, { shape }]) => [name, shape] as const)]);
  for (const shapes of [bare, published]) {
    const found = identifyModel(shapes);
    assert.equal(found?.name, 'poster-v2');
    assert.equal(found?.config.numClasses, 7);
  }
  assert.equal(identifyModel(shapesOf('poster-v2-nano', 5))?.name, 'poster-v2-nano');
});

test('one tensor less, unknown or of another shape, and it is none', () => {
  const good = shapesOf('poster-v2-nano', 8);
  const changed = (change: (shapes: Map<string, readonly number[]>) => void): TensorShapes => {
    const copy = new Map(good);
    change(copy);
    return copy;
  };
  const others = [
    changed((shapes) => shapes.delete('VIT.cls_token')),
    changed((shapes) => shapes.delete('VIT.head.linear.weight')),
    changed((shapes) => shapes.set('VIT.blocks.2.norm1.weight', [256])),
    changed((shapes) => shapes.set('VIT.cls_token', [1, 1, 7])),
    changed((shapes) => shapes.set('VIT.head.linear.weight', [2 ** 40, 256])),
    new Map<string, readonly number[]>(),
  ];
  for (const shapes of others) assert.equal(identifyModel(shapes), undefined);
  // What is odd is named, without --model.
  const problem = (shapes: TensorShapes): string => {
    try {
      describeUndescribed('x.pth', shapes, { labels: affectnet8 });
    } catch (error) {
      return error instanceof UserError ? error.message : '';
    }
    return '';
  };
  const [missing, , unknown, shape] = others.map(problem);
  assert.match(missing ?? '', /are nearly a poster-v2-nano, but it has no VIT\.cls_token: name its network/);
  assert.match(unknown ?? '', /nearly a poster-v2-nano, but its VIT\.blocks\.2\.norm1\.weight is unknown:/);
  assert.match(shape ?? '', /but its VIT\.cls_token is \[1, 1, 7\] instead of \[1, 1, 256\]:/);
});

test('what tools leave behind, and what is in no module of the network, does no harm', () => {
  const good = shapesOf('poster-v2-nano', 8);
  const surplus = [
    'total_ops',
    'VIT.total_params',
    'face_landback.conv1.total_ops',
    'optimizer.exp_avg.0',
    'ema.VIT.cls_token',
  ];
  const more = new Map([...good, ...surplus.map((name) => [name, [1]] as const)]);
  assert.equal(identifyModel(more)?.name, 'poster-v2-nano');
  const { network } = modelNamed('poster-v2-nano');
  const { parameters } = buildInference(network);
  assert.deepEqual(
    [...more.keys()].filter((name) => isSurplus(name, parameters, network)),
    surplus,
  );
});

test('a pretrained part is told from a network', () => {
  const whole = shapesOf('poster-v2', 7);
  for (const [prefix, message, settings] of [
    ['ir_back.', /x\.pth is no whole network but the IR-50 backbone of one: .*with it as the part ir50\.$/, ['init']],
    [
      'face_landback.',
      /the landmark detector of one: .*as the part landmark, or find landmarks with it/,
      ['init', 'landmarkDetector'],
    ],
  ] as const) {
    const part = [...whole].filter(([name]) => name.startsWith(prefix));
    const shapes = new Map([
      ...part.map(([name, shape]) => [name.slice(prefix.length), shape] as const),
      ['fc.w', [1]],
    ]);
    assert.throws(() => describeUndescribed('x.pth', shapes, {}), { message, settings });
    assert.throws(() => describeUndescribed('x.pth', shapes, { model: 'poster-v2', labels: rafdb }), {
      message,
      settings,
    });
  }
});

test('labels that are said agree with those of the file', () => {
  const own = modelNamed('poster-v2-nano');
  const described = {
    model: { name: own.name, config: own.network.config },
    labels: { name: 'mine', labels: ferplus.labels.map((label) => label.toUpperCase()) },
    preprocessing: own.preprocessing,
  };
  const resolve = (labels: typeof ferplus): string =>
    resolveDescription('x', described, new Map(), { labels }).description.labels.name;
  assert.equal(resolve(ferplus), 'mine');
  assert.throws(
    () => resolve(affectnet8),
    /^UserError: x says that its labels are mine \(NEUTRAL, .*, not AffectNet-8 \(Neutral, .*; leave the labels out\.$/,
  );
});

test('what cannot be seen must be said, and must fit', () => {
  const shapes = shapesOf('poster-v2-nano', 8);
  const { model, labels, preprocessing } = describeUndescribed('x.pth', shapes, { labels: affectnet8 });
  assert.deepEqual(
    [model.name, model.config.numClasses, labels, preprocessing.imageSize],
    ['poster-v2-nano', 8, affectnet8, 48],
  );
  const fails = (message: RegExp, ...[path, given, assumed]: Parameters<typeof describeUndescribed>): void => {
    assert.throws(
      () => describeUndescribed(path, given, assumed),
      (error) => error instanceof UserError && message.test(error.message),
      String(message),
    );
  };
  fails(/^x\.pth does not say what its 8 outputs mean: .*: AffectNet-8, FER\+\.$/, 'x.pth', shapes, {});
  fails(
    /has 8 outputs, and RAF-DB has 7 labels \(its VIT\.head\.linear\.weight is \[8, 256\]\): .*: AffectNet-8, FER\+\.$/,
    'x.pth',
    shapes,
    { labels: rafdb },
  );
  fails(/not those of a network known here: name both/, 'x.pth', new Map(), {});
  fails(/: name its network, or/, 'x.pth', new Map(), { labels: ferplus });
  fails(/none of the published ones has as many/, 'x.pth', shapesOf('poster-v2-nano', 5), {});
});
