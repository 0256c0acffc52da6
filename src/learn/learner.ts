import { aList, checkOptions, requireOptions } from '../common/check-options.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import { entryOf, itemAt } from '../common/item-at.js';
import { inOneForm, type LabelSet } from '../common/labels.js';
import { heldOut } from '../common/sampling.js';
import { nextTurn } from '../common/turns.js';
import { nanoAugmentation, type Picture } from '../image/index.js';
import { type Evaluation, measuredFigures } from '../metrics/index.js';
import { buildInference, type ConfiguredNetwork, parseNetwork } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { adamw, cosine, learningRate } from '../optim/index.js';
import { loadCrop } from '../recognize/index.js';
import { copyRows, type ModelCheckpoint } from '../safetensors/index.js';
import { firstValues } from '../train/first-values.js';
import { Trainer } from '../train/index.js';
import { readBase } from './base.js';
import { type BatchSettings, type LearnedCrops, plainBatches, trainingBatches } from './batches.js';
import { type Classes, classesFor } from './classes.js';
import { isCheckpoint } from './is-checkpoint.js';
import { type LabelledCrop, type LearnOptions, learnRules } from './learn-options.js';

/** Where learning is. */
export interface LearnEpoch {
  /** Epochs that are finished; 0: before training. */
  readonly epoch: number;
  /** Epochs in all. */
  readonly epochs: number;
  /**
   * Mean cross-entropy over the training crops as they came, in nats; null where none came: before training, and where
   * an epoch was stopped behind its last update.
   */
  readonly loss: number | null;
  /** Share of the crops held out that are right, in [0, 1]. */
  readonly accuracy: number;
  /** Mean over the crops held out, in nats. */
  readonly crossEntropy: number;
  /** Whether these weights are the best so far. */
  readonly isBest: boolean;
}

/** What was learned. */
export interface Learned {
  /** The network with its new head: weights, labels and preprocessing, as files hold them. */
  readonly checkpoint: ModelCheckpoint;
  /** The epoch whose weights these are. */
  readonly epoch: number;
  /** On the crops held out: accuracy, confusion matrix and more. */
  readonly evaluation: Evaluation;
  /** Of all epochs so far. */
  readonly history: readonly LearnEpoch[];
}

/** Crops passed through the network at once in measuring. */
const measuredAtOnce = 32;
/** Few pictures make a network too sure of itself. */
const labelSmoothing = 0.1;

interface Parts {
  readonly trainer: Trainer;
  readonly network: ConfiguredNetwork;
  /** What files of it hold. */
  readonly specs: ReadonlyMap<string, ParameterSpec>;
  readonly labels: LabelSet;
  readonly preprocessing: ModelCheckpoint['preprocessing'];
  readonly training: LearnedCrops;
  readonly held: LearnedCrops;
  readonly settings: BatchSettings;
  readonly epochs: number;
}

/**
 * Teaches a network classes of one's own from few face crops.
 *
 *     const learner = await Learner.create({ crops });
 *     for await (const { epoch, accuracy } of learner.train()) console.log(epoch, accuracy);
 *     const { checkpoint, evaluation } = learner.best();
 *     await learner.dispose();
 *
 * The head and the network's last blocks are trained; rows of the head that belong to expressions of the same name are taken
 * over. The best epoch is the one with the most crops held out right, then with the least
 * cross-entropy on them.
 */
