import type { Command } from 'commander';
import * as z from 'zod';
import { defined } from '../common/defined.js';
import type { LabelSet } from '../common/labels.js';
import { type Evaluated, evaluateOn } from '../node/measure/index.js';
import type { RunFolder } from '../node/report/index.js';
import type { Classifier } from '../recognize/index.js';
import type { DeviceName } from '../runtime/index.js';
import { labelSetArgument, numberOf } from './arguments.js';
import { deviceOption, labelSetNames, openToMeasure, positive } from './checkpoint-options.js';
import { note, noteSkipped } from './context.js';
import { refuseGiven } from './given-options.js';
import { countBar } from './progress.js';

/** How commands that read runs measure their weights on a dataset, if they are to. */
export interface RunEvaluationFlags {
  readonly data?: string;
  readonly split?: string;
  readonly dataLabels?: LabelSet;
  readonly mapLabels?: boolean;
  readonly device: DeviceName | 'auto';
  readonly threads?: number;
  readonly batchSize: number;
  readonly workers?: number;
}

export function withRunEvaluationOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'dataset to measure the best weights on (default: what training measured)')
    .option('--split <name>', 'split of it (default: test, else valid)')
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--map-labels', 'measure although weights and data have different expressions')
    .addOption(deviceOption('cpu'))
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)));
}

/** @throws UserError (kind `usage`) where what belongs to `--data` comes without it. */
export function refuseWithoutData(command: Command, { data }: RunEvaluationFlags): void {
  if (data !== undefined) return;
  const give = 'give --data too, or leave it out.';
  refuseGiven(command, ['split'], (flag) => `${flag} names a part of a dataset; ${give}`);
  const measuring = ['mapLabels', 'dataLabels', 'device', 'threads', 'batchSize', 'workers'];
  refuseGiven(command, measuring, (flag) => `${flag} is for measuring; ${give}`);
}

/**
 * Measures a run's best weights where `--data` asks for it.
 * @throws UserError where they cannot be measured.
 */
export async function evaluateRun(run: RunFolder, flags: RunEvaluationFlags): Promise<Evaluated | undefined> {
  const { data, split, dataLabels, mapLabels = false, device, threads, batchSize, workers } = flags;
  if (data === undefined) return undefined;
  const classifier: Classifier = await openToMeasure({
    checkpoint: run.bestCheckpoint,
    device,
    ...defined({ threads }),
  });
  const progress = countBar('pictures');
  let result: Evaluated;
  try {
    result = await evaluateOn(classifier, data, {
      batchSize,
      onProgress: progress.update,
      ...defined({ split, folderLabels: dataLabels }),
      ...(mapLabels ? { mapping: {} } : {}),
      ...defined({ workers }),
    });
  } finally {
    progress.stop();
    await classifier.dispose();
  }
  if (result.note !== undefined) note(result.note);
  for (const warning of result.warnings) note(`Note: ${warning}`);
  noteSkipped(result.skipped);
  return result;
}
