import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { itemAt } from '../common/item-at.js';
import { random } from '../common/random.js';
import { noAugmentation } from '../image/index.js';
import type { Picture } from '../image/resize.js';
import { tinyCheckpoint } from '../recognize/helpers.test.js';
import type { FloatArray, ModelCheckpoint } from '../safetensors/index.js';
import { classesFor } from './classes.js';
import type { LabelledCrop, LearnOptions } from './learn-options.js';
import { type LearnEpoch, Learner } from './learner.js';

const side = 16;
const base = tinyCheckpoint();
const headWeight = 'VIT.head.linear.weight';

/** Noise with a bright third of its own, from top to bottom, for each class. */
function cropsOf(labels: readonly string[], count: number): LabelledCrop[] {
  return labels.flatMap((label, k) =>
    Array.from({ length: count }, (_, i) => {
      const noise = random(1, label, i);
      const data = Uint8Array.from({ length: side * side }, (_, at) => {
        const isBright = Math.floor((3 * at) / (side * side)) === k;
        return noise.int(60) + (isBright ? 190 : 0);
      });
      const crop: Picture = { width: side, height: side, channels: 1, data };
      return { crop, label };
    }),
  );
}

const three = ['sad', 'puzzled', 'happiness'];
const options: LearnOptions = {
  base,
  crops: cropsOf(three, 8),
  ...{ epochs: 12, lr: 1e-2, batchSize: 6, threads: 1, seed: 3, augmentation: noAugmentation },
};

async function trained(learner: Learner, most = Number.POSITIVE_INFINITY): Promise<LearnEpoch[]> {
  const epochs: LearnEpoch[] = [];
  for await (const epoch of learner.train()) {
    epochs.push(epoch);
    if (epochs.length >= most) break;
  }
  return epochs;
}

async function learnedFrom(given: LearnOptions, most?: number) {
  const learner = await Learner.create(given);
  await trained(learner, most);
  const learned = learner.best();
  await learner.dispose();
  return learned;
}

const arrayOf = ({ parameters }: ModelCheckpoint, name: string): FloatArray => {
  const found = parameters.get(name);
  assert.ok(found, `there is no ${name}`);
  return found;
};
const rowOf = (checkpoint: ModelCheckpoint, row: number): number[] => {
  const { shape, data } = arrayOf(checkpoint, headWeight);
  const width = itemAt(shape, 1);
  return Array.from(data.subarray(row * width, (row + 1) * width));
};

