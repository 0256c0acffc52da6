import { Command, Option } from 'commander';
import * as z from 'zod';
import { quoted } from '../../common/command-line.js';
import { countText } from '../../common/count-text.js';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import { percent } from '../../common/percent.js';
import type { LearnEpoch } from '../../learn/index.js';
import { checkOutputFiles, guardInputs } from '../../node/files/output-paths.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import { confusionTable } from '../../node/report/index.js';
import { type LearnedFolder, learn } from '../../node/runs/learn-folder.js';
import { numberOf, safetensorsArgument } from '../arguments.js';
import { type CheckpointOptions, positive, withCheckpointOptions } from '../checkpoint-options.js';
import { duration, note, noteSkipped, printResult } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { stopOnSignals } from '../interrupt.js';
import { openDevice } from '../open-device.js';
import { countBar } from '../progress.js';

interface LearnFlags extends CheckpointOptions {
  readonly out: string;
  readonly aligned?: boolean;
  readonly keep?: boolean;
  readonly minScore?: number;
  readonly minSize?: number;
  readonly epochs?: number;
  readonly lr?: number;
  readonly batchSize?: number;
  readonly holdOut?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

const fraction = numberOf(z.number().gt(0).lt(1));

export function learnCommand(): Command {
  const command = new Command('learn')
    .description('teach a network expressions of your own, from some 20 photos of each')
    .argument('<folder>', 'a folder of photos for each expression')
    .option('--out <file>', 'file to write', safetensorsArgument, 'learned.safetensors')
    .addOption(
      new Option('--checkpoint <path>', 'weights to start from: a file, or a folder that holds them').default(
        bundledCheckpoint(),
        'bundled poster-v2-nano',
      ),
    )
    .option('--keep', 'keep the other expressions of those weights as classes')
    .option('--aligned', 'the pictures are face crops: do not detect faces')
    .addOption(
      new Option('--min-score <score>', 'least detection score of a face, between 0 and 1 (default: 0.6)')
        .argParser(fraction)
        .conflicts('aligned'),
    )
    .addOption(
      new Option('--min-size <pixels>', 'least width of a face, brow to chin')
        .argParser(numberOf(z.number().min(0)))
        .conflicts('aligned'),
    )
    .option('--epochs <count>', 'passes over the faces (default: 20)', positive)
    .option('--lr <rate>', 'highest learning rate (default: 3e-4)', numberOf(z.number().gt(0)))
    .option('--batch-size <count>', 'faces of an update (default: 16)', positive)
    .option('--hold-out <fraction>', 'share of each expression held out for validation (default: 0.15)', fraction)
    .option('--seed <number>', 'seed of the held-out faces and all other random numbers', numberOf(z.int().min(0)));
  return withCheckpointOptions(command)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The largest face of each photo is used. Ctrl-C ends training, and the best weights so far are written.

Example:
  poster learn faces --out mine.safetensors
  poster predict photo.jpg --checkpoint mine.safetensors`,
    )
    .action(run);
}

async function run(folder: string, flags: LearnFlags): Promise<void> {
  const { out, checkpoint, model, labels, aligned, minScore, minSize, json } = flags;
  const { keep, epochs, lr, batchSize, holdOut, seed, threads } = flags;
  await checkOutputFiles([{ option: '--out', path: out }]);
  await (await guardInputs([checkpoint]))('--out', out);
  const device = await openDevice(flags.device);
  const progress = countBar('pictures');
  const interrupt = stopOnSignals(
    'Stopping; press again to quit at once.',
    new UserError('Stopped before anything was learned.', 'interrupted'),
  );
  let learned: LearnedFolder;
  try {
    learned = await learn(folder, {
      ...{ out, checkpoint, device, detect: defined({ minScore, minSize }), assumed: defined({ model, labels }) },
      ...defined({ aligned, keep, epochs, lr, batchSize, holdOut, seed, threads }),
      command: quoted(['poster', ...process.argv.slice(2)]),
      signal: interrupt.signal,
      onPicture: progress.update,
      onEpoch: (epoch) => {
        progress.stop();
        note(line(epoch));
      },
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
  for (const sentence of learned.notes) note(`Note: ${sentence}`);
  noteSkipped(learned.without.map(({ picture, reason }) => ({ reason: `${picture}: ${reason}` })));
  printResult(json, documentOf(learned, folder), () => text(learned));
  if (learned.interrupted) process.exitCode = ExitCode.interrupted;
}

function line({ epoch, epochs, loss, accuracy, crossEntropy, isBest }: LearnEpoch): string {
  const where = loss === null ? 'before' : `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}`;
  return `${where} | held out: loss ${crossEntropy.toFixed(4)}, accuracy ${percent(accuracy)}%${isBest ? ' | best so far' : ''}`;
}

function documentOf({ path, evaluation, ...rest }: LearnedFolder, folder: string): object {
  const { accuracy, confusion } = evaluation;
  return { folder, out: path, accuracy, confusion, ...rest };
}

function text({ path, labels, counts, epoch, evaluation, history, seconds, interrupted }: LearnedFolder): string {
  const names = labels.labels;
  const [before] = history;
  const ended = interrupted
    ? `stopped after epoch ${itemAt(history, history.length - 1).epoch}`
    : countText(history.length - 1, 'epoch');
  return [
    `Learned ${names.length} classes (${names.join(', ')}) from ${countText(counts.training, 'face')}: ${ended}, of which ${epoch} is the best.`,
    `Finding faces took ${duration(seconds.faces)}, training ${duration(seconds.training)}.`,
    `Accuracy on ${countText(counts.heldOut, 'face')} held out: ${percent(evaluation.accuracy)}% (before: ${percent(before?.accuracy ?? null)}%)`,
    '',
    confusionTable(evaluation.confusion, names),
    '',
    `Try it: npx poster predict photo.jpg --checkpoint ${quoted([path])}`,
  ].join('\n');
}
