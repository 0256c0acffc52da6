import { join, resolve } from 'node:path';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { type Figures, figuresOf, spreadOf } from '../../metrics/index.js';
import { loadClassifier } from '../../recognize/index.js';
import type { DeviceName } from '../../runtime/index.js';
import { lastFileName } from '../../safetensors/index.js';
import { divide, loadDataset } from '../datasets/index.js';
import { writeFileAtomic } from '../files/files.js';
import { exists } from '../files/path-kind.js';
import { evaluateOn, evaluationDocument } from '../measure/index.js';
import { initSchema } from './init-schema.js';
import type { TrainResult } from './job.js';
import { dataTypeLabels, migrateRun, type RunOptions, runSchema } from './options.js';
import { planFile } from './plan-file.js';

const figure = z.number().nullable();
const planSchema = z.object({
  format: z.literal(1),
  /** Of all folds; `fold` is null. */
  run: z.preprocess(
    migrateRun,
    runSchema.transform((run, { addIssue }) => {
      const { folds, fold } = run;
      if (folds !== null && fold === null) return { ...run, folds, fold };
      addIssue('it must have folds');
      return z.NEVER;
    }),
  ),
  /** Where first values come from. */
  init: initSchema,
  /** Those that are trained and measured. */
  done: z.array(
    z.object({
      fold: z.int().min(1),
      checkpoint: z.string(),
      /** From 1, and its accuracy on the pictures that chose it: neither those of the fold nor those trained on. */
      bestEpoch: z.int(),
      bestAccuracy: z.number(),
      /** On the pictures of the fold. */
      figures: z.object({
        samples: z.int(),
        accuracy: figure,
        meanClassAccuracy: figure,
        macroF1: figure,
        ece: figure,
        brier: figure,
      }),
    }),
  ),
});
export type CrossValidation = z.infer<typeof planSchema>;

/** What a cross-validation is and how far it has got. */
const file = planFile<CrossValidation>({
  name: 'cross-validation.json',
  schema: planSchema,
});

export interface FoldJob {
  readonly run: RunOptions;
  readonly out: string;
  /** A run of that fold to go on with. */
  readonly resume?: string;
}

export interface CrossValidationJob {
  readonly plan: CrossValidation;
  /** Whether the folder holds this cross-validation already. */
  readonly goesOn: boolean;
  /** Folder: `cross-validation.json`, and a run's folder for each fold. */
  readonly out: string;
  readonly device: DeviceName;
  readonly strict: boolean;
  readonly threads?: number;
  readonly workers?: number;
  readonly train: (job: FoldJob) => Promise<TrainResult>;
  /** A fold is about to be trained, or to be gone on with. */
  readonly onFold?: (fold: number, folds: number) => void;
  /** A sentence about the folds. */
  readonly onNote?: (sentence: string) => void;
}

/** The folder of a cross-validation that a path to go on with means: the folder itself, or its file. */
export async function crossValidationAt(path: string): Promise<string | undefined> {
  const folder = file.folderOf(path);
  return (await file.isIn(folder)) ? folder : undefined;
}

/** @throws UserError where there is none, or not one of this version. */
export function readCrossValidation(folder: string): Promise<CrossValidation> {
  return file.read(folder);
}

/**
 * Trains and measures one fold after another, each in `fold-1`, `fold-2`, ... of its own; those that are done are not
 * repeated, and one that was begun goes on.
 * @returns how far it has got: to the end, unless training was interrupted
 * @throws UserError where another process writes into the folder, or a new cross-validation finds a run where a fold's would be
 */
export function crossValidate(job: CrossValidationJob): Promise<CrossValidation> {
  const { out, plan } = job;
  const runs = Array.from({ length: plan.run.folds }, (_, i) => foldFolder(out, i + 1));
  return file.claimed({ ...job, runs }, (now, save) => trainFolds(job, now, save));
}

const foldFolder = (out: string, fold: number): string => join(out, `fold-${fold}`);

async function trainFolds(
  job: CrossValidationJob,
  given: CrossValidation,
  save: (plan: CrossValidation) => Promise<void>,
): Promise<CrossValidation> {
  const { out } = job;
  let plan = given;
  const count = plan.run.folds;
  const scarce = await scarceNote(plan.run);
  if (scarce !== undefined) job.onNote?.(scarce);
  await save(plan);
  for (let fold = 1; fold <= count; fold++) {
    if (plan.done.some((done) => done.fold === fold)) continue;
    job.onFold?.(fold, count);
    const folder = foldFolder(out, fold);
    const last = join(folder, lastFileName);
    const resume = (await exists(last)) ? { resume: last } : {};
    const result = await job.train({ run: { ...plan.run, fold }, out: folder, ...resume });
    if (result.interrupted) break;
    const { bestCheckpoint, bestEpoch, bestAccuracy } = result;
    if (bestCheckpoint === null) {
      throw new UserError(
        `The best weights of fold ${fold} are no longer in ${folder}; put them back, or remove that folder to train it anew.`,
      );
    }
    // From wherever the cross-validation is resumed.
    const checkpoint = resolve(bestCheckpoint);
    const figures = await measure(job, fold, checkpoint, join(folder, 'evaluation.json'));
    plan = { ...plan, done: [...plan.done, { fold, checkpoint, bestEpoch, bestAccuracy, figures }] };
    await save(plan);
  }
  return plan;
}

/** Measures a fold's weights on the pictures that they never saw, and writes all there is to say of it to a file. */
async function measure(job: CrossValidationJob, fold: number, checkpoint: string, path: string): Promise<Figures> {
  const { plan, device, strict, threads, workers } = job;
  const { data, trainSplit, dataType, folds, seed } = plan.run;
  const classifier = await loadClassifier(checkpoint, { device, acrossBatch: true, ...defined({ threads }) });
  try {
    const result = await evaluateOn(classifier, data, {
      split: trainSplit,
      fold: { index: fold, count: folds, seed },
      strict,
      ...defined({ workers }),
      ...(dataType === null ? {} : { folderLabels: dataTypeLabels[dataType] }),
    });
    const measurement = { checkpoint, model: classifier.description.model.name, data, result };
    await writeFileAtomic(path, `${JSON.stringify(evaluationDocument(measurement), null, 2)}\n`);
    return figuresOf(result.evaluation);
  } finally {
    await classifier.dispose();
  }
}

/** A sentence about classes that have fewer pictures than there are folds. */
async function scarceNote({ data, trainSplit, folds, seed }: CrossValidation['run']): Promise<string | undefined> {
  const { scarce } = divide(await loadDataset(data, trainSplit), { index: 1, count: folds, seed });
  if (scarce.length === 0) return undefined;
  return `Some folds hold no picture of ${scarce.join(', ')}: there are fewer than ${folds}.`;
}

/** What a cross-validation has found so far, for programs. */
export function crossValidationDocument(out: string, plan: CrossValidation): object {
  const { run, done } = plan;
  return {
    run,
    out,
    interrupted: done.length < run.folds,
    folds: done,
    spread: spreadOf(done.map(({ figures }) => figures)),
  };
}
