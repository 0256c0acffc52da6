import { anObject, requireOptions } from '../common/check-options.js';
import { defined } from '../common/defined.js';
import { UserError } from '../common/errors.js';
import type { Batch } from '../image/index.js';
import { type Evaluation, evaluate, predictions } from '../metrics/index.js';
import type { DropMask } from '../nn/index.js';
import { checkStoredState } from '../optim/check-state.js';
import { checkOptimizer, flatten, type OptimizerConfig } from '../optim/index.js';
import { checkSettings } from './check-settings.js';
import { createEngine, type TrainDevice } from './create-engine.js';
import type { Engine, EngineOptions, Gradients, Pass, PassResult, Snapshot } from './engine.js';
import { EngineOwner } from './engine-owner.js';
import { firstMisfit, firstValues } from './first-values.js';
import { joined } from './joined.js';
import { checkBatch, microBatches } from './micro-batches.js';
import { type TrainingProgram, trainingProgram } from './program.js';
import { alone, concatenate, gather, type Reducer, total } from './reducer.js';
import { targetOf } from './target.js';

/** Where training is. */
export interface Position {
  /** Epochs that are finished. */
  readonly epoch: number;
  /** Of the epoch under way, the batch to train on next. */
  readonly nextBatch: number;
  /** Updates made. */
  readonly step: number;
}

/** Everything that going on needs; valid until the trainer's next call. */
export interface TrainerSnapshot extends Snapshot {
  readonly position: Position;
}

/** How a trainer makes its steps; the defaults are those of plain training. */
export interface StepSettings {
  /** Of the update that follows on so many. Default: the optimizer's, always. */
  readonly learningRate?: (step: number) => number;
  /** Radius of sharpness-aware minimisation; 0, the default, trains without. */
  readonly rho?: number;
  /** Pictures that pass through the network at once; gradients add up over a batch. Default: all of a batch. */
  readonly microBatch?: number;
  /** All that is random, first values and stochastic depth, follows from it. Default 0. */
  readonly seed?: number;
  /** For training one network with several trainers. */
  readonly reducer?: Reducer;
}

export interface TrainerOptions
  extends StepSettings,
    Pick<EngineOptions, 'network' | 'program' | 'optimizer' | 'decay' | 'threads' | 'session'>,
    Partial<Pick<EngineOptions, 'ema' | 'clip'>> {
  /** Default `cpu`. */
  readonly device?: TrainDevice;
  /**
   * What stays as it is, by what the names of its parameters begin with, such as `backbone.`: it is computed as in evaluation.
   * Default: nothing beside what the network says itself. It does not count where `program` is given.
   */
  readonly frozen?: readonly string[];
  /** First values by name; what is not among them is initialised. */
  readonly parameters?: ReadonlyMap<string, Float32Array>;
  /** To go on from; `parameters` do not count then. */
  readonly from?: TrainerSnapshot;
}

/** Sums over pictures. */
export interface Tally {
  /** Cross-entropy, in nats. */
  readonly loss: number;
  readonly correct: number;
  readonly samples: number;
}

/** One update, over the shares of all trainers. */
export interface StepResult extends Position {
  /** Index of the batch in its epoch. */
  readonly batch: number;
  readonly learningRate: number;
  /** Mean cross-entropy of the batch, in nats, at the weights before the update. */
  readonly loss: number;
  readonly tally: Tally;
}

/** What a trainer knows of its network. */
interface Task {
  readonly classes: number;
  /** Values of one picture: C S S. */
  readonly pixels: number;
  readonly masks: ReadonlyMap<string, DropMask>;
  readonly learningRate: (step: number) => number;
}

/**
 * Trains a network on batches, wherever they come from. It knows no file: `snapshot` gives all that is worth keeping, and
 * a trainer that is made from it goes on with the same bits (on the CPU, with the same number of threads).
 *
 * With a reducer, several trainers train one network: each gives its share of every batch, of any size, also none.
 * Gradients are summed before SAM's climb and before the update, so that every picture of a batch weighs the same and all
 * weights stay equal to the last bit. BatchNorm normalises by each trainer's own pictures, as it does with micro-batches;
 * its running statistics follow those of all, in the order of ranks, and stay equal too.
 */
export class Trainer {
  readonly #owner: EngineOwner;
  readonly #task: Task;
  readonly #rho: number;
  readonly #microBatch: number;
  readonly #seed: number;
  readonly #reducer: Reducer;
  #position: Position;
  /** Whether a generator of `train` is not at its end. */
  #inEpoch = false;

