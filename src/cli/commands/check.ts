import { Command, Option } from 'commander';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import { printable } from '../../common/printable.js';
import { readDescription } from '../../node/datasets/dataset-description.js';
import {
  checkDataset,
  type DatasetCheck,
  reportedSplitOf,
  type SameGroup,
  type Size,
  verdictOn,
} from '../../node/datasets/index.js';
import { type LabelOrder, sampledLabelOrder } from '../../node/measure/index.js';
import { writeSheets } from '../../node/report/contact-sheets.js';
import { fontNote, formatTable } from '../../node/report/index.js';
import { describeCheckpoint } from '../../recognize/index.js';
import { labelSetArgument } from '../arguments.js';
import { labelSetNames, openCheckpoint, positive } from '../checkpoint-options.js';
import { grouped, note, printResult } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { refuseGiven } from '../given-options.js';
import { stopOnSignals } from '../interrupt.js';
import { countBar } from '../progress.js';
import { advised } from '../settings.js';

interface CheckFlags {
  readonly checkpoint?: string;
  readonly labels?: LabelSet;
  readonly dataLabels?: LabelSet;
  readonly sheets?: string;
  readonly similar: boolean;
  readonly workers?: number;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('check a dataset: counts, duplicates, unreadable pictures, sizes, order of labels')
    .argument('<dir>', 'dataset: class folders, or splits of class folders')
    .option('--checkpoint <file>', 'compare the order of labels with these weights, by name and by their predictions')
    .option(
      '--labels <name>',
      `label set of weights that do not name it, such as a .pth (${labelSetNames})`,
      labelSetArgument,
    )
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--sheets <dir>', 'write a contact sheet for each class: a PNG of its pictures')
    .addOption(new Option('--no-similar', 'find byte-identical pictures only, no near-duplicates'))
    .option('-j, --workers <count>', 'pictures processed at once (default: one per core)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The exit code is ${ExitCode.input} if something is wrong, otherwise ${ExitCode.ok}.

Example:
  poster check data/raf-db --checkpoint runs/raf-db/best.safetensors --sheets sheets`,
    )
    .action(run);
}

async function run(dir: string, flags: CheckFlags, command: Command): Promise<void> {
  if (flags.checkpoint === undefined) {
    refuseGiven(
      command,
      ['labels'],
      (flag) => `${flag} names the labels of weights; give --checkpoint too, or leave it out.`,
    );
  }
  const { checkpoint, labels, dataLabels, workers, similar } = flags;
  // Before minutes of work.
  const weights =
    checkpoint === undefined ? undefined : (await describeCheckpoint(checkpoint, defined({ labels }))).labels;
  if (flags.sheets !== undefined && (await readDescription(dir))?.tensors === true) {
    throw new UserError('Prepared tensors are no pictures that a sheet could show; leave out --sheets.', 'usage');
  }
  const progress = countBar('pictures');
  const interrupt = stopOnSignals('Stopping.', new UserError('Stopped before the end.', 'interrupted'));
  let check: DatasetCheck;
  let sheets: string[] = [];
  let order: LabelOrder | undefined;
  try {
    check = await checkDataset(dir, {
      similar,
      onProgress: progress.update,
      signal: interrupt.signal,
      ...defined({ folderLabels: dataLabels, workers }),
    });
    progress.stop();
    if (flags.sheets !== undefined) {
      const splits = check.splits.map(({ split }) => split);
      sheets = await writeSheets(check.root, splits, flags.sheets, {
        ...defined({ labels: dataLabels }),
        signal: interrupt.signal,
      });
      for (const missing of await fontNote()) note(missing);
    }
    order = await orderOf(check, verdictOn(check, weights).comparison?.kind, flags);
  } finally {
    progress.stop();
    interrupt.release();
  }
  const found = verdictOn(check, weights);
  const { comparison } = found;
  const withAdvice = (problem: string): string =>
    problem === comparison?.explanation ? advised(problem, comparison.settings) : problem;
  const problems = [...found.problems.map(withAdvice), ...(order === undefined ? [] : [order.explanation])];
  const verdict = { ...found, problems };
  const document = { data: dir, ...check, ...verdict, order: order ?? null, sheets };
  printResult(flags.json, document, () => text(check, verdict, sheets));
  if (problems.length > 0) process.exitCode = ExitCode.input;
}

/** What the weights themselves say of the order, where they have the data's expressions: seconds of work. */
async function orderOf(
  { root, splits }: DatasetCheck,
  comparison: 'same' | 'reordered' | 'different' | undefined,
  { checkpoint, labels, dataLabels }: CheckFlags,
): Promise<LabelOrder | undefined> {
  const names = splits.flatMap(({ split, sizes }) => (sizes === null ? [] : [split]));
  const split = reportedSplitOf(names) ?? names[0];
  if (checkpoint === undefined || split === undefined || comparison === undefined || comparison === 'different') return;
  const classifier = await openCheckpoint({ checkpoint, device: 'cpu', ...defined({ labels }) });
  const progress = countBar('pictures for the order of labels');
  try {
    return await sampledLabelOrder(classifier, root, split, {
      ...defined({ folderLabels: dataLabels }),
      onProgress: progress.update,
    });
  } finally {
    progress.stop();
    await classifier.dispose();
  }
}

const sizeText = ({ width, height }: Size): string => `${width}x${height}`;

function text(check: DatasetCheck, verdict: ReturnType<typeof verdictOn>, sheets: readonly string[]): string {
  const { labels, splits } = check;
  const voted = splits.some(({ noMajority }) => noMajority > 0);
  const row = (name: string, cell: (split: (typeof splits)[number]) => string): string[] => [name, ...splits.map(cell)];
  const table = formatTable([
    row(labels.name, ({ split }) => (split === '.' ? 'all' : split)),
    ...labels.labels.map((label, i) => row(`${i} ${printable(label, 40)}`, ({ counts }) => grouped(itemAt(counts, i)))),
    row('pictures', ({ pictures }) => grouped(pictures)),
    ...(voted ? [row('without majority', ({ noMajority }) => grouped(noMajority))] : []),
    row('unreadable', ({ unreadable }) => grouped(unreadable.length)),
    row('smallest', ({ sizes }) => (sizes === null ? '-' : sizeText(sizes.smallest))),
    row('median', ({ sizes }) => (sizes === null ? '-' : sizeText(sizes.median))),
    row('largest', ({ sizes }) => (sizes === null ? '-' : sizeText(sizes.largest))),
    row('not square', ({ nonSquare }) => grouped(nonSquare)),
    row('gray', ({ gray }) => grouped(gray)),
    row('colour', ({ colour }) => grouped(colour)),
  ]);
  const unreadable = splits.flatMap((split) => split.unreadable.map(({ reason }) => reason));
  const across = (groups: readonly SameGroup[]): SameGroup[] => groups.filter(({ acrossSplits }) => acrossSplits);
  return [
    table,
    ...listed('Cannot be read', unreadable),
    ...listed('The same picture in several splits', across(check.identical).map(groupText)),
    ...listed(
      'The same picture under several labels',
      check.identical.filter(({ acrossLabels, acrossSplits }) => acrossLabels && !acrossSplits).map(groupText),
    ),
    ...listed('Look the same, in several splits', across(check.similar).map(groupText)),
    '',
    ...(sheets.length > 0 ? [`Contact sheets: ${itemAt(sheets, 0)} and ${sheets.length - 1} more.`] : []),
    ...(verdict.comparison?.kind === 'same' ? [verdict.comparison.explanation] : []),
    ...verdict.warnings.map((warning) => `Note: ${printable(warning, 400)}`),
    ...verdict.problems.map((problem) => `Wrong: ${printable(problem, 700)}`),
    ...(verdict.problems.length === 0 ? ['Nothing is wrong.'] : []),
  ].join('\n');
}

function groupText({ pictures }: SameGroup): string {
  return pictures.map(({ path }) => path).join(' = ');
}

function listed(title: string, lines: readonly string[], most = 10): string[] {
  if (lines.length === 0) return [];
  return [
    '',
    `${title} (${grouped(lines.length)}):`,
    ...lines.slice(0, most).map((line) => `  ${printable(line, 300)}`),
    ...(lines.length > most ? [`  and ${grouped(lines.length - most)} more (--json lists all)`] : []),
  ];
}
