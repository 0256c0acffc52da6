import { Command, Option } from 'commander';
import { z } from 'zod';
import type { LabelSet } from '../../common/labels.js';
import { bundledCheckpoint, type Classifier, type Evaluated, evaluateOn } from '../../recognize/index.js';
import { confusionTable, formatTable, perClassTable, percent } from '../../report/index.js';
import { labelSetArgument, numberOf } from '../arguments.js';
import {
  type CheckpointOptions,
  labelSetNames,
  openCheckpoint,
  positive,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { grouped, note, noteSkipped, printResult } from '../context.js';
import { countBar } from '../progress.js';

interface EvaluateOptions extends CheckpointOptions {
  readonly data: string;
  readonly split?: string;
  readonly dataLabels?: LabelSet;
  readonly batchSize: number;
  readonly workers?: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('measure a checkpoint on a dataset: accuracy, mean-class accuracy, macro-F1, confusions')
    .requiredOption('--data <dir>', 'dataset: class folders, or splits of class folders')
    .addOption(new Option('--checkpoint <file>', 'weights').default(bundledCheckpoint, 'bundled poster-v2-nano'))
    .option('--split <name>', 'split of the dataset (default: test, else valid)');
  return withCheckpointOptions(command)
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  poster evaluate --data data/ferplus --checkpoint runs/poster-v2-nano/best.safetensors',
    )
    .action(async (options: EvaluateOptions) => {
      const classifier = await openCheckpoint(options);
      try {
        await run(classifier, options);
      } finally {
        await classifier.dispose();
      }
    });
}

async function run(classifier: Classifier, options: EvaluateOptions): Promise<void> {
  const { data, split, dataLabels, batchSize, workers, strict = false } = options;
  const progress = countBar('pictures');
  let result: Evaluated;
  try {
    result = await evaluateOn(classifier, data, {
      batchSize,
      strict,
      onProgress: progress.update,
      ...(split === undefined ? {} : { split }),
      ...(dataLabels === undefined ? {} : { folderLabels: dataLabels }),
      ...(workers === undefined ? {} : { workers }),
    });
  } finally {
    progress.stop();
  }
  if (result.note !== undefined) note(result.note);
  noteSkipped(result.skipped);
  printResult(options.json, document(classifier, options, result), () => text(classifier, options, result));
}

function document({ description, labels }: Classifier, options: EvaluateOptions, result: Evaluated): object {
  const { checkpoint, data } = options;
  const { split, evaluation, skipped, note: mapped } = result;
  return {
    checkpoint,
    model: description.model.name,
    data,
    split,
    labels,
    ...(mapped === undefined ? {} : { note: mapped }),
    ...evaluation,
    skipped: skipped.map(({ path, reason }) => ({ path, reason })),
  };
}

function text({ labels }: Classifier, { checkpoint, data }: EvaluateOptions, { split, evaluation }: Evaluated): string {
  const names = labels.labels;
  const { samples, accuracy, meanClassAccuracy, macroF1, topK, crossEntropy } = evaluation;
  const absent = evaluation.absentClasses.map((c) => names[c] ?? String(c));
  return [
    `${checkpoint} on ${data}, split '${split}': ${grouped(samples)} pictures`,
    '',
    formatTable([
      ['accuracy %', percent(accuracy)],
      ['mean-class accuracy %', percent(meanClassAccuracy)],
      ['macro-F1 %', percent(macroF1)],
      [`top-${topK.k} accuracy %`, percent(topK.accuracy)],
      ['cross-entropy (nats)', crossEntropy === null ? '-' : crossEntropy.toFixed(4)],
    ]),
    ...(absent.length === 0 ? [] : [`No pictures of ${absent.join(', ')}: the class means leave them out.`]),
    '',
    confusionTable(evaluation.confusion, names),
    '',
    perClassTable(evaluation.perClass, names),
  ].join('\n');
}
