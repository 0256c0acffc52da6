import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { defined } from '../../common/defined.js';
import { UserError } from '../../common/errors.js';
import { itemAt } from '../../common/item-at.js';
import type { LabelSet } from '../../common/labels.js';
import type { Shard } from '../../common/shares.js';
import type { LowContrast } from '../../image/index.js';
import { figuresOf, spreadOf } from '../../metrics/index.js';
import { guardDataset } from '../../node/datasets/guard-dataset.js';
import { checkOutputFiles, guardInputs } from '../../node/files/output-paths.js';
import { bundledCheckpoint } from '../../node/host/bundled-weights.js';
import {
  checkEvaluation,
  type Evaluated,
  type EvaluateOptions,
  evaluateOn,
  evaluationDocument,
  type LabelMapping,
  type Measurement,
  measuringWith,
  type OpenedEvaluation,
  openEvaluation,
  scoreBatch,
  scoredRecord,
} from '../../node/measure/index.js';
import { corruptionText, measurementsTable } from '../../node/report/index.js';
import {
  type Classifier,
  type CropCount,
  cropCounts,
  describeCheckpoint,
  usualCropScale,
} from '../../recognize/index.js';
import { describedAs } from '../../safetensors/index.js';
import { labelSetArgument, names, numberOf } from '../arguments.js';
import {
  type CheckpointOptions,
  labelSetNames,
  lowContrastOption,
  openToMeasure,
  positive,
  preferOption,
  rawOption,
  withCheckpointOptions,
} from '../checkpoint-options.js';
import { distinctCheckpoints } from '../checkpoints-to-measure.js';
import { note, printResult } from '../context.js';
import { type CorruptionFlags, checkPlot, writePlot } from '../corruption-plot.js';
import { noteEvaluation } from '../evaluation-notes.js';
import { evaluationText, protocolText } from '../evaluation-text.js';
import { type FoldFlags, foldToMeasure } from '../fold-options.js';
import { writePredictions } from '../predictions-csv.js';
import { countBar } from '../progress.js';
import { type BatchWork, batchesByRanks, findDataset } from '../ranks/batch-ranks.js';
import { byRanks, type Ranks, silenceOtherRanks } from '../ranks/by-ranks.js';
import { compareWork } from '../ranks/same-work.js';
import { runBatchShard } from '../shards/batch-shard.js';
import { type EvaluationShardFacts, evaluationShardSchema, mergeEvaluation } from '../shards/merge-evaluation.js';
import {
  forMerge,
  refuseFolderAlone,
  refuseWithRanks,
  refuseWithShard,
  type ShardFlags,
  sharedOnce,
  withShardOptions,
} from '../shards/shard-options.js';

