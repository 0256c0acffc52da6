import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../common/errors.js';
import type { Preprocessing } from '../common/preprocessing.js';
import type { Batch } from '../image/index.js';
import { type DistillationSettings, distillation, type Teacher } from './distillation.js';

const preprocessing: Preprocessing = { imageSize: 1, channels: 1, mean: [0], std: [1] };
const labels = { name: 'faces', labels: ['happy', 'sad', 'anger'] };
const student = { labels, preprocessing };

/** Two pictures of a pixel: 0 and 1. The first has votes of three to one, the second is plainly anger. */
const batch: Batch = {
  size: 2,
  images: Float32Array.of(0, 1),
  labels: [0, 2],
  targets: Float32Array.of(0.75, 0.25, 0, 0, 0, 1),
  index: 5,
};

/** Logits log(1), log(2), log(5) of a dark pixel, and log(4), log(1), log(1) of a bright one. */
const dark = [1, 2, 5];
const bright = [4, 1, 1];
function teacherOf(order: readonly number[] = [0, 1, 2], more: Partial<Teacher> = {}): Teacher {
  return {
    labels: { name: 'other', labels: order.map((k) => labels.labels[k] ?? '') },
    preprocessing,
    classify: async (images) => {
      const rows = [...images].map((value) => (value < 0.5 ? dark : bright));
      return { logits: Float32Array.from(rows.flatMap((row) => order.map((k) => Math.log(row[k] ?? 0)))) };
    },
    ...more,
  };
}

async function targetsOf(teachers: readonly Teacher[], settings?: DistillationSettings, of = batch): Promise<number[]> {
  const found: Batch[] = [];
  for await (const one of distillation(student, teachers, settings)([of])) found.push(one);
  const [taught] = found;
  assert.equal(found.length, 1);
  const { targets, ...rest } = taught ?? of;
  const { targets: _, ...before } = of;
  assert.deepEqual(rest, before, 'all but the targets stays');
  return [...(targets ?? [])];
}

function near(found: readonly number[], wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - (wanted[i] ?? Number.NaN)) < 1e-6, `${found.join()} is not ${wanted.join()}`);
  });
}