export class Learner {
  readonly #parts: Parts;
  readonly #history: LearnEpoch[] = [];
  #best: Omit<Learned, 'history'> | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @throws UserError where the classes cannot be learned (one alone, one with fewer than two crops), where a number cannot be, where
   * weights or a crop cannot be read, or the device is not there; (kind `usage`) for options that there are not.
   */
  static async create(options: LearnOptions): Promise<Learner> {
    requireOptions<LearnOptions>(options, { crops: aList }, 'Learner.create');
    checkOptions(options, learnRules, 'Learner.create');
    const { crops, name = 'learned', epochs = 20, lr = 3e-4, batchSize = 16, seed = 0, holdOut = 0.15 } = options;
    const { device, threads, keep, labels: given } = options;
    requireNumber('epochs', epochs, Number.isInteger(epochs) && epochs >= 1, 'a whole number from 1');
    requireNumber('batchSize', batchSize, Number.isInteger(batchSize) && batchSize >= 1, 'a whole number from 1');
    requireNumber('holdOut', holdOut, holdOut > 0 && holdOut < 1, 'a number between 0 and 1');
    requireNumber('seed', seed, Number.isSafeInteger(seed) && seed >= 0, 'a whole number from 0');
    requireNumber('lr', lr, lr > 0 && Number.isFinite(lr), 'a finite number above 0');
    requireCopies(options.copies);
    const base = isCheckpoint(options.base) ? options.base : await readBase(options.base);
    const names = crops.map(({ label }) => label);
    const classes = classesFor(base.labels.labels, names, defined({ labels: given, keep }));
    const network = parseNetwork(base.model, 'The network to begin with').withClasses(classes.labels.length);
    const specs = buildInference(network).parameters;
    const { training, held } = await divide(crops, classes, base, holdOut, seed);
    const frozen = options.frozen ?? frozenOf(network, specs.keys());
    const { copies = frozen.length > 0 && device !== 'webgpu' ? 5 : Number.POSITIVE_INFINITY } = options;
    const stepsPerEpoch = Math.ceil(training.crops.length / batchSize);
    const schedule = cosine(lr);
    const labels = { name: inOneForm(name), labels: classes.labels };
    const { preprocessing } = base;
    // The last that can fail: nothing would dispose of it then.
    const trainer = await Trainer.create({
      network,
      frozen,
      optimizer: adamw(lr),
      learningRate: (step) => learningRate(schedule, { step, stepsPerEpoch, epochs }),
      parameters: startOf(network, specs, base, classes, seed),
      seed,
      ...defined({ device, threads }),
    });
    const augmentation = options.augmentation ?? nanoAugmentation;
    const settings = { batchSize, seed, labelSmoothing, augmentation, copies };
    return new Learner({ trainer, network, specs, labels, preprocessing, training, held, settings, epochs });
  }

  /** The classes in index order. */
  get labels(): LabelSet {
    return this.#parts.labels;
  }

  /** How many crops train, and how many are held out. */
  get counts(): { readonly training: number; readonly heldOut: number } {
    const { training, held } = this.#parts;
    return { training: training.crops.length, heldOut: held.crops.length };
  }

