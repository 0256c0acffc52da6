import { Command, Option } from 'commander';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import {
  type LinkKind,
  linkKinds,
  type Prepared,
  prepareDataset,
  type ReleaseName,
  releaseNames,
} from '../../node/datasets/index.js';
import { formatTable } from '../../node/report/index.js';
import { grouped, note, printResult } from '../context.js';
import { stopOnSignals } from '../interrupt.js';
import { countBar } from '../progress.js';
import { advised } from '../settings.js';

interface PrepareFlags {
  readonly link?: LinkKind;
  readonly skipBad?: boolean;
  readonly crops?: boolean;
  readonly json?: boolean;
}

const descriptions: Readonly<Record<ReleaseName, string>> = {
  'raf-db': 'RAF-DB: list_patition_label.txt with aligned pictures, or folders 1 .. 7',
  'affectnet-7': 'AffectNet, 7 expressions: CSV lists, .npy annotations, or folders 0 .. 7',
  'affectnet-8': 'AffectNet, 8 expressions: the same with Contempt',
  'caer-s': 'CAER-S: train/ and test/ with folders Anger .. Surprise; crop the faces first (poster crop)',
  ferplus:
    'FER+: FER2013Train/ ... with label.csv, or fer2013.csv with fer2013new.csv, to class folders and votes.jsonl',
  fer2013: 'FER2013: fer2013.csv or icml_face_data.csv, with its own seven labels',
};

export function prepareCommand(): Command {
  const command = new Command('prepare').description('convert the release of a public dataset to class folders');
  for (const name of releaseNames) {
    const one = new Command(name)
      .description(descriptions[name])
      .argument('<src>', 'folder of the release')
      .argument('<out>', 'folder to make')
      .addOption(
        new Option(
          '--link <kind>',
          'how pictures are transferred (default: hard links if possible, else copies)',
        ).choices(linkKinds),
      )
      .option('--skip-bad', 'leave out lines and pictures that cannot be used, and name them')
      .option('--json', 'print one JSON document');
    if (name === 'caer-s') one.option('--crops', 'the pictures are face crops: no warning that they are whole scenes');
    command.addCommand(
      one
        .addHelpText('after', `\nExample:\n  poster prepare ${name} ${name}-release data/${name}`)
        .action((src: string, out: string, flags: PrepareFlags) => run(name, src, out, flags)),
    );
  }
  return command;
}

async function run(name: ReleaseName, src: string, out: string, flags: PrepareFlags): Promise<void> {
  const progress = countBar('pictures');
  const interrupt = stopOnSignals(
    'Removing what is there so far; press again to quit at once.',
    new UserError('Stopped: nothing was made; run it again to begin again.', 'interrupted'),
  );
  let prepared: Prepared;
  try {
    const { link, skipBad = false, crops = false } = flags;
    prepared = await prepareDataset(name, src, out, {
      skipBad,
      crops,
      onProgress: progress.update,
      signal: interrupt.signal,
      ...defined({ link }),
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
  noteList('could not be used and left out:', prepared.problems);
  const warnings = prepared.warnings.map(({ sentence, settings }) => advised(sentence, settings));
  for (const warning of warnings) note(`Note: ${warning}`);
  printResult(flags.json, { out, ...prepared, warnings }, () => text(out, prepared));
}

function noteList(what: string, sentences: readonly string[], most = 10): void {
  if (sentences.length === 0) return;
  note(`${grouped(sentences.length)} ${what}`);
  for (const sentence of sentences.slice(0, most)) note(`  ${printable(sentence, 300)}`);
  if (sentences.length > most) note(`  and ${grouped(sentences.length - most)} more (--json lists all)`);
}

function text(out: string, { dataset, layout, labels, folders, splits, links, written }: Prepared): string {
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const columns = splits.flatMap(({ split, counts, noMajority }) => [
    { head: split, counts },
    ...(noMajority === undefined ? [] : [{ head: 'no majority', counts: noMajority }]),
  ]);
  const table = formatTable([
    ['class', ...columns.map(({ head }) => head), 'folder'],
    ...labels.map((label, i) => [
      label,
      ...columns.map(({ counts }) => grouped(itemAt(counts, i))),
      itemAt(folders, i),
    ]),
    ['all', ...columns.map(({ counts }) => grouped(sum(counts)))],
  ]);
  const leftOut = splits.flatMap(({ split, leftOut }) =>
    leftOut.map(({ reason, pictures }) => `${grouped(pictures)} of ${split} (${reason})`),
  );
  const kinds = linkKinds.filter((kind) => links[kind] > 0).map((kind) => `${grouped(links[kind])} ${how[kind]}`);
  if (written > 0) kinds.push(`${countText(written, 'picture')} written`);
  return [
    `Prepared ${out}: ${dataset} from ${layout}, ${kinds.join(', ')}.`,
    '',
    table,
    ...(leftOut.length > 0 ? ['', `Left out: ${leftOut.join(', ')}.`] : []),
    ...(columns.some(({ head }) => head === 'no majority')
      ? [`'no majority' pictures serve training on distributions only (poster train --targets distribution).`]
      : []),
    '',
    `Look it through: poster check ${out}`,
  ].join('\n');
}

const how: Readonly<Record<LinkKind, string>> = { hard: 'hard links', symbolic: 'symbolic links', copy: 'copies' };
