import { advice, UserError } from '../common/errors.js';
import { increase, itemAt } from '../common/item-at.js';
import { compareLabels, isNumbered } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { printable } from '../common/printable.js';
import { type Batch, inputConversion } from '../image/index.js';
import { logSoftmax } from '../metrics/index.js';
import { checkBatch, oneHot } from './micro-batches.js';

/** A trained network that another one learns from. What `loadClassifier` gives is one. */
export interface Teacher {
  /** What errors call it, such as its file. Default: its number. */
  readonly name?: string;
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
  /**
   * @param images [n, C, S, S], prepared as `preprocessing` says
   * @returns logits [n, K], in the order of `labels`
   */
  classify(images: Float32Array, n: number): Promise<{ readonly logits: Float32Array }>;
}

/** The network that learns: the classes of its batches, and how their pictures were prepared. */
export interface Student {
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
}

export interface DistillationSettings {
  /** Share of the teachers' distribution in what is learned, above 0, at most 1; the rest are the batch's own targets. Default 0.5. */
  readonly weight?: number;
  /** What the teachers' logits are divided by before the softmax, above 0: above 1 their distribution is flatter. Default 1. */
  readonly temperature?: number;
  /** Pictures that pass through a teacher at once. Default: all of a batch. */
  readonly microBatch?: number;
}

/** Batches with targets that the teachers had a share in; pictures, labels and order stay. */
export type Teaching = (batches: AsyncIterable<Batch> | Iterable<Batch>) => AsyncGenerator<Batch, void, undefined>;

export const defaultDistillation = { weight: 0.5, temperature: 1 } as const;

/**
 * Knowledge distillation: what a batch is compared with becomes `weight * teachers + (1 - weight) * own`, where `teachers` is
 * the mean over all teachers of softmax(logits / temperature), and `own` are the batch's targets. Teachers see the very
 * pictures that the student sees, augmented and mixed as they are (Beyer et al., arXiv 2106.05237).
 *
 * Cross-entropy is linear in its target, so at a temperature of 1 this is Hinton's sum of two losses (Hinton et al., arXiv
 * 1503.02531). At another one it is not: there the student's logits are divided by the temperature too.
 *
 * @returns a mapping of batches, for `Trainer.train`
 * @throws UserError for settings that cannot be, and for teachers whose labels are not the student's. The same labels in
 * another order are brought to the student's; pictures are converted (`inputConversion`).
 */
export function distillation(
  student: Student,
  teachers: readonly Teacher[],
  settings: DistillationSettings = {},
): Teaching {
  const { weight, temperature } = { ...defaultDistillation, ...settings };
  const { microBatch = Number.POSITIVE_INFINITY } = settings;
  checkSettings({ weight, temperature, microBatch }, teachers);
  const classes = student.labels.labels.length;
  const { channels, imageSize } = student.preprocessing;
  const lessons = teachers.map((teacher, i) => lessonOf(student, teacher, teacher.name ?? `Teacher ${i + 1}`));
  const share = weight / lessons.length;

  const taught = async (batch: Batch): Promise<Batch> => {
    checkBatch(batch, channels * imageSize ** 2, classes);
    // One of several trainers may have no share in a batch.
    if (batch.size === 0) return batch;
    const own = batch.targets ?? oneHot(batch.labels, classes);
    const mixed = Float64Array.from(own, (value) => (1 - weight) * value);
    for (const lesson of lessons) {
      for (let start = 0; start < batch.size; start += microBatch) {
        const size = Math.min(microBatch, batch.size - start);
        addShare(mixed, start * classes, await lesson(batch, start, size), temperature, share);
      }
    }
    return { ...batch, targets: Float32Array.from(mixed) };
  };

  return async function* (batches) {
    for await (const batch of batches) yield await taught(batch);
  };
}

/** One teacher's logits of some pictures of a batch, a row of them for each, in the order of the student's classes. */
type Lesson = (batch: Batch, start: number, size: number) => Promise<number[][]>;

function lessonOf(student: Student, teacher: Teacher, name: string): Lesson {
  const order = orderOf(student.labels, teacher.labels, name);
  const convert = inputConversion(student.preprocessing, teacher.preprocessing);
  return async ({ images, size: all }, start, size) => {
    const pixels = images.length / all;
    const converted = convert(images.subarray(start * pixels, (start + size) * pixels), size);
    const { logits } = await teacher.classify(converted, size);
    if (logits.length !== size * order.length || !logits.every(Number.isFinite)) throw broken(name);
    return Array.from({ length: size }, (_, n) => order.map((at) => itemAt(logits, n * order.length + at)));
  };
}

/** For each of the student's classes its index among the teacher's. */
function orderOf(student: LabelSet, teacher: LabelSet, name: string): readonly number[] {
  const { kind, mapping } = compareLabels(teacher, student);
  if (kind !== 'different') return mapping;
  const list = ({ labels }: LabelSet): string => printable(labels.join(', '), 200);
  if (isNumbered(student.labels) && !isNumbered(teacher.labels)) {
    throw new UserError(
      `${printable(name, 4096)} tells ${list(teacher)} apart, and the numbers ${list(student)}, which its student is to learn, do not ` +
        'say which of them each is; say which dataset it is, or give its class folders names.',
      'input',
      { settings: ['teacher', 'dataType'] },
    );
  }
  throw new UserError(
    `${printable(name, 4096)} tells ${list(teacher)} apart and its student is to learn ${list(student)}; choose a teacher ` +
      'with the labels of the data.',
    'input',
    { settings: ['teacher', 'data'] },
  );
}

function broken(name: string): UserError {
  return new UserError(
    `${printable(name, 4096)} gives values that are not finite numbers, or too few; choose another teacher.`,
    'input',
    { settings: ['teacher'] },
  );
}

/** Adds `share` of softmax(logits / temperature), row by row. */
function addShare(
  mixed: Float64Array,
  offset: number,
  rows: readonly (readonly number[])[],
  temperature: number,
  share: number,
): void {
  for (const [n, row] of rows.entries()) {
    const logs = logSoftmax(row.map((logit) => logit / temperature));
    for (const [c, log] of logs.entries()) increase(mixed, offset + n * row.length + c, share * Math.exp(log));
  }
}

function checkSettings(
  { weight, temperature, microBatch }: Required<DistillationSettings>,
  teachers: readonly Teacher[],
): void {
  const problems = [
    ...(teachers.length > 0 ? [] : [advice('Distillation needs a teacher; give one at least.', 'teacher')]),
    ...(weight > 0 && weight <= 1
      ? []
      : [advice(`The teachers' share cannot be ${weight}; it is above 0 and at most 1.`, 'teacherWeight')]),
    ...(temperature > 0 && Number.isFinite(temperature)
      ? []
      : [advice(`The teachers' temperature cannot be ${temperature}; it is a number above 0.`, 'teacherTemperature')]),
    ...(microBatch === Number.POSITIVE_INFINITY || (Number.isSafeInteger(microBatch) && microBatch >= 1)
      ? []
      : [advice(`Not ${microBatch} pictures can pass through a teacher; it is a whole number from 1.`, 'microBatch')]),
  ];
  const [first] = problems;
  if (first !== undefined) throw new UserError(first.sentence, 'usage', { settings: first.settings });
}
