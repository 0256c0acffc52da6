import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Command, Option } from 'commander';
import { ExitCode, UserError } from '../common/errors.js';
import { modelNames, models } from '../models/index.js';
import { defaultRun, type RunOptions, runSchema } from '../train/options.js';
import { numberOf } from './arguments.js';

const { shape } = runSchema;
const number = (key: NumberKey): ((text: string) => number) => numberOf(shape[key]);
type NumberKey = { [K in keyof RunOptions]: RunOptions[K] extends number ? K : never }[keyof RunOptions];

const modelList = modelNames.flatMap((name) => {
  const { epochs, batchSize, microBatch, optimizer, lr, weightDecay, schedule, rho, augmentation } = defaultRun(
    name,
    '',
  );
  return [
    `  ${name}: ${models[name].summary}`,
    `    --epochs ${epochs} --batch-size ${batchSize} --micro-batch ${microBatch} --optimizer ${optimizer} --lr ${lr}`,
    `    --weight-decay ${weightDecay} --schedule ${schedule} --rho ${rho} --augmentation ${augmentation}`,
  ];
});
/** The networks with what counts for them where no option says otherwise. */
export const modelHelp = `\nNetworks and their recipes, which count where no option says otherwise:\n${modelList.join('\n')}`;

const numbers = (text: string): number[] => text.split(',').map(Number);

/** A flag for every field of a run. Defaults depend on the network, so none is set here. */
export function withRunOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'dataset: split folders (train, valid, test) of class folders')
    .addOption(new Option('--model <name>', 'network (default: poster-v2-nano)').choices(modelNames))
    .option('--epochs <count>', 'passes over the training pictures', number('epochs'))
    .option('--batch-size <count>', 'pictures an update', number('batchSize'))
    .option('--micro-batch <count>', 'pictures through the network at once: what memory allows', number('microBatch'))
    .addOption(new Option('--optimizer <name>', 'update rule').choices(shape.optimizer.options))
    .option('--lr <rate>', 'highest learning rate', number('lr'))
    .option('--weight-decay <rate>', 'of matrices and kernels', number('weightDecay'))
    .option('--momentum <factor>', 'of sgd', number('momentum'))
    .addOption(new Option('--schedule <name>', 'course of the learning rate').choices(shape.schedule.options))
    .option('--warm-up <epochs>', 'epochs of linear warm-up', number('warmUp'))
    .option('--rho <radius>', 'of sharpness-aware minimisation; 0: without', number('rho'))
    .option('--ema <decay>', 'of averaged weights, such as 0.999; 0: none', number('ema'))
    .option('--clip <norm>', 'largest norm of the gradient; 0: no limit', number('clip'))
    .addOption(new Option('--sampling <name>', 'order of pictures').choices(shape.sampling.options))
    .addOption(
      new Option('--targets <name>', 'learn the majority label, or how the votes were spread').choices(
        shape.targets.options,
      ),
    )
    .addOption(new Option('--augmentation <name>', 'random changes to pictures').choices(shape.augmentation.options))
    .addOption(
      new Option('--landmark <name>', "the published network's landmark branch in training; none: without it").choices(
        shape.landmark.options,
      ),
    )
    .option('--blocks <count>', 'transformer blocks (default: 2)', numberOf(shape.blocks.unwrap().unwrap()))
    .option('--scales <list>', 'scales that reach the transformer, such as 2,3 (default: 1,2,3)', numbers)
    .option('--windows <list>', 'side of the attention windows by scale, such as 14,7,7 (default: whole maps)', numbers)
    .option('--seed <number>', 'all that is random', number('seed'))
    .option('--train-split <name>', 'split to train on (default: train)')
    .option('--val-split <name>', 'split that chooses the best epoch (default: a part held out of the training split)')
    .option('--hold-out <fraction>', 'size of that part', number('holdOut'));
}

const runKeys = Object.keys(shape) as (keyof RunOptions)[];

/** The fields of a run that were given on the command line. */
export function givenRun(options: Readonly<Record<string, unknown>>): Partial<RunOptions> {
  return Object.fromEntries(runKeys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}

/** What a resumed run goes on with: the stored options; only the number of epochs may be another. */
export function resumedRun(stored: RunOptions, given: Partial<RunOptions>): RunOptions {
  const same = (key: keyof RunOptions): boolean =>
    key === 'data' ? resolve(stored.data) === resolve(given.data ?? '') : isDeepStrictEqual(stored[key], given[key]);
  const other = runKeys.filter((key) => key !== 'epochs' && given[key] !== undefined && !same(key));
  const [first] = other;
  if (first !== undefined) {
    throw new UserError(
      `A resumed run keeps its options, and ${flagOf(first)} was ${String(stored[first])}; leave it out, or start a ` +
        'new run from these weights with --init.',
      ExitCode.usage,
    );
  }
  return { ...stored, ...(given.epochs === undefined ? {} : { epochs: given.epochs }) };
}

const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
