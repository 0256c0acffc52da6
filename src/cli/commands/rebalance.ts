import { Command } from 'commander';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { checkOutputFiles } from '../../node/files/output-paths.js';
import { defaultShare, type Rebalanced, rebalance } from '../../node/measure/index.js';
import { formatTable } from '../../node/report/index.js';
import { labelSetArgument, numberOf, safetensorsArgument } from '../arguments.js';
import { labelSetNames } from '../checkpoint-options.js';
import { grouped, printResult } from '../context.js';

interface RebalanceFlags {
  readonly checkpoint: string;
  readonly data: string;
  readonly split: string;
  readonly share: number;
  readonly out?: string;
  readonly dataLabels?: LabelSet;
  readonly json?: boolean;
}

export function rebalanceCommand(): Command {
  return new Command('rebalance')
    .description('add a head that names rare expressions more often (--prefer rare) to a checkpoint')
    .requiredOption('--checkpoint <path>', 'weights: a .safetensors file, or a folder that holds one')
    .requiredOption('--data <dir>', 'dataset that they were trained on')
    .option('--split <name>', 'split that says how frequent each class is', 'train')
    .option(
      '--share <fraction>',
      'how much the mean over classes counts beside accuracy, above 0 to 1',
      numberOf(z.number().gt(0).max(1)),
      defaultShare,
    )
    .option('--out <file>', 'file to write (default: the one that is read)', safetensorsArgument)
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Nothing is trained: the head's biases are moved by what the classes' frequencies say. Calibrate the weights first.

Example:
  poster rebalance --checkpoint mine.safetensors --data data/ferplus --out both.safetensors
  poster predict photo.jpg --checkpoint both.safetensors --prefer rare`,
    )
    .action(run);
}

async function run(flags: RebalanceFlags): Promise<void> {
  const { checkpoint, data, split, share, out, dataLabels } = flags;
  if (out !== undefined) await checkOutputFiles([{ option: '--out', path: out }]);
  const result = await rebalance(checkpoint, data, { split, share, ...defined({ out, folderLabels: dataLabels }) });
  const { path, labels, counts, weights } = result;
  printResult(flags.json, { checkpoint, data, out: path, share, labels, counts, weights }, () => text(result));
}

function text({ path, labels, counts, weights }: Rebalanced): string {
  return [
    `A head that prefers rare classes, in ${path}:`,
    formatTable([
      ['class', 'pictures', 'its probability times'],
      ...labels.labels.map((label, k) => [label, grouped(itemAt(counts, k)), itemAt(weights, k).toFixed(2)]),
    ]),
  ].join('\n');
}
