import { Command, Option } from 'commander';
import * as z from 'zod';
import { countText } from '../../common/count-text.js';
import { percent } from '../../common/percent.js';
import { modelNamed, modelNames } from '../../models/index.js';
import { measureStep, type StepCost } from '../../node/measure/step-cost.js';
import {
  largestBatch,
  ranksThatPay,
  type ScalingAssumptions,
  type ScalingRow,
  scalingRow,
} from '../../node/ranks/scaling.js';
import { formatTable } from '../../node/report/index.js';
import { defaultRun } from '../../node/runs/recipes.js';
import { numberOf } from '../arguments.js';
import { positive } from '../checkpoint-options.js';
import { duration, grouped, note, printResult } from '../context.js';

interface PlanFlags {
  readonly ranks: number;
  readonly network: number;
  readonly latency: number;
  readonly model?: string;
  readonly share: number;
  readonly pictures: number;
  readonly spread?: number;
  readonly threads?: number;
  readonly json?: boolean;
}

const most = 1024;
const above0 = numberOf(z.number().gt(0));

export function planCommand(): Command {
  return new Command('plan')
    .description('predict how fast several machines would train a network, and how many machines pay')
    .requiredOption('--ranks <count>', `machines, 1 to ${most}`, numberOf(z.int().min(1).max(most)))
    .requiredOption('--network <gbit>', 'bandwidth between them, in Gbit/s', above0)
    .option(
      '--latency <ms>',
      'latency of a small message between two machines, one way',
      numberOf(z.number().min(0)),
      0.05,
    )
    .addOption(new Option('--model <name>', 'network (default: poster-v2-nano)').choices(modelNames))
    .option('--share <count>', 'pictures of a batch for each machine, as long as the batch may grow', positive, 8)
    .option('--pictures <count>', 'training pictures', positive, 25_000)
    .option(
      '--spread <fraction>',
      "standard deviation of a machine's time for a step (default: as measured here)",
      numberOf(z.number().min(0).max(1)),
    )
    .option('--threads <count>', 'threads of the CPU (default: all cores)', positive)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
The command measures a few steps on this machine, and assumes that the others are like it. docs/many-machines.md describes the model and its tests.

Example:
  poster plan --ranks 8 --network 10 --model poster-v2`,
    )
    .action(plan);
}

async function plan(flags: PlanFlags): Promise<void> {
  const { model, share, spread, threads, pictures, ranks } = flags;
  const run = defaultRun(model ?? 'poster-v2-nano', '.');
  note(`Measuring steps of ${run.model} with ${Math.ceil(share / 2)} and ${countText(share, 'picture')} ...`);
  const cost = await measureStep(modelNamed(run.model).network, share, threads);
  const assumed: ScalingAssumptions = {
    ...cost,
    ...(spread === undefined ? {} : { spread }),
    ...{ share, pictures, baseBatch: run.batchSize, baseRate: run.lr },
    bitsPerSecond: 1e9 * flags.network,
    latency: flags.latency / 1000,
  };
  const counts = [...new Set([...powersOf2(Math.max(most, ranks)), ranks])].sort((a, b) => a - b);
  const rows = counts.map((count) => scalingRow(count, assumed)).filter((row) => row !== undefined);
  const pays = ranksThatPay(assumed, most);
  const asked = scalingRow(ranks, assumed);
  printResult(
    flags.json,
    { model: run.model, assumed, largestBatch: largestBatch(assumed), pays, asked: asked ?? null, rows },
    () => text(run.model, assumed, ranks, rows, pays),
  );
}

const powersOf2 = (limit: number): number[] =>
  Array.from({ length: 1 + Math.floor(Math.log2(limit)) }, (_, i) => 2 ** i);

function text(
  model: string,
  assumed: ScalingAssumptions,
  ranks: number,
  rows: readonly ScalingRow[],
  pays: number,
): string {
  const asked = rows.find((row) => row.ranks === ranks);
  const largest = largestBatch(assumed);
  const table = formatTable([
    [
      'machines',
      'batch',
      'learning rate',
      'step, s',
      'computing',
      'waiting',
      'network',
      'images/s',
      'efficiency',
      'epoch',
    ],
    ...rows.map((row) => cells(row)),
  ]);
  const sentences = [
    `A step of ${countText(assumed.share, 'picture')} takes ${seconds(assumed.fixed + assumed.share * assumed.perPicture)} s here: ${spent(assumed)}.`,
    asked === undefined
      ? `${ranks} machines cannot share a batch: with ${countText(assumed.pictures, 'picture')} it should have no more than ${grouped(largest)}.`
      : `${ranks} ${ranks === 1 ? 'machine trains' : 'machines train'} ${asked.imagesPerSecond.toFixed(1)} images/s, ${percent(asked.efficiency)}% of ${ranks} times one: ` +
        `--batch-size ${asked.batch} --lr ${asked.learningRate.toPrecision(3)}${asked.warmUpEpochs > 0 ? ` --warm-up ${asked.warmUpEpochs}` : ''}.`,
    pays === most
      ? `Each doubling pays up to ${most} machines.`
      : `It pays up to ${pays} ${pays === 1 ? 'machine' : 'machines'}: the next doubling brings less than half as much again.`,
    `Batches above ${grouped(largest)} pictures are not known to keep accuracy here; from there on the share of each machine shrinks.`,
  ];
  return `${model}\n\n${table}\n\n${sentences.join('\n')}`;
}

const spent = ({ fixed, perPicture, spread, gradients }: StepCost): string =>
  `${seconds(fixed)} s and ${seconds(perPicture)} s a picture, give or take ${percent(spread)}%; ${grouped(gradients)} gradients`;

const seconds = (value: number): string => value.toPrecision(3);

function cells({
  ranks,
  batch,
  learningRate,
  time,
  imagesPerSecond,
  efficiency,
  secondsPerEpoch,
}: ScalingRow): string[] {
  const share = (part: number): string => `${percent(part / time.total)}%`;
  return [
    grouped(ranks),
    grouped(batch),
    learningRate.toPrecision(3),
    seconds(time.total),
    share(time.computing),
    share(time.waiting),
    share(time.transfer + time.messages),
    imagesPerSecond.toFixed(1),
    `${percent(efficiency)}%`,
    duration(secondsPerEpoch),
  ];
}