describe('distillation', () => {
  it('learns half the votes and half what the teacher says', async () => {
    near(await targetsOf([teacherOf()]), [0.4375, 0.25, 0.3125, 1 / 3, 1 / 12, 7 / 12]);
  });

  it('gives the teacher another share, or all', async () => {
    near(await targetsOf([teacherOf()], { weight: 0.2 }), [0.625, 0.25, 0.125, 2 / 15, 1 / 30, 5 / 6]);
    near(await targetsOf([teacherOf()], { weight: 1 }), [1 / 8, 2 / 8, 5 / 8, 4 / 6, 1 / 6, 1 / 6]);
  });

  it('divides logits by the temperature: at 2 probabilities are as their square roots', async () => {
    const roots = 1 + Math.sqrt(2) + Math.sqrt(5);
    const found = await targetsOf([teacherOf()], { weight: 1, temperature: 2 });
    near(found, [1 / roots, Math.SQRT2 / roots, Math.sqrt(5) / roots, 0.5, 0.25, 0.25]);
  });

  it('takes the mean of several teachers, each at the same share', async () => {
    const sure = teacherOf([0, 1, 2], { classify: async () => ({ logits: Float32Array.of(0, 90, 0, 90, 0, 0) }) });
    near(await targetsOf([teacherOf(), sure], { weight: 1 }), [1 / 16, 10 / 16, 5 / 16, 10 / 12, 1 / 12, 1 / 12]);
  });

  it('mixes with the label where a batch has no targets', async () => {
    const { targets: _, ...plain } = batch;
    near(await targetsOf([teacherOf()], {}, plain), [9 / 16, 1 / 8, 5 / 16, 1 / 3, 1 / 12, 7 / 12]);
  });

  it('brings a teacher with the same labels in another order to those of the student', async () => {
    for (const order of [
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      near(await targetsOf([teacherOf(order)]), await targetsOf([teacherOf()]));
    }
  });

  it('gives the same, however many pictures pass through a teacher at once', async () => {
    const sizes: number[] = [];
    const counted = teacherOf([0, 1, 2], {
      classify: (images, n) => {
        sizes.push(n);
        return teacherOf().classify(images, n);
      },
    });
    assert.deepEqual(await targetsOf([counted], { microBatch: 1 }), await targetsOf([teacherOf()]));
    assert.deepEqual(sizes, [1, 1]);
  });

  it('shows a teacher the pictures as it takes them', async () => {
    const received: number[][] = [];
    const other = teacherOf([0, 1, 2], {
      preprocessing: { imageSize: 1, channels: 1, mean: [0.5], std: [0.25] },
      classify: (images, n) => {
        received.push([...images]);
        return teacherOf().classify(images, n);
      },
    });
    await targetsOf([other]);
    assert.deepEqual(received, [[-2, 2]]);
  });

  it('refuses, in a sentence, what cannot be', async () => {
    const other = teacherOf([0, 1, 2], {
      name: 'The teacher t',
      labels: { name: 'x', labels: ['happy', 'sad', 'fear'] },
    });
    const numbered = { ...student, labels: { name: 'numbers', labels: ['1', '2', '3'] } };
    assert.throws(() => distillation(numbered, [teacherOf()]), {
      kind: 'input',
      settings: ['teacher', 'dataType'],
      message:
        /^Teacher 1 tells happy, sad, anger apart, and the numbers 1, 2, 3, .*; say which dataset it is, or give/,
    });
    const wrong: readonly (readonly [readonly Teacher[], DistillationSettings, RegExp, string, string])[] = [
      [[], {}, /needs a teacher/, 'usage', 'teacher'],
      [[teacherOf()], { weight: 0 }, /share cannot be 0;/, 'usage', 'teacherWeight'],
      [[teacherOf()], { weight: 1.5 }, /share cannot be 1\.5;/, 'usage', 'teacherWeight'],
      [[teacherOf()], { weight: Number.NaN }, /share cannot be NaN;/, 'usage', 'teacherWeight'],
      [[teacherOf()], { temperature: 0 }, /temperature cannot be 0;/, 'usage', 'teacherTemperature'],
      [[teacherOf()], { temperature: Number.POSITIVE_INFINITY }, /cannot be Infinity;/, 'usage', 'teacherTemperature'],
      [[teacherOf()], { microBatch: 0 }, /Not 0 pictures .*; it is a whole number from 1\./, 'usage', 'microBatch'],
      [[teacherOf()], { microBatch: 1.5 }, /Not 1\.5 pictures/, 'usage', 'microBatch'],
      [[teacherOf()], { microBatch: Number.NaN }, /Not NaN pictures/, 'usage', 'microBatch'],
      [
        [teacherOf(), other],
        {},
        /^The teacher t tells happy, sad, fear apart .* learn happy, sad, anger;/,
        'input',
        'teacher',
      ],
    ];
    for (const [teachers, settings, message, kind, setting] of wrong) {
      assert.throws(
        () => distillation(student, teachers, settings),
        (error) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, message);
          assert.deepEqual([error.kind, error.settings[0]], [kind, setting]);
          return true;
        },
      );
    }
  });

  it('refuses values that are not finite, too few of them, and batches that do not fit', async () => {
    for (const logits of [
      [0, 0, 0, 0, Number.NaN, 0],
      [0, 0, 0],
    ]) {
      const broken = teacherOf([0, 1, 2], { classify: async () => ({ logits: Float32Array.from(logits) }) });
      await assert.rejects(targetsOf([broken]), {
        kind: 'input',
        message: /^Teacher 1 gives values that are not finite/,
      });
    }
    const { targets: _, ...plain } = batch;
    await assert.rejects(targetsOf([teacherOf()], {}, { ...plain, labels: [0, 3] }), /has the label 3/);
    await assert.rejects(targetsOf([teacherOf()], {}, { ...batch, size: 3 }), /A batch of 3 pictures needs/);
  });
});