  /** Of an engine of one's own; {@link Trainer.create} makes one. */
  constructor(
    engine: Engine,
    task: Task,
    settings: StepSettings = {},
    position: Position = { epoch: 0, nextBatch: 0, step: 0 },
  ) {
    this.#owner = new EngineOwner(engine);
    this.#task = task;
    this.#rho = settings.rho ?? 0;
    this.#microBatch = settings.microBatch ?? Number.POSITIVE_INFINITY;
    this.#seed = settings.seed ?? 0;
    this.#reducer = settings.reducer ?? alone;
    this.#position = position;
  }

  /**
   * @throws UserError for settings that cannot be, where the device is not there, or where first values or the snapshot are of
   * another network or optimizer.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    requireOptions<TrainerOptions>(options, { network: anObject, optimizer: anObject }, 'Trainer.create');
    checkSettings(options);
    checkOptimizer(options.optimizer);
    const { network, device = 'cpu', optimizer, decay, threads, session, from, seed = 0, ema = 0, clip = 0 } = options;
    const program = options.program ?? trainingProgram(network, await targetOf(device), options.frozen);
    // Before sessions are made, which may take long.
    if (from !== undefined) checkSnapshot(from, program, optimizer, ema);
    const parameters = firstValues(program.parameters, seed, from?.parameters ?? options.parameters);
    const engine = await createEngine(device, {
      ...{ network, program, optimizer, ema, clip, parameters },
      ...defined({ decay, threads, session, restore: from }),
    });
    const task = {
      classes: network.config.numClasses,
      pixels: network.config.inputChannels * network.config.imageSize ** 2,
      masks: program.masks,
      learningRate: options.learningRate ?? (() => optimizer.lr),
    };
    return new Trainer(engine, task, options, from?.position);
  }

  get position(): Position {
    return this.#position;
  }

  /** Of the update that follows on so many. */
  learningRate(step: number): number {
    return this.#task.learningRate(step);
  }

  /**
   * Trains on the batches of an epoch, or of the rest of one, a step for each that is asked for: leaving the loop ends
   * after the step under way, and `position` says where to go on. Where other trainers have more batches, this one takes
   * part in their steps without pictures of its own.
   * @throws UserError as `step` does, and (kind `usage`) where another epoch is under way
   */
  async *train(batches: AsyncIterable<Batch> | Iterable<Batch>): AsyncGenerator<StepResult, void, undefined> {
    void this.#owner.engine;
    if (this.#inEpoch) {
      throw new UserError('This trainer is in an epoch; leave its loop before another `train` begins.', 'usage');
    }
    this.#inEpoch = true;
    try {
      for await (const batch of this.#inStep(batches)) {
        const result = await this.#step(batch.own, batch.sizes);
        if (result !== undefined) yield result;
      }
      const { epoch, step } = this.#position;
      this.#position = { epoch: epoch + 1, nextBatch: 0, step };
    } finally {
      this.#inEpoch = false;
    }
  }

  /**
   * One update. With a reducer, all trainers make it together.
   * @throws UserError (kind `diverged`) where the loss is not finite. Nothing is updated then.
   */
  async step(batch: Batch): Promise<StepResult> {
    const result = await this.#step(batch, await gather(this.#reducer, batch.size));
    if (result === undefined) throw new RangeError('a step needs a picture');
    return result;
  }

