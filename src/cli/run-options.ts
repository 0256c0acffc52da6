import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../common/errors.js';
import { modelNamed, modelNames, publishedModel, type Recipe } from '../models/index.js';
import {
  type DataType,
  dataTypes,
  type RunOptions,
  type TrainingOptions,
  trainingSchema,
} from '../node/runs/options.js';
import { datasetRecipe } from '../node/runs/recipes.js';
import { numberOf, numbers } from './arguments.js';
import { networkOptionFlags, networkOptionKeys } from './network-option-flags.js';
import { flagOf } from './settings.js';

const { shape } = trainingSchema;
const number = (key: NumberKey): ((text: string) => number) => numberOf(shape[key]);
/** The same for those that may be left open. */
const numberOrNull = (key: NumberOrNullKey): ((text: string) => number) => numberOf(shape[key].unwrap().unwrap());
type NumberOrNullKey = {
  [K in keyof TrainingOptions]: TrainingOptions[K] extends number
    ? never
    : TrainingOptions[K] extends number | null
      ? K
      : never;
}[keyof TrainingOptions];
type NumberKey = { [K in keyof TrainingOptions]: TrainingOptions[K] extends number ? K : never }[keyof TrainingOptions];

/** Options that set what `settings` names: `--lr 0.001 --rho 0`. */
function optionsText(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${flagOf(key)} ${String(value)}`)
    .join(' ');
}

/** Lines of at most `width` characters, broken at options. */
function wrapped(text: string, indent: string, width = 110): string {
  const lines: string[] = [];
  for (const option of text.split(/ (?=--)/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + option.length + 1 > width) lines.push(indent + option);
    else lines[lines.length - 1] = `${last} ${option}`;
  }
  return lines.join('\n');
}

const list = (entries: readonly (readonly [name: string, settings: Readonly<Record<string, unknown>>])[]): string =>
  entries.map(([name, settings]) => `  ${name}\n${wrapped(optionsText(settings), '    ')}`).join('\n');

/** The published code of the network that a dataset is trained with. */
const { family } = modelNamed(publishedModel).network;
const published: Readonly<Record<string, unknown>> = family.published?.recipe ?? {};
const [publishedTypes, ownTypes] = [true, false].map((isPublished) =>
  dataTypes.filter((name) => (family.published?.datasetRecipes[name] !== undefined) === isPublished),
);

/** What of a recipe is not the published code's own on every dataset. */
function beyondPublished(recipe: Recipe): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(recipe).filter(([key, value]) => published[key] !== value));
}

/** The recipes: what counts where no option says otherwise. */
export const recipeHelp = `
Networks and their recipes, which count where no option says otherwise:
${list(modelNames.map((name) => [`${name}: ${modelNamed(name).summary}`, modelNamed(name).recipe]))}

Datasets and their recipes (--data-type; with poster-v2 unless --model says otherwise), which count before those.
The published ones:
${wrapped(optionsText(published), '    ')}
and
${list((publishedTypes ?? []).map((name) => [name, beyondPublished(datasetRecipe(family, name))]))}
Ours, for what the network's own recipe leaves open:
${list((ownTypes ?? []).map((name) => [name, datasetRecipe(family, name)]))}`;

/** A dataset by its name, however it is written. */
function dataTypeArgument(text: string): DataType {
  const plain = (name: string): string =>
    name
      .toLowerCase()
      .replaceAll('+', 'plus')
      .replace(/[^a-z0-9]/g, '');
  const found = dataTypes.find((name) => plain(name) === plain(text));
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`There is no recipe of that name; there are ${dataTypes.join(', ')}.`);
}

/** A flag for every field of a run. Defaults depend on the network, so none is set here. */
export function withRunOptions(command: Command): Command {
  command
    .option('--data <dir>', 'dataset: split folders (train, valid, test) of class folders')
    .option(
      '--data_type, --data-type <name>',
      `which dataset it is: its recipe and classes (${dataTypes.join(', ')})`,
      dataTypeArgument,
    )
    .option('--as-published', 'repeat the published code, its faults too: see docs/published-recipes.md')
    .addOption(
      new Option('--model <name>', 'network (default: poster-v2 with --data-type, else poster-v2-nano)').choices(
        modelNames,
      ),
    )
    .option('--epochs <count>', 'passes over the training pictures', number('epochs'))
    .option('-b, --batch-size <count>', 'pictures an update', number('batchSize'))
    .option('--micro-batch <count>', 'pictures through the network at once: what memory allows', number('microBatch'))
    .addOption(new Option('--optimizer <name>', 'update rule').choices(shape.optimizer.options))
    .option('--lr <rate>', 'highest learning rate', number('lr'))
    .option('--wd, --weight-decay <rate>', 'of weights, toward 0', number('weightDecay'))
    .addOption(
      new Option('--decay <what>', 'what weight decay pulls: matrices and kernels, or all weights').choices(
        shape.decay.unwrap().options,
      ),
    )
    .option('--momentum <factor>', 'of sgd', number('momentum'))
    .addOption(new Option('--schedule <name>', 'course of the learning rate').choices(shape.schedule.options))
    .option('--gamma <factor>', 'of the exponential schedule, after each epoch', number('gamma'))
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
    .option('--flip <probability>', 'of a mirrored picture', numberOrNull('flip'))
    .option('--erasing <probability>', 'of an erased box', numberOrNull('erasing'))
    .option('--erasing-scale <list>', "smallest and largest share of the picture's area, such as 0.02,0.1", numbers)
    .option('--erasing-ratio <list>', 'smallest and largest height / width, such as 0.3,3.3', numbers)
    .option('--rotation <degrees>', 'largest turn to either side', numberOrNull('rotation'))
    .option('--zoom <list>', 'smallest and largest zoom, such as 0.85,1.15', numbers)
    .option('--shift <fraction>', 'largest shift along each axis, of the side', numberOrNull('shift'))
    .option('--crop-scale <list>', 'random crops: smallest and largest part of the side, such as 0.83,0.92', numbers)
    .option('--brightness <amount>', 'factor of up to 1 + amount, and down to 1 - amount', numberOrNull('brightness'))
    .option('--contrast <amount>', 'the same about the mean', numberOrNull('contrast'))
    .option(
      '--gamma-correction <amount>',
      'exponent of up to 1 + amount, or its inverse',
      numberOrNull('gammaCorrection'),
    )
    .option('--blur <probability>', 'of a Gaussian blur', numberOrNull('blur'))
    .option('--noise <fraction>', 'largest standard deviation of noise, of black to white', numberOrNull('noise'))
    .option('--jpeg <probability>', 'of the loss of JPEG at low quality', numberOrNull('jpeg'))
    .option('--mixup <alpha>', 'mix pictures and their targets by shares from Beta(alpha, alpha)', number('mixup'))
    .option('--cutmix <alpha>', 'paste boxes of other pictures, by such shares of the area', number('cutmix'))
    .option('--label-smoothing <fraction>', 'of labels, spread over all classes; votes stay', number('labelSmoothing'))
    .option(
      '--teacher <file>',
      'checkpoint of a network to learn from as well; repeatable: the mean of all',
      (file, before: readonly string[] = []) => [...before, file],
    )
    .option('--teacher-weight <share>', 'of the teachers in what is learned (default: 0.5)', number('teacherWeight'))
    .option(
      '--teacher-temperature <factor>',
      "above 1 makes the teachers' probabilities more even (default: 1)",
      number('teacherTemperature'),
    );
  for (const option of networkOptionFlags()) command.addOption(option);
  return command
    .option('--seed <number>', 'all that is random', number('seed'))
    .option('--train-split <name>', 'split to train on (default: train)')
    .option('--val-split <name>', 'split that chooses the best epoch (default: a part held out of the training split)')
    .option('--hold-out <fraction>', 'size of that part', number('holdOut'))
    .option(
      '--calibration <fraction>',
      'part of the training split that is kept for fitting a temperature at the end (default: none is fitted)',
      numberOrNull('calibration'),
    )
    .option(
      '--folds <count>',
      'cross-validate: train on all parts of the training split but one',
      numberOrNull('folds'),
    )
    .option(
      '--fold <number>',
      'which part to keep, from 1 (default: all, one run after another)',
      numberOrNull('fold'),
    );
}

/** Names of all options that runs have, whatever their network. */
export const runKeys: readonly string[] = [...Object.keys(shape), ...networkOptionKeys];

/** The fields of a run that were given on the command line. */
export function givenRun(options: Readonly<Record<string, unknown>>): Partial<RunOptions> {
  return Object.fromEntries(runKeys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
}

const mayChange: readonly string[] = ['epochs', 'data', 'teacher'];

/** What a resumed run goes on with: the stored options; only the number of epochs and where data and teachers lie may be others. */
export function resumedRun(stored: RunOptions, given: Partial<RunOptions>): RunOptions {
  const same = (key: string): boolean => isDeepStrictEqual(stored[key], given[key]);
  const other = runKeys.filter((key) => !mayChange.includes(key) && given[key] !== undefined && !same(key));
  const [first] = other;
  if (first !== undefined) {
    throw new UserError(
      `A resumed run keeps its options, and ${flagOf(first)} was ${stored[first] === null ? 'not given' : String(stored[first])}; leave it out, or start a ` +
        'new run from these weights with --init.',
      'usage',
    );
  }
  const { epochs = stored.epochs, data = stored.data, teacher = stored.teacher } = given;
  return { ...stored, epochs, data, teacher };
}