describe('learning from few crops', () => {
  test('the loss falls, crops that were held out are told apart, and what is frozen keeps its bits', async () => {
    const learner = await Learner.create(options);
    assert.deepEqual(learner.counts, { training: 21, heldOut: 3 });
    assert.deepEqual(learner.labels, { name: 'learned', labels: three });
    const history = await trained(learner);
    const { checkpoint, epoch, evaluation, history: kept } = learner.best();
    await learner.dispose();
    assert.deepEqual(
      history.map((one) => one.epoch),
      Array.from({ length: 13 }, (_, i) => i),
    );
    assert.deepEqual(kept, history);
    assert.equal(history[0]?.loss, null);
    const [first, last] = [history[1]?.loss ?? Number.NaN, history[12]?.loss ?? Number.NaN];
    assert.ok(last < first / 1.5, `${first} became ${last}`);
    assert.equal(evaluation.accuracy, 1);
    assert.deepEqual(evaluation.confusion, [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    assert.equal(epoch, history.findLast(({ isBest }) => isBest)?.epoch);
    assert.deepEqual([...checkpoint.parameters.keys()], [...base.parameters.keys()]);
    for (const [name, { data }] of checkpoint.parameters) {
      if (name.startsWith('ir_back.')) assert.deepEqual(data, base.parameters.get(name)?.data, name);
    }
    assert.notDeepEqual(arrayOf(checkpoint, 'VIT.cls_token').data, arrayOf(base, 'VIT.cls_token').data);
  });

  test('rows of expressions that the head knows go to their new places, by name', async () => {
    const { checkpoint, epoch } = await learnedFrom(options, 1);
    assert.equal(epoch, 0);
    assert.deepEqual(checkpoint.labels.labels, three);
    // The base's are happy, neutral and sad.
    assert.deepEqual(rowOf(checkpoint, 0), rowOf(base, 2));
    assert.deepEqual(rowOf(checkpoint, 2), rowOf(base, 0));
    for (const row of [0, 1, 2]) assert.notDeepEqual(rowOf(checkpoint, 1), rowOf(base, row));
  });

  test('the other expressions stay possible answers where that is asked for', async () => {
    const { checkpoint, evaluation } = await learnedFrom({ ...options, keep: true, name: 'mine' }, 1);
    assert.deepEqual(checkpoint.labels, { name: 'mine', labels: ['happy', 'neutral', 'sad', 'puzzled'] });
    assert.equal(checkpoint.model.config['numClasses'], 4);
    for (const row of [0, 1, 2]) assert.deepEqual(rowOf(checkpoint, row), rowOf(base, row));
    assert.deepEqual(
      evaluation.perClass.map(({ support }) => support),
      [1, 0, 1, 1],
    );
  });

  test('equal seeds give the same bits, other seeds others, and nothing frozen moves everything', async () => {
    const short = { ...options, epochs: 1 };
    const ends = [];
    for (const given of [short, short, { ...short, seed: 4 }]) {
      ends.push(arrayOf((await learnedFrom(given)).checkpoint, headWeight).data);
    }
    assert.deepEqual(ends[1], ends[0]);
    assert.notDeepEqual(ends[2], ends[0]);
    const { checkpoint, epoch } = await learnedFrom({ ...options, frozen: [] });
    assert.ok(epoch > 0);
    const name = 'ir_back.input_layer.0.weight';
    assert.notDeepEqual(arrayOf(checkpoint, name).data, arrayOf(base, name).data);
  });

  test('left half way it keeps the best, and goes on to the same end', async () => {
    const whole = await Learner.create({ ...options, epochs: 4 });
    const expected = await trained(whole);
    await whole.dispose();
    const learner = await Learner.create({ ...options, epochs: 4 });
    assert.throws(() => learner.best(), { kind: 'usage', message: /Nothing is learned yet; begin to train first\./ });
    const first = await trained(learner, 3);
    assert.equal(learner.best().history.length, 3);
    assert.deepEqual([...first, ...(await trained(learner))], expected);
    assert.deepEqual(await trained(learner), []);
    await learner.dispose();
  });

  test('a signal ends it with its reason, between two updates, and the best stays', async () => {
    const learner = await Learner.create(options);
    const controller = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(async () => {
      for await (const { epoch } of learner.train({ signal: controller.signal })) {
        if (epoch === 2) controller.abort(reason);
      }
    }, reason);
    assert.equal(learner.best().history.length, 3);
    await learner.dispose();
    assert.equal(learner.best().history.length, 3);
    await assert.rejects(() => trained(learner), { kind: 'usage', message: /has been disposed of/ });
  });

  test('stopped within an epoch it goes on with the next update', async () => {
    const whole = await learnedFrom({ ...options, epochs: 2 });
    const reason = new Error('enough');
    // Asked before the first epoch, at its begin and after each of its four updates: stopped after the second, and after the last.
    for (const calls of [4, 6]) {
      const learner = await Learner.create({ ...options, epochs: 2 });
      const { signal } = new AbortController();
      let asked = 0;
      signal.throwIfAborted = () => {
        if (++asked === calls) throw reason;
      };
      await assert.rejects(async () => {
        for await (const { epoch } of learner.train({ signal })) assert.equal(epoch, 0);
      }, reason);
      await trained(learner);
      const { checkpoint, history } = learner.best();
      await learner.dispose();
      assert.deepEqual(checkpoint.parameters, whole.checkpoint.parameters);
      assert.equal(history[1]?.loss === null, calls === 6);
      assert.deepEqual(
        history.map(({ accuracy, crossEntropy }) => [accuracy, crossEntropy]),
        whole.history.map(({ accuracy, crossEntropy }) => [accuracy, crossEntropy]),
      );
    }
  });

  test('classes that cannot be learned, and numbers that cannot be, are told in a sentence', async () => {
    const cut = { width: side, height: side, channels: 1, data: new Uint8Array(9) } as const;
    const cases: readonly (readonly [Partial<LearnOptions>, RegExp])[] = [
      [{ crops: [] }, /^There are no pictures to learn from; give some of at least two classes\.$/],
      [{ crops: cropsOf(['sad'], 4) }, /^The class 'sad' is alone, .* add pictures of another/],
      [{ crops: [...cropsOf(['sad', 'happy'], 2), ...cropsOf(['shy'], 1)] }, /^The class 'shy' has one picture; add/],
      [{ labels: [...three, 'shy'] }, /^The class 'shy' has no pictures; add at least two, or remove the class\.$/],
      [{ labels: ['sad', 'puzzled'] }, /^A picture has the label 'happiness', which is not among the classes/],
      [
        { crops: cropsOf(['sad', 'a\nb'], 2) },
        /^No checkpoint can hold the class .*: .*U\+000A.*; name it otherwise\.$/,
      ],
      [
        { crops: [{ ...itemAt(options.crops, 0), crop: cut }, ...options.crops.slice(1)] },
        /^Crop 1 has 9 values, not the 16 x 16 x 1/,
      ],
      [{ epochs: 0 }, /^Learning cannot have 0 as epochs; give a whole number from 1\.$/],
      [{ holdOut: 1 }, /^Learning cannot have 1 as holdOut; give a number between 0 and 1\.$/],
      [{ lr: Number.NaN }, /^Learning cannot have NaN as lr/],
      [{ seed: 0.5 }, /^Learning cannot have 0\.5 as seed; give a whole number from 0\.$/],
      [{ seed: Number.NaN }, /^Learning cannot have NaN as seed/],
      [{ batchSize: 1.5 }, /^Learning cannot have 1\.5 as batchSize/],
      [{ copies: 0 }, /^Learning cannot have 0 as copies; give a whole number from 1, or Infinity for a new copy in/],
      [{ copies: 1.5 }, /^Learning cannot have 1\.5 as copies/],
      [{ copies: Number.NaN }, /^Learning cannot have NaN as copies/],
      [{ copies: Number.NEGATIVE_INFINITY }, /^Learning cannot have -Infinity as copies/],
    ];
    const misspelt: object = { epoch: 3, base };
    const wrong: readonly (readonly [object, RegExp])[] = [
      [misspelt, /^Learner\.create has no option 'epoch'; its options are base, crops, labels, keep, .*epochs/],
      [{ epochs: '3' }, /^The option 'epochs' of Learner\.create cannot be 3; give a number\.$/],
      [{ keep: 'yes' }, /^The option 'keep' of Learner\.create cannot be yes; give true or false\.$/],
      [{ base: 3 }, /^The option 'base' of Learner\.create cannot be 3; give a path, a URL/],
    ];
    for (const [given, message] of wrong) {
      await assert.rejects(() => Learner.create({ ...options, ...given }), { name: 'UserError', message });
    }
    for (const [given, message] of cases) {
      await assert.rejects(() => Learner.create({ ...options, ...given }), { name: 'UserError', message });
    }
  });
});

test('numbers are the same class only where the other labels are kept', () => {
  const numbered = ['1', '2'];
  const names = ['1', '1', '2', '2'];
  assert.deepEqual(classesFor(numbered, names).rows, [-1, -1]);
  assert.deepEqual(classesFor(numbered, ['shy', 'shy', 'sad', 'sad'], { keep: true }), {
    labels: ['1', '2', 'shy', 'sad'],
    labelOf: [2, 2, 3, 3],
    rows: [0, 1, -1, -1],
  });
  for (const [own, keep] of [
    [numbered, ['2', '3']],
    [
      ['1', '2', 'other'],
      ['2', '3'],
    ],
    [numbered, ['2', 'shy']],
  ] as const) {
    const names = keep.flatMap((name) => [name, name]);
    assert.throws(() => classesFor(own, names, { keep: true }), {
      name: 'UserError',
      message: /^The class '2' has the name of one of the network's own, .*; give the classes names of expressions, or/,
    });
    assert.deepEqual(classesFor(own, names).labels, keep);
  }
  assert.deepEqual(classesFor(numbered, ['3', '3', '4', '4'], { keep: true }).labels, ['1', '2', '3', '4']);
});