interface EvaluateFlags extends Omit<CheckpointOptions, 'checkpoint'>, FoldFlags, CorruptionFlags, ShardFlags {
  readonly checkpoint: readonly string[];
  readonly data: string;
  readonly split?: string;
  readonly lowContrast: LowContrast;
  readonly flip?: boolean;
  readonly crops?: CropCount;
  readonly cropScale?: number;
  readonly mapLabels?: boolean;
  readonly unseen?: boolean;
  readonly unknown?: 'wrong' | 'leave-out';
  readonly absent?: 'keep' | 'remove';
  readonly without?: readonly string[];
  readonly csv?: string;
  readonly dataLabels?: LabelSet;
  readonly batchSize: number;
  readonly workers?: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

function cropCountArgument(text: string): CropCount {
  const found = cropCounts.find((count) => String(count) === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${cropCounts.join(', ')}.`);
}

export function evaluateCommand(): Command {
  silenceOtherRanks();
  const command = new Command('evaluate')
    .description('measure checkpoints on a dataset: accuracy, mean-class accuracy, macro-F1, calibration, confusions')
    .requiredOption('--data <dir>', 'dataset: class folders, or splits of class folders')
    .addOption(
      new Option('--checkpoint <path...>', 'weights, files or folders; several: mean and deviation over them').default(
        [bundledCheckpoint()],
        'bundled poster-v2-nano',
      ),
    )
    .option('--split <name>', 'split of the dataset (default: test, else valid; with --folds: train)')
    .option('--folds <count>', 'measure one fold of the split: as many folds as in training', numberOf(z.int().min(2)))
    .option(
      '--fold <number>',
      'which fold, from 1 (default: the one that the training of the weights left out)',
      positive,
    )
    .option(
      '--seed <number>',
      'seed of the folds (default: that of the weights, else 0), or of --corruptions (default: 0)',
      numberOf(z.int().min(0)),
    )
    .option('--unseen', 'leave out pictures that are also in the training split, byte for byte')
    .addOption(lowContrastOption('keep'))
    .addOption(rawOption())
    .addOption(preferOption())
    .option('--flip', 'mean of the probabilities of each picture and its mirror image')
    .option('--crops <count>', 'mean over crops of each picture: 1 (centre), 5 (corners too) or 9', cropCountArgument)
    .option(
      '--crop-scale <fraction>',
      `side of the crops, as a fraction (default: ${usualCropScale})`,
      numberOf(z.number().gt(0).max(1)),
    )
    .option('--map-labels', 'measure although weights and data have different expressions')
    .addOption(
      new Option('--unknown <how>', 'pictures of expressions that the weights lack (default: wrong)')
        .choices(['wrong', 'leave-out'])
        .implies({ mapLabels: true }),
    )
    .addOption(
      new Option('--absent <how>', 'expressions of the weights that the data lacks, in the ranking (default: keep)')
        .choices(['keep', 'remove'])
        .implies({ mapLabels: true }),
    )
    .option(
      '--without <list>',
      'expressions to leave out, such as contempt: their pictures are not measured, and none of them is predicted',
      names,
    )
    .option(
      '--corruptions',
      'also measure under blur, noise, poor light and nine others, at five strengths each: 61 times the work',
    )
    .option('--plot <file>', 'draw accuracy under --corruptions (.svg, .png or .html)')
    .option('--csv <file>', 'write a line for each picture: path, true and predicted label, probabilities');
  return withShardOptions(withCheckpointOptions(command))
    .option('--data-labels <name>', `what numbered class folders stand for (${labelSetNames})`, labelSetArgument)
    .option('--batch-size <count>', 'pictures at once', positive, 32)
    .option('--workers <count>', 'threads that decode pictures', numberOf(z.int().min(0)))
    .option('--strict', 'fail at a picture that cannot be read, instead of leaving it out')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  poster evaluate --data data/ferplus --checkpoint runs/poster-v2-nano/best.safetensors
  poster evaluate --data data/affectnet-8 --checkpoint raf-db.safetensors --map-labels --unknown leave-out
  poster evaluate --data data/ferplus --checkpoint runs/seed-*/best.safetensors
  poster evaluate --data data/ferplus --corruptions --plot corruptions.html`,
    )
    .action((flags: EvaluateFlags, command: Command) => byRanks(flags, (ranks) => run(flags, command, ranks)));
}

async function run(flags: EvaluateFlags, command: Command, ranks: Ranks | undefined): Promise<void> {
  refuseFolderAlone(command, flags);
  if (flags.cropScale !== undefined && flags.crops === undefined) {
    throw new UserError('--crop-scale is the size of crops; give --crops too, or leave it out.', 'usage');
  }
  if (flags.csv !== undefined && flags.checkpoint.length > 1) {
    throw new UserError('--csv is for the predictions of one checkpoint; give one --checkpoint.', 'usage');
  }
  if (ranks !== undefined) {
    refuseWithRanks(command, ['shard'], sharedOnce);
    refuseWithRanks(command, ['corruptions', 'plot'], 'corruptions are measured by one process');
  }
  if (flags.shard !== undefined) {
    refuseWithShard(command, ['csv', 'json'], forMerge);
    refuseWithShard(command, ['corruptions', 'plot'], 'corruptions are measured by one process');
    const [checkpoint, ...others] = flags.checkpoint;
    if (checkpoint === undefined || others.length > 0) {
      throw new UserError('A shard measures one checkpoint; give one --checkpoint.', 'usage');
    }
    return measureShard(flags, flags.shard, checkpoint);
  }
  checkPlot(flags);
  const { csv, plot } = flags;
  const outputs = [
    ...(csv === undefined ? [] : [{ option: '--csv', path: csv }]),
    ...(plot === undefined ? [] : [{ option: '--plot', path: plot }]),
  ];
  if (ranks === undefined || ranks.rank === 0) {
    // Before the work, not after it.
    await checkOutputFiles(outputs);
    const guards = [await guardInputs(flags.checkpoint), guardDataset(flags.data)];
    for (const { option, path } of outputs) for (const guard of guards) await guard(option, path);
  }
  const distinct = (): Promise<{ paths: string[]; notes: string[] }> => distinctCheckpoints(flags.checkpoint);
  const { paths: checkpoints, notes } = await (ranks === undefined
    ? distinct()
    : ranks.fromFirst(distinctSchema, distinct));
  for (const sentence of notes) note(sentence);
  // Neither after the first have been measured for hours.
  if (checkpoints.length > 1 && (ranks === undefined || ranks.rank === 0)) await checkCheckpoints(checkpoints, flags);
  const measurements: Measurement[] = [];
  for (const checkpoint of checkpoints) {
    if (checkpoints.length > 1) note(checkpoint);
    const settings =
      ranks === undefined
        ? flags
        : await compareWork(ranks, flags, { command: 'evaluate', checkpoint, outputs: written });
    const classifier = await openToMeasure({ ...settings, checkpoint });
    try {
      const measurement = await (ranks === undefined
        ? measure(classifier, checkpoint, flags)
        : measureByRanks(ranks, classifier, checkpoint, flags));
      if (measurement !== undefined) measurements.push(measurement);
    } finally {
      await classifier.dispose();
    }
  }
  const [first, second] = measurements;
  if (first === undefined) return;
  if (csv !== undefined) await writePredictions(csv, first.result);
  if (plot !== undefined) await writePlot(plot, measurements);
  if (second === undefined) {
    printResult(flags.json, evaluationDocument(first), () => evaluationText(first));
    return;
  }
  const spread = spreadOf(measurements.map(({ result }) => figuresOf(result.evaluation)));
  printResult(flags.json, { checkpoints: measurements.map(evaluationDocument), spread }, () =>
    severalText(measurements),
  );
}

const distinctSchema = z.object({ paths: z.array(z.string()), notes: z.array(z.string()) });

/**
 * That all weights can be measured on the data, by what their files say of them.
 * @throws UserError that names the first that cannot
 */
async function checkCheckpoints(checkpoints: readonly string[], flags: EvaluateFlags): Promise<void> {
  const { data, model, labels, prefer = 'accuracy' } = flags;
  for (const checkpoint of checkpoints) {
    const description = await describeCheckpoint(checkpoint, defined({ model, labels }));
    describedAs(description, prefer, checkpoint);
    await checkEvaluation(description, data, evaluateOptions(flags, { description }, checkpoint));
  }
}

/** What is measured, and how, of the options. */
function evaluateOptions(
  flags: EvaluateFlags,
  { description }: Pick<Classifier, 'description'>,
  checkpoint: string,
): EvaluateOptions & { readonly batchSize: number } {
  const { split, dataLabels, batchSize, workers, strict = false, lowContrast, flip = false, unseen = false } = flags;
  const { crops: count, cropScale: scale, unknown, absent, without } = flags;
  const { corruptions = false, folds, fold: part, seed } = flags;
  const seedOfCorruptions = corruptions && folds === undefined && part === undefined;
  const fold = seedOfCorruptions ? undefined : foldToMeasure(flags, description, checkpoint);
  return {
    batchSize,
    strict,
    lowContrast,
    flip,
    unseen,
    ...defined({ split, fold }),
    ...(count === undefined ? {} : { crops: { count, ...defined({ scale }) } }),
    ...(flags.mapLabels === true ? { mapping: defined({ unknown, absent }) } : {}),
    ...(corruptions ? { corruptions: defined({ seed }) } : {}),
    ...defined({ folderLabels: dataLabels, workers, without }),
  };
}

async function measure(classifier: Classifier, checkpoint: string, flags: EvaluateFlags): Promise<Measurement> {
  const { data } = flags;
  const { corruptions, ...options } = evaluateOptions(flags, classifier, checkpoint);
  const progress = countBar('pictures');
  const corruptedProgress = countBar('corrupted pictures');
  const corrupted: typeof progress.update = (done, total) => {
    // One bar at a time draws on the line.
    progress.stop();
    corruptedProgress.update(done, total);
  };
  let result: Evaluated;
  try {
    result = await evaluateOn(classifier, data, {
      ...options,
      onProgress: progress.update,
      ...(corruptions === undefined ? {} : { corruptions: { ...corruptions, onProgress: corrupted } }),
    });
  } finally {
    progress.stop();
    corruptedProgress.stop();
  }
  noteEvaluation(result);
  return { checkpoint, model: classifier.description.model.name, data, result };
}

/** What says how results are written. */
const written = ['csv', 'json', 'plot', 'corruptions'] as const;

/** What a measurement is told with. */
function factsOf(
  { dataset, facts }: OpenedEvaluation,
  { description }: Classifier,
  checkpoint: string,
  data: string,
): EvaluationShardFacts {
  return {
    checkpoint,
    model: description.model.name,
    data,
    folder: join(dataset.root, dataset.split),
    pictures: dataset.samples.length,
    evaluation: facts,
  };
}

/** What the network says of a batch, with the votes of its pictures. */
const recordsOf =
  (network: Classifier, { samples }: BatchWork['dataset'], mapping: LabelMapping): BatchWork['compute'] =>
  async (batch, pictures) =>
    scoredRecord(
      await scoreBatch(network, batch, pictures, mapping),
      pictures.indices.map((index) => itemAt(samples, index).distribution),
    );

/** Looks at the pictures with all ranks. @returns what rank 0 measures */
async function measureByRanks(
  ranks: Ranks,
  classifier: Classifier,
  checkpoint: string,
  flags: EvaluateFlags,
): Promise<Measurement | undefined> {
  const { data } = flags;
  const options = evaluateOptions(flags, classifier, checkpoint);
  const { dataset, facts } = await findDataset(ranks, data, evaluationShardSchema, async () => {
    const opened = await openEvaluation(classifier, data, options);
    return { dataset: opened.dataset, facts: factsOf(opened, classifier, checkpoint, data) };
  });
  const { network, loading } = measuringWith(classifier, options);
  const compute = recordsOf(network, dataset, facts.evaluation.mapping);
  return batchesByRanks(ranks, { dataset, loading, compute }, (results) => mergeEvaluation(facts, results));
}

/** Looks at a part of the pictures: what the network says of them goes to the shard's file. */
async function measureShard(flags: EvaluateFlags, shard: Shard, checkpoint: string): Promise<void> {
  const classifier = await openToMeasure({ ...flags, checkpoint });
  try {
    const { data } = flags;
    const options = evaluateOptions(flags, classifier, checkpoint);
    const opened = await openEvaluation(classifier, data, options);
    const { dataset, network, mapping, loading } = opened;
    await runBatchShard(shard, flags, {
      command: 'evaluate',
      checkpoint,
      options: flags,
      outputs: written,
      facts: factsOf(opened, classifier, checkpoint, data),
      dataset,
      loading,
      compute: recordsOf(network, dataset, mapping),
    });
  } finally {
    await classifier.dispose();
  }
}

/** A row for each; each protocol once, with the checkpoints that it counts for. */
function severalText(measurements: readonly Measurement[]): string {
  const protocols = new Map<string, string[]>();
  for (const { checkpoint, result } of measurements) {
    const text = protocolText(result.protocol);
    protocols.set(text, [...(protocols.get(text) ?? []), checkpoint]);
  }
  return [
    measurementsTable(
      'checkpoint',
      measurements.map(({ checkpoint, result }) => ({ name: checkpoint, figures: figuresOf(result.evaluation) })),
    ),
    ...measurements.flatMap(({ checkpoint, result: { robustness } }) =>
      robustness === undefined ? [] : ['', checkpoint, corruptionText(robustness)],
    ),
    ...[...protocols].flatMap(([text, checkpoints]) => [
      '',
      protocols.size === 1 ? text : text.replace('Protocol', `Protocol of ${checkpoints.join(', ')}`),
    ]),
  ].join('\n');
}
