import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { closeAll } from '../../common/close-all.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { compareLabels } from '../../common/label-sets.js';
import type { Preprocessing } from '../../common/preprocessing.js';
import { printable } from '../../common/printable.js';
import type { Batch } from '../../image/index.js';
import { type Classifier, loadClassifier } from '../../recognize/index.js';
import { type ModelDescription, parseDescription } from '../../safetensors/index.js';
import { distillation, type Student } from '../../train/distillation.js';
import { readCheckpointHeader } from '../checkpoints/index.js';
import { explainFileError } from '../files/files.js';
import type { TrainJob } from './job.js';
import type { RunOptions } from './options.js';

/** A network that a run learns from, as its records name it. */
export interface TeacherRecord {
  readonly path: string;
  /** Of the file; of a folder's weights. */
  readonly sha256: string;
  readonly model: string;
}

/** The teachers of a run, ready to be asked. */
export interface Teachers {
  readonly records: readonly TeacherRecord[];
  /** Sentences about teachers that are not plainly like their student. */
  readonly notes: readonly string[];
  /** Gives the teachers their share in the targets of batches; without teachers the batches stay as they are. */
  readonly teach: (batches: AsyncIterable<Batch>) => AsyncIterable<Batch>;
}

interface OpenTeacher {
  readonly record: TeacherRecord;
  readonly classifier: Classifier;
}

/**
 * Opens a run's teachers, in their order, for as long as they are used. They compute where the run does.
 * @param before SHA-256 of the files that a resumed run has learned from, in their order
 * @throws UserError for a file that is no network with labels, or one that cannot teach this student; where a resumed
 * run's teachers are others now.
 */
export async function withTeachers<T>(
  run: RunOptions,
  student: Student,
  job: Pick<TrainJob, 'device' | 'threads'>,
  before: readonly string[] | undefined,
  use: (teachers: Teachers) => Promise<T>,
): Promise<T> {
  const open: OpenTeacher[] = [];
  try {
    for (const path of run.teacher) open.push(await aboutTeacher(openTeacher(path, job)));
    if (before !== undefined)
      checkTeachers(
        before,
        open.map(({ record }) => record),
      );
    return await use(teachersOf(run, student, open));
  } finally {
    const closings = open.map((one) => () => one.classifier.dispose());
    await closeAll(...closings);
  }
}

function teachersOf(run: RunOptions, student: Student, open: readonly OpenTeacher[]): Teachers {
  const records = open.map(({ record }) => record);
  if (open.length === 0) return { records, notes: [], teach: (batches) => batches };
  const teachers = open.map(({ record, classifier }) => ({
    ...classifier,
    name: nameOf(record.path),
  }));
  const { teacherWeight: weight, teacherTemperature: temperature, microBatch } = run;
  const teach = distillation(student, teachers, { weight, temperature, microBatch });
  const notes = teachers.flatMap((teacher) => [
    ...(compareLabels(teacher.labels, student.labels).kind === 'reordered'
      ? [`${teacher.name} has the data's labels in another order: they were matched by name.`]
      : []),
    ...(inputText(teacher.preprocessing) === inputText(student.preprocessing)
      ? []
      : [
          `${teacher.name} is shown the pictures of ${inputText(student.preprocessing)}, converted to the ` +
            `${inputText(teacher.preprocessing)} that it takes.`,
        ]),
  ]);
  return { records, notes, teach };
}

/**
 * That files can be the teachers of a student, as far as they say it themselves: where they are not asked until much later.
 * @throws UserError as {@link withTeachers} does
 */
export async function checkTeacherFiles(paths: readonly string[], student: Student): Promise<void> {
  for (const path of new Set(paths)) {
    const { labels, preprocessing } = (await aboutTeacher(describedTeacher(path))).description;
    const classify = (): never => {
      throw new Error('it is not asked');
    };
    distillation(student, [{ name: nameOf(path), labels, preprocessing, classify }]);
  }
}

const nameOf = (path: string): string => `The teacher ${printable(path, 4096)}`;

const inputText = ({ imageSize, channels }: Preprocessing): string =>
  `${imageSize} x ${imageSize} ${channels === 1 ? 'gray' : 'RGB'}`;

async function openTeacher(
  path: string,
  { device, threads }: Pick<TrainJob, 'device' | 'threads'>,
): Promise<OpenTeacher> {
  const { file, description } = await describedTeacher(path);
  const sha256 = await digestOfFile(file);
  const classifier = await loadClassifier(path, { device, ...defined({ threads }) });
  return { record: { path, sha256, model: description.model.name }, classifier };
}

/** A teacher's file, and what it says of itself. */
async function describedTeacher(
  path: string,
): Promise<{ readonly file: string; readonly description: ModelDescription }> {
  const { path: file, metadata } = await readCheckpointHeader(path);
  const description = parseDescription(metadata, file);
  if (description === undefined) {
    throw new UserError(
      `${printable(path, 4096)} does not say which network and labels it belongs to, so it cannot be a teacher; ` +
        'convert it to a file that does.',
    );
  }
  return { file, description };
}

/** What is wrong with a teacher's file is about that setting, whatever else the sentence speaks of. */
async function aboutTeacher<T>(opened: Promise<T>): Promise<T> {
  try {
    return await opened;
  } catch (error) {
    if (!(error instanceof UserError) || error.kind !== 'input') throw error;
    throw new UserError(error.message, 'input', { settings: ['teacher'], cause: error });
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(Buffer.from(chunk));
  } catch (error) {
    throw explainFileError(error, 'read', path);
  }
  return hash.digest('hex');
}

/** That a run goes on with the teachers it began with, wherever they lie now. */
function checkTeachers(before: readonly string[], teachers: readonly TeacherRecord[]): void {
  const other = (problem: string): UserError =>
    new UserError(
      `${problem}; give the same teachers in the same order, or start a new run from these weights.`,
      'input',
      { settings: ['teacher', 'init'] },
    );
  if (before.length !== teachers.length) {
    throw other(`The run learns from ${counted(before.length)}, and there ${areOf(teachers.length)} now`);
  }
  const changed = teachers.find(({ sha256 }, i) => sha256 !== before[i]);
  if (changed === undefined) return;
  throw other(`${printable(changed.path, 4096)} is not the teacher that the run has learned from: its bytes differ`);
}

const counted = (count: number): string =>
  count === 0 ? 'no teacher' : count === 1 ? 'one teacher' : `${count} teachers`;
const areOf = (count: number): string => `${count === 1 ? 'is' : 'are'} ${count === 0 ? 'none' : count}`;