  /**
   * Trains, and tells where it is before the first epoch and after each. Leaving the loop ends it, and a later call goes on with
   * the next epoch.
   * @param options.signal ends it between two updates, by throwing the signal's reason; `best` is there all the same, and a later
   * call goes on with the next update
   * @throws UserError (kind `diverged`) where the loss is not finite, and (kind `usage`) after `dispose`
   */
  async *train({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<LearnEpoch, void, undefined> {
    const { trainer, training, settings, epochs } = this.#parts;
    signal?.throwIfAborted();
    if (this.#history.length === 0) yield await this.#measured(null);
    while (trainer.position.epoch < epochs) {
      signal?.throwIfAborted();
      let [loss, samples] = [0, 0];
      for await (const { tally } of trainer.train(trainingBatches(training, settings, trainer.position))) {
        signal?.throwIfAborted();
        loss += tally.loss;
        samples += tally.samples;
        // Where networks run on this very thread, as in browsers, a signal is heard in between.
        await nextTurn();
      }
      yield await this.#measured(samples === 0 ? null : loss / samples);
    }
  }

  /**
   * The best weights so far. Training does not change the arrays.
   * @throws UserError (kind `usage`) before `train` has told anything.
   */
  best(): Learned {
    if (this.#best !== undefined) return { ...this.#best, history: [...this.#history] };
    throw new UserError('Nothing is learned yet; begin to train first.', 'usage');
  }

  /** Frees memory and threads of the network; what `best` gave stays. Safe to call again. */
  dispose(): Promise<void> {
    return this.#parts.trainer.dispose();
  }

  async #measured(loss: number | null): Promise<LearnEpoch> {
    const { trainer, held, epochs } = this.#parts;
    const { epoch } = trainer.position;
    const evaluation = await trainer.evaluate(plainBatches(held, measuredAtOnce));
    // There are always crops held out.
    const { accuracy, crossEntropy } = measuredFigures(evaluation);
    const before = this.#best === undefined ? undefined : measuredFigures(this.#best.evaluation);
    const isBest =
      before === undefined ||
      accuracy > before.accuracy ||
      (accuracy === before.accuracy && crossEntropy < before.crossEntropy);
    if (isBest) this.#best = { checkpoint: await this.#checkpoint(), epoch, evaluation };
    const entry = { epoch, epochs, loss, accuracy, crossEntropy, isBest };
    this.#history.push(entry);
    return entry;
  }

  async #checkpoint(): Promise<ModelCheckpoint> {
    const { trainer, network, specs, labels, preprocessing } = this.#parts;
    const { parameters } = await trainer.snapshot();
    return {
      model: { name: network.name, config: network.config },
      labels,
      preprocessing,
      parameters: new Map(
        [...specs].map(([name, { shape }]) => [name, { shape, data: entryOf(parameters, name).slice() }]),
      ),
    };
  }
}

/** Crops at the network's size, those that train and those that are held out. */
async function divide(
  crops: readonly LabelledCrop[],
  { labelOf, labels }: Classes,
  { preprocessing }: ModelCheckpoint,
  fraction: number,
  seed: number,
): Promise<{ readonly training: LearnedCrops; readonly held: LearnedCrops }> {
  const classes = labels.length;
  const out = heldOut(labelOf, classes, fraction, seed);
  const read: { readonly crop: Picture; readonly label: number; readonly isHeld: boolean }[] = [];
  for (const [i, { crop }] of crops.entries()) {
    const loaded = await loadCrop(crop, preprocessing, `Crop ${i + 1}`);
    read.push({ crop: loaded, label: itemAt(labelOf, i), isHeld: out.has(i) });
  }
  const part = (isHeld: boolean): LearnedCrops => {
    const chosen = read.filter((one) => one.isHeld === isHeld);
    return {
      preprocessing,
      classes,
      crops: chosen.map(({ crop }) => crop),
      labels: chosen.map(({ label }) => label),
    };
  };
  return { training: part(false), held: part(true) };
}

/** What stays where nobody says otherwise. */
function frozenOf({ family: { lastBlocks, parts } }: ConfiguredNetwork, parameters: Iterable<string>): string[] {
  if (lastBlocks === undefined) return parts.map(({ prefix }) => prefix);
  const scopes = new Set([...parameters].map((name) => name.slice(0, name.indexOf('.') + 1)));
  return [...scopes].filter((scope) => !lastBlocks.some((prefix) => prefix.startsWith(scope)));
}

/** The base's weights; of its head the rows of expressions that are among the classes, the others begin at random. */
function startOf(
  { family: { head } }: ConfiguredNetwork,
  specs: ReadonlyMap<string, ParameterSpec>,
  base: ModelCheckpoint,
  { rows }: Classes,
  seed: number,
): Map<string, Float32Array> {
  const isHead = (name: string): boolean => name === head.weight || name === head.bias;
  const given = new Map(
    [...base.parameters].flatMap(([name, { data }]) => (isHead(name) ? [] : [[name, data] as const])),
  );
  const values = firstValues(specs, seed, given);
  for (const name of [head.weight, head.bias]) {
    const [to, from] = [values.get(name), base.parameters.get(name)];
    if (to !== undefined && from !== undefined) copyRows(to, from, rows);
  }
  return values;
}

/** Not a setting of any shell. */
function requireCopies(copies = Number.POSITIVE_INFINITY): void {
  if (copies === Number.POSITIVE_INFINITY || (Number.isInteger(copies) && copies >= 1)) return;
  throw new UserError(
    `Learning cannot have ${String(copies)} as copies; give a whole number from 1, or Infinity for a new copy in each epoch.`,
    'usage',
  );
}

function requireNumber(
  setting: 'epochs' | 'batchSize' | 'holdOut' | 'lr' | 'seed',
  value: number,
  holds: boolean,
  wanted: string,
): void {
  if (holds) return;
  throw new UserError(`Learning cannot have ${String(value)} as ${setting}; give ${wanted}.`, 'usage', {
    settings: [setting],
  });
}
