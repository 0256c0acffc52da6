import { Command } from 'commander';
import { type PreparedFerPlus, prepareFerPlus } from '../../data/index.js';
import { formatTable } from '../../report/index.js';
import { grouped, printResult } from '../context.js';
import { countBar } from '../progress.js';

export function prepareCommand(): Command {
  const ferplus = new Command('ferplus')
    .description('the FER+ release (FER2013Train/ ... with label.csv) to class folders and votes.jsonl')
    .argument('<src>', 'folder of the release')
    .argument('<out>', 'folder to make')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  poster prepare ferplus ferplus-release data/ferplus')
    .action(async (src: string, out: string, options: { json?: boolean }) => {
      const progress = countBar('pictures');
      try {
        const prepared = await prepareFerPlus(src, out, { onProgress: progress.update });
        progress.stop();
        printResult(options.json, { out, ...prepared }, () => text(out, prepared));
      } finally {
        progress.stop();
      }
    });
  return new Command('prepare')
    .description('bring a public dataset into the layout of this project')
    .addCommand(ferplus);
}

function text(out: string, { labels, splits }: PreparedFerPlus): string {
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const cells = (counts: readonly number[], i: number): string[] => [grouped(counts[i] ?? 0)];
  const table = formatTable([
    ['class', ...splits.flatMap(({ split }) => [split, 'no majority'])],
    ...labels.map((label, i) => [
      label,
      ...splits.flatMap(({ majority, noMajority }) => [...cells(majority, i), ...cells(noMajority, i)]),
    ]),
    ['all', ...splits.flatMap(({ majority, noMajority }) => [grouped(sum(majority)), grouped(sum(noMajority))])],
  ]);
  const dropped = splits.map((one) => `${grouped(one.dropped)} of ${one.split}`).join(', ');
  return [
    `Prepared ${out}.`,
    '',
    table,
    '',
    `Left out (no face, unknown, or no two votes alike): ${dropped}.`,
    `'no majority' pictures serve training on distributions only (poster train --targets distribution).`,
  ].join('\n');
}