  /** Batches with the sizes of all trainers' shares; undefined stands for a share without pictures. */
  async *#inStep(
    batches: AsyncIterable<Batch> | Iterable<Batch>,
  ): AsyncGenerator<{ readonly own: Batch | undefined; readonly sizes: readonly number[] }, void, undefined> {
    const ended = -1;
    for await (const own of batches) yield { own, sizes: await this.#sizes(own.size) };
    while (this.#reducer.size > 1) {
      const sizes = await gather(this.#reducer, ended);
      if (sizes.every((size) => size === ended)) return;
      yield { own: undefined, sizes: sizes.map((size) => Math.max(size, 0)) };
    }
  }

  async #sizes(own: number): Promise<readonly number[]> {
    return (await gather(this.#reducer, own)).map((size) => Math.max(size, 0));
  }

  #step(batch: Batch | undefined, sizes: readonly number[]): Promise<StepResult | undefined> {
    return this.#owner.use((engine) => this.#update(engine, batch, sizes));
  }

  async #update(engine: Engine, batch: Batch | undefined, sizes: readonly number[]): Promise<StepResult | undefined> {
    const { classes, pixels, masks } = this.#task;
    const { epoch, nextBatch, step } = this.#position;
    const index = batch?.index ?? nextBatch;
    const samples = total(sizes);
    if (samples === 0) return undefined;
    if (batch !== undefined) checkBatch(batch, pixels, classes);
    const before = total(sizes.slice(0, this.#reducer.rank));
    const cut = { classes, masks, epoch, index, samples, before, microBatch: this.#microBatch, seed: this.#seed };
    const parts = batch === undefined ? [] : microBatches(batch, cut);
    const pass = await engine.forwardBackward(parts);
    const learningRate = this.learningRate(step);
    const tally = await this.#tally(batch?.labels ?? [], pass.results, sizes);
    if (!Number.isFinite(tally.loss)) {
      throw new UserError(
        `The loss is no longer a finite number (epoch ${epoch + 1}, batch ${index + 1}); lower the learning rate (it was ` +
          `${learningRate}) or add epochs of warm-up.`,
        'diverged',
        { settings: ['lr', 'warmUp'] },
      );
    }
    await this.#moveStatistics(pass);
    let gradients = await this.#reduced(pass.gradients);
    if (this.#rho > 0) {
      const climbed = await gradients.climb(this.#rho);
      const second = await climbed.forwardBackward(parts);
      await this.#moveStatistics(second);
      gradients = await this.#reduced(second.gradients);
    }
    await gradients.update(learningRate);
    this.#position = { epoch, nextBatch: index + 1, step: step + 1 };
    return { ...this.#position, batch: index, learningRate, loss: tally.loss / samples, tally };
  }

  async #moveStatistics(pass: Pass): Promise<void> {
    if (this.#reducer.size === 1) return pass.moveStatistics();
    await pass.moveStatistics(async (own) => concatenate(this.#reducer, await gather(this.#reducer, own.length), own));
  }

  async #reduced(gradients: Gradients): Promise<Gradients> {
    if (this.#reducer.size > 1) await gradients.onHost((flat) => this.#reducer.sum(flat));
    return gradients;
  }

  /** Of all trainers' pictures. Losses are added up in their order, as one trainer adds them. */
  async #tally(labels: ArrayLike<number>, results: readonly PassResult[], sizes: readonly number[]): Promise<Tally> {
    const losses = await concatenate(this.#reducer, sizes, joined(results.map((result) => result.losses)));
    const loss = losses.reduce((sum, value) => sum + value, 0);
    const correct = total(await gather(this.#reducer, Number.isFinite(loss) ? this.#correct(labels, results) : 0));
    return { loss, correct, samples: total(sizes) };
  }

  #correct(labels: ArrayLike<number>, results: readonly PassResult[]): number {
    const data = joined(results.map(({ logits }) => logits));
    const found = predictions({ classes: this.#task.classes, data });
    return found.reduce((count, label, i) => count + Number(label === labels[i]), 0);
  }

  /**
   * Logits [n, K] in evaluation mode, of the averaged weights if there are any.
   * @param keys as those of a batch
   */
  logits(images: Float32Array, n: number, keys?: readonly string[]): Promise<Float32Array> {
    return this.#owner.use((engine) => engine.logits(images, n, keys));
  }

  /**
   * Measures the weights, averaged ones if there are any, on all pictures of some batches. With a reducer, each trainer
   * gives its share of them, and all get the figures of all, in the order of ranks.
   */
  async evaluate(batches: AsyncIterable<Batch> | Iterable<Batch>, signal?: AbortSignal): Promise<Evaluation> {
    const { classes } = this.#task;
    const labels: number[] = [];
    const rows: Float32Array[] = [];
    for await (const { images, size, labels: shown, keys } of batches) {
      signal?.throwIfAborted();
      rows.push(await this.logits(images, size, keys));
      labels.push(...Array.from(shown));
    }
    const counts = await gather(this.#reducer, labels.length);
    const all = await concatenate(this.#reducer, counts, Float32Array.from(labels));
    const values = counts.map((count) => count * classes);
    return evaluate(all, { classes, data: await concatenate(this.#reducer, values, joined(rows)) });
  }

  async snapshot(): Promise<TrainerSnapshot> {
    return { ...(await this.#owner.use((engine) => engine.snapshot())), position: this.#position };
  }

  /** Frees the engine; what is under way and later calls throw a UserError. Safe to call again. */
  dispose(): Promise<void> {
    return this.#owner.dispose();
  }
}

/** What the snapshot lacks would otherwise begin at random. Its average does not count where none is kept. */
function checkSnapshot(
  { parameters, averaged, optimizer, optimizerSteps }: TrainerSnapshot,
  program: TrainingProgram,
  config: OptimizerConfig,
  ema: number,
): void {
  const ofAverage = ema > 0 && averaged !== undefined ? firstMisfit(program.parameters, averaged) : undefined;
  const name =
    firstMisfit(program.parameters, parameters) ??
    (ofAverage === undefined ? undefined : `the average of ${ofAverage}`);
  if (name !== undefined) {
    throw new UserError(
      `The snapshot is not of this network (${name} is missing or has another size); go on with the network it was taken of.`,
    );
  }
  checkStoredState(config, flatten(program.trained), optimizerSteps, optimizer);
}
