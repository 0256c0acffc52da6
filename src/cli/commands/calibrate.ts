import { Command, Option } from 'commander';
import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import type { LabelSet } from '../../common/labels.js';
import { percent } from '../../common/percent.js';
import { checkOutputFiles } from '../../node/files/output-paths.js';
import { type Calibrated, calibrate, type FittedTemperature } from '../../node/measure/index.js';
import { formatTable } from '../../node/report/index.js';
import { labelSetArgument, numberOf, safetensorsArgument } from '../arguments.js';
import {
  type CheckpointOptions,
  labelSetNames,
  openAs,
  positive,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { note, noteSkipped, printResult } from '../context.js';
import { countBar } from '../progress.js';

interface CalibrateFlags extends CheckpointOptions {
  readonly data: string;
  readonly split: string;
  readonly holdOut?: number;
  readonly seed?: number;
  readonly targets: 'labels' | 'distribution';
  readonly out?: string;
  readonly dataLabels?: LabelSet;
  readonly batchSize: number;
  readonly workers?: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function calibrateCommand(): Command {
  const command = new Command('calibrate')
    .description(
      'fit a temperature on pictures, so that probabilities mean what they say, and store it with the weights',
    )
    .requiredOption('--checkpoint <path>', 'weights: a .safetensors file, or a folder that holds one')
    .requiredOption('--data <dir>', 'dataset: class folders, or splits of class folders')
    .requiredOption('--split <name>', 'split of it: pictures that the weights were not trained on')
    .option(
      '--hold-out <fraction>',
      'only the part of the split that poster train --calibration FRACTION kept from training',
      numberOf(z.number().gt(0).lt(1)),
    )
    .option('--seed <number>', 'of that run (default: the one that the weights say, else 0)', numberOf(z.int().min(0)))
    .addOption(
      new Option('--targets <name>', 'fit the majority labels, or the distribution of the votes')
        .choices(['labels', 'distribution'])
        .default('labels'),
    )
    .option('--out <file>', 'file to write (default: the one that is read)', safetensorsArgument);
  return withCheckpointOptions(command)
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  poster calibrate --checkpoint mine.safetensors --data data/mine --split calibration
  poster calibrate --checkpoint runs/mine/best.safetensors --data data/ferplus --split train --hold-out 0.035`,
    )
    .action(run);
}

async function run(flags: CalibrateFlags): Promise<void> {
  const { checkpoint, data, split, targets, out, dataLabels, batchSize, workers, strict = false } = flags;
  if (flags.seed !== undefined && flags.holdOut === undefined) {
    throw new UserError('--seed is for the part that --hold-out names; give that too, or leave it out.', 'usage');
  }
  if (out !== undefined) await checkOutputFiles([{ option: '--out', path: out }]);
  const progress = countBar('pictures');
  let result: Calibrated;
  try {
    result = await openAs(
      (path, network) =>
        calibrate(path, data, {
          split,
          targets,
          batchSize,
          strict,
          network,
          onProgress: progress.update,
          ...defined({ out, folderLabels: dataLabels, workers }),
          ...(flags.holdOut === undefined ? {} : { part: { fraction: flags.holdOut, seed: flags.seed } }),
        }),
      flags,
    );
  } finally {
    progress.stop();
  }
  noteSkipped(result.skipped);
  for (const sentence of result.notes) note(`Note: ${sentence}`);
  const { record, before, after, path, rare } = result;
  printResult(
    flags.json,
    {
      checkpoint,
      data,
      out: path,
      temperature: record,
      before,
      after,
      ...defined<{ rare: object }>({ rare: rare && summary(rare) }),
      skipped: result.skipped.map(({ path: picture, reason }) => ({ path: picture, reason })),
    },
    () => text(result),
  );
}

const summary = ({ record, before, after }: FittedTemperature): object => ({ temperature: record, before, after });

function text({ path, rare, ...own }: Calibrated): string {
  const { record } = own;
  const table = ({ before, after }: FittedTemperature): string =>
    formatTable([
      ['on these pictures', 'before', 'after'],
      ['calibration error % (ECE)', percent(before.ece), percent(after.ece)],
      ['cross-entropy (nats)', nats(before.crossEntropy), nats(after.crossEntropy)],
    ]);
  const nats = (value: number | null): string => (value === null ? '-' : value.toFixed(4));
  return [
    `Temperature ${record.value.toFixed(4)}, fitted to the ${record.targets === 'labels' ? 'labels' : 'votes'} of ${countText(record.pictures, 'picture')} (${record.dataset}), in ${path}:`,
    table(own),
    ...(rare === undefined ? [] : [`The head for rare classes: ${rare.record.value.toFixed(4)}`, table(rare)]),
  ].join('\n');
}
