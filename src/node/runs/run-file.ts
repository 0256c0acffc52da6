import { arch, availableParallelism, cpus, platform } from 'node:os';
import { join, resolve } from 'node:path';
import type * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { ModelDescription, TrainState } from '../../safetensors/index.js';
import type { TrainingProgram } from '../../train/program.js';
import { readJson, writeFileAtomic } from '../files/files.js';
import type { Communicator } from '../ranks/communicator.js';
import type { DataDigest } from './data-digest.js';
import type { InitReport } from './init.js';
import type { TrainJob } from './job.js';
import { type RunOptions, withPaths } from './options.js';
import { foldOf, type RunData } from './run-data.js';
import { type RunFile, runFileName, runFileSchema, type Session } from './run-document.js';
import type { RunRecord } from './save.js';
import type { TeacherRecord } from './teachers.js';
import { type Commit, ownCommit, versions } from './versions.js';

/**
 * What goes with every checkpoint of a run.
 * @param command that began the run: one that goes on says nothing of how it trains
 */
export async function recordOf(
  command: string,
  run: RunOptions,
  { labels, train, validation, validationName }: RunData,
  description: ModelDescription,
  program: TrainingProgram,
  data: DataDigest,
  teachers: readonly TeacherRecord[],
): Promise<RunRecord> {
  const fold = foldOf(run);
  return {
    run,
    description,
    program,
    command,
    data,
    teachers,
    dataset: `${labels.name}, trained on split '${train.split}', best epoch chosen on ${validationName}`,
    protocol: {
      dataset: labels.name,
      trainSplit: train.split,
      selectionSplit: run.valSplit === null ? null : validation.split,
      selection: validationName,
      ...defined({ fold }),
    },
    commit: await ownCommit(),
  };
}

/** @param state that the session goes on from; undefined: it begins the run. */
export function sessionOf(
  job: TrainJob,
  ranks: Pick<Communicator, 'size' | 'name'>,
  git: Commit | null,
  state: TrainState | undefined,
): Required<Session> {
  return {
    started: new Date().toISOString(),
    command: job.command,
    epoch: state?.epoch ?? 0,
    step: state?.step ?? 0,
    device: job.device,
    threads: job.threads ?? null,
    workers: job.workers ?? null,
    strict: job.strict,
    ranks: ranks.size,
    transport: ranks.name,
    batchNorm: 'local',
    versions: versions(),
    git,
    system: `${platform()} ${arch()}, ${availableParallelism()} x ${cpus()[0]?.model ?? 'CPU'}`,
  };
}

/**
 * Writes `run.json`, atomically; a run that goes on in its folder keeps how it began.
 * @throws UserError when it cannot be written.
 */
export async function writeRunFile(
  out: string,
  { run, dataset, teachers }: RunRecord,
  { labels, train, validation }: RunData,
  init: readonly InitReport[],
  session: Required<Session>,
): Promise<void> {
  const path = join(out, runFileName);
  const earlier = session.step > 0 ? await readEarlier(path) : undefined;
  const document: Required<RunFile> = {
    format: 1,
    run: withPaths(run, (path) => resolve(path)),
    labels: { name: labels.name, labels: [...labels.labels] },
    dataset,
    pictures: { train: train.samples.length, validation: validation.samples.length },
    init: earlier?.init ?? init.map((report) => ({ ...report })),
    teachers: teachers.map((teacher) => ({ ...teacher, path: resolve(teacher.path) })),
    sessions: [...(earlier?.sessions ?? []), session],
  };
  await writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`);
}

/** How many pictures a run had when it was last begun or resumed, if its folder says it. */
export async function picturesOf(folder: string): Promise<RunFile['pictures'] | undefined> {
  return (await readEarlier(join(folder, runFileName)))?.pictures;
}

/** What stays when a run goes on, or tells its data from others. */
const earlierSchema = runFileSchema.pick({ format: true, pictures: true, init: true, sessions: true });

/** A file that is missing or was written over is no reason not to go on. */
async function readEarlier(path: string): Promise<z.infer<typeof earlierSchema> | undefined> {
  try {
    return await readJson(path, earlierSchema);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
