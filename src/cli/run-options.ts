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
Networks and their recipes; options take precedence:
${list(modelNames.map((name) => [`${name}: ${modelNamed(name).summary}`, modelNamed(name).recipe]))}

Datasets and their recipes, which take precedence over those of networks (--data-type; network poster-v2 unless --model is given).
The published ones:
${wrapped(optionsText(published), '    ')}
and
${list((publishedTypes ?? []).map((name) => [name, beyondPublished(datasetRecipe(family, name))]))}
Ours, in addition to the network's recipe:
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
    .option('--as-published', 'repeat the published code with its faults: docs/published-recipes.md')
    .addOption(
      new Option('--model <name>', 'network (default: poster-v2 with --data-type, else poster-v2-nano)').choices(
        modelNames,
      ),
    )
    .option('--epochs <count>', 'passes over the training pictures', number('epochs'))
    .option('-b, --batch-size <count>', 'pictures of an update', number('batchSize'))
    .option('--micro-batch <count>', 'pictures through the network at once, limited by memory', number('microBatch'))
    .addOption(new Option('--optimizer <name>', 'update rule').choices(shape.optimizer.options))
    .option('--lr <rate>', 'highest learning rate', number('lr'))
    .option('--wd, --weight-decay <rate>', 'weight decay', number('weightDecay'))
    .addOption(
      new Option('--decay <what>', 'which weights decay: matrices and kernels, or all').choices(
        shape.decay.unwrap().options,
      ),
    )
    .option('--momentum <factor>', 'momentum of sgd', number('momentum'))
    .addOption(new Option('--schedule <name>', 'learning rate schedule').choices(shape.schedule.options))
    .option('--gamma <factor>', 'factor of the exponential schedule after each epoch', number('gamma'))
    .option('--warm-up <epochs>', 'epochs of linear warm-up', number('warmUp'))
    .option('--rho <radius>', 'radius of sharpness-aware minimisation; 0: none', number('rho'))
    .option('--ema <decay>', 'decay of averaged weights, such as 0.999; 0: none', number('ema'))
    .option('--clip <norm>', 'largest norm of the gradient; 0: no limit', number('clip'))
    .addOption(new Option('--sampling <name>', 'order of pictures').choices(shape.sampling.options))
    .addOption(
      new Option('--targets <name>', 'learn the majority label, or the distribution of the votes').choices(
        shape.targets.options,
      ),
    )
    .addOption(new Option('--augmentation <name>', 'random changes to pictures').choices(shape.augmentation.options))
    .option('--flip <probability>', 'probability of mirroring', numberOrNull('flip'))
    .option('--erasing <probability>', 'probability of random erasing', numberOrNull('erasing'))
    .option('--erasing-scale <list>', "smallest and largest share of the picture's area, such as 0.02,0.1", numbers)
    .option('--erasing-ratio <list>', 'smallest and largest height / width, such as 0.3,3.3', numbers)
    .option('--rotation <degrees>', 'largest rotation to either side', numberOrNull('rotation'))
    .option('--zoom <list>', 'smallest and largest zoom, such as 0.85,1.15', numbers)
    .option('--shift <fraction>', 'largest shift along each axis, as a fraction of the side', numberOrNull('shift'))
    .option('--crop-scale <list>', 'random crops: smallest and largest side, as fractions, such as 0.83,0.92', numbers)
    .option('--brightness <amount>', 'brightness factor from 1 - amount to 1 + amount', numberOrNull('brightness'))
    .option('--contrast <amount>', 'contrast factor from 1 - amount to 1 + amount', numberOrNull('contrast'))
    .option(
      '--gamma-correction <amount>',
      'exponent from 1 / (1 + amount) to 1 + amount',
      numberOrNull('gammaCorrection'),
    )
    .option('--blur <probability>', 'probability of a Gaussian blur', numberOrNull('blur'))
    .option(
      '--noise <fraction>',
      'largest standard deviation of noise, where black to white is 1',
      numberOrNull('noise'),
    )
    .option('--jpeg <probability>', 'probability of JPEG compression at low quality', numberOrNull('jpeg'))
    .option('--mixup <alpha>', 'mix pictures and their targets by shares from Beta(alpha, alpha)', number('mixup'))
    .option(
      '--cutmix <alpha>',
      'paste boxes of other pictures, with shares of the area from Beta(alpha, alpha)',
      number('cutmix'),
    )
    .option(
      '--label-smoothing <fraction>',
      'share of each label that is spread over all classes; not of votes',
      number('labelSmoothing'),
    )
    .option(
      '--teacher <file>',
      'checkpoint of a teacher network; repeatable: the mean of all',
      (file, before: readonly string[] = []) => [...before, file],
    )
    .option('--teacher-weight <share>', 'share of the teachers in the target (default: 0.5)', number('teacherWeight'))
    .option(
      '--teacher-temperature <factor>',
      "above 1 flattens the teachers' probabilities (default: 1)",
      number('teacherTemperature'),
    );
  for (const option of networkOptionFlags()) command.addOption(option);
  return command
    .option('--seed <number>', 'seed of all random numbers', number('seed'))
    .option('--train-split <name>', 'split to train on (default: train)')
    .option('--val-split <name>', 'split that chooses the best epoch (default: a part held out of the training split)')
    .option('--hold-out <fraction>', 'size of the part held out', number('holdOut'))
    .option(
      '--calibration <fraction>',
      'part of the training split held out to fit a temperature at the end (default: none is fitted)',
      numberOrNull('calibration'),
    )
    .option(
      '--folds <count>',
      'cross-validate: train on all parts of the training split but one',
      numberOrNull('folds'),
    )
    .option(
      '--fold <number>',
      'which part to leave out, from 1 (default: each in turn, a run each)',
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
