import { wholeOrNone } from '../common/all-or-none.js';
import { itemAt } from '../common/item-at.js';
import type { Graph } from '../graph/index.js';
import { statisticDecay } from '../nn/index.js';
import {
  accumulateGraph,
  allocate,
  climbGraph,
  createState,
  decayMatrices,
  emaGraph,
  emaShare,
  flatten,
  gather,
  type Layout,
  restoreState,
  type Shapes,
  stateArrays,
  statisticsGraph,
  updateGraph,
  updateScalars,
  views,
} from '../optim/index.js';
import { lower } from '../passes/index.js';
import { type DeviceTensor, disposeAll, floats, GpuSession, type HostTensor } from '../runtime/index.js';
import type { Climbed, Engine, EngineOptions, Gradients, MicroBatch, Pass, PassResult, Snapshot } from './engine.js';
import { batchFeeds, constantsOf, imageFeed, valuesOf } from './feeds.js';
import { type Held, output, prefixed, replace, scalar, toDevice, toHost } from './held.js';
import { names, type TrainingProgram, trainingProgram } from './program.js';

type Values = ReadonlyMap<string, Float32Array>;

interface Sessions {
  readonly training: GpuSession;
  readonly evaluation: GpuSession;
  readonly update: GpuSession;
  readonly average: GpuSession | undefined;
  readonly statistics: GpuSession | undefined;
}

interface State {
  readonly weights: Held;
  readonly statistics: Held;
  /** By `slot/parameter`. */
  readonly moments: Held;
  /** Averages of weights and statistics; undefined without averaging. */
  readonly averages: Held | undefined;
}

/**
 * Trains through WebGPU. Weights, running statistics, moments, averages and gradients stay on the device; pictures,
 * targets, masks and a few numbers go in, losses and logits come out. Each step puts out new tensors, and those that
 * they replace are disposed of at once, so that memory stays flat.
 */
export class GpuEngine implements Engine {
  readonly #options: Omit<EngineOptions, 'parameters' | 'restore'>;
  readonly #program: TrainingProgram;
  readonly #layout: Layout;
  readonly #constants: Values;
  readonly #sessions: Sessions;
  readonly #state: State;
  #steps: number;
  #averageUpdates: number;
  /** Made at the first climb, and at the first batch of several passes. */
  #climbing: GpuSession | undefined;
  #adding: GpuSession | undefined;
  /** What the parts of the last pass add to the running statistics, until it is added. */
  #additions: Held[] = [];
  /** The weights that SAM climbed to, until the next update. */
  #climbed: Held = new Map();
  /** Those of the last pass, until a climb or an update has taken them. */
  #gradients: Held = new Map();

  private constructor(options: EngineOptions, program: TrainingProgram, sessions: Sessions, state: State) {
    const { parameters, restore, ...rest } = options;
    this.#options = rest;
    this.#program = program;
    this.#layout = flatten(program.trained);
    this.#constants = constantsOf(program, parameters);
    this.#sessions = sessions;
    this.#state = state;
    this.#steps = restore?.optimizerSteps ?? 0;
    this.#averageUpdates = restore?.averageUpdates ?? 0;
  }

  /** @throws UserError where there is no GPU that WebGPU can use, or where the state to restore does not fit. */
  static async create(options: EngineOptions): Promise<GpuEngine> {
    const program = options.program ?? trainingProgram(options.network, { device: 'webgpu' });
    const { optimizer, clip, ema, decay = decayMatrices } = options;
    const constants = constantsOf(program, options.parameters);
    const placement = (name: string): Float32Array | 'input' => constants.get(name) ?? 'input';
    const changing = new Map([...program.trained, ...program.buffers]);
    return wholeOrNone(async (own) => {
      const training = await GpuSession.create(program.graph, {
        placement,
        keepOnDevice: (name) => name !== names.losses && name !== names.logits,
      });
      const sessions: Sessions = {
        training: own(training),
        evaluation: own(await GpuSession.create(program.evaluation, { placement })),
        update: own(await stepSession(updateGraph(optimizer, program.trained, { decay, clip: clip > 0 }))),
        average: ema > 0 ? own(await stepSession(emaGraph(changing))) : undefined,
        statistics:
          program.buffers.size > 0
            ? own(await stepSession(statisticsGraph(program.buffers, statisticDecay)))
            : undefined,
      };
      return new GpuEngine(options, program, sessions, await firstState(options, program));
    });
  }

  forwardBackward(parts: readonly MicroBatch[]): Promise<Pass> {
    return this.#forwardBackward(this.#state.weights, parts);
  }

  async #forwardBackward(weights: Held, parts: readonly MicroBatch[]): Promise<Pass> {
    disposeAll(this.#gradients.values());
    this.#gradients = new Map();
    this.#dropAdditions();
    const results: PassResult[] = [];
    for (const part of parts) {
      const { host, device } = await this.#sessions.training.run(
        new Map<string, HostTensor | DeviceTensor>([
          ...weights,
          ...batchFeeds(this.#options.network, this.#program, part),
        ]),
      );
      this.#additions.push(
        new Map([...this.#program.buffers.keys()].map((name) => [name, output(device, names.addition(name))])),
      );
      await this.#add(new Map(this.#layout.names.map((name) => [name, output(device, names.gradient(name))])));
      results.push({ losses: floats(host.get(names.losses)), logits: floats(host.get(names.logits)) });
    }
    if (parts.length === 0) {
      this.#gradients = await toDevice(this.#program.trained, views(this.#layout, allocate(this.#layout)));
    }
    return { results, gradients: this.#handle(this.#gradients), moveStatistics: this.#mover(this.#additions) };
  }

  #dropAdditions(): void {
    for (const held of this.#additions) disposeAll(held.values());
    this.#additions = [];
  }

  #mover(own: Held[]): Pass['moveStatistics'] {
    return async (exchange) => {
      if (own !== this.#additions) throw new Error('these statistics have been moved, or are too old');
      if (exchange !== undefined) await this.#exchangeAdditions(exchange);
      for (const added of this.#additions) await this.#addToStatistics(added);
      this.#dropAdditions();
    };
  }

  async #exchangeAdditions(exchange: (own: Float32Array) => Promise<Float32Array>): Promise<void> {
    const layout = flatten(this.#program.buffers);
    const size = layout.total;
    const own = new Float32Array(this.#additions.length * size);
    for (const [i, held] of this.#additions.entries()) {
      gather(layout, await toHost(held), own.subarray(i * size, (i + 1) * size));
    }
    const all = await exchange(own);
    this.#dropAdditions();
    for (let start = 0; start < all.length; start += size) {
      const values = views(layout, all.subarray(start, start + size));
      this.#additions.push(await toDevice(this.#program.buffers, values));
    }
  }

  async #addToStatistics(added: Held): Promise<void> {
    const { statistics } = this.#state;
    const session = this.#sessions.statistics;
    if (session === undefined) return;
    const { device } = await session.run(
      new Map<string, HostTensor | DeviceTensor>([...statistics, ...prefixed('add/', added)]),
    );
    replace(statistics, device, (name) => `next/${name}`);
  }

  async #add(gradients: Held): Promise<void> {
    const sum = this.#gradients;
    if (sum.size === 0) {
      this.#gradients = gradients;
      return;
    }
    this.#adding ??= await stepSession(accumulateGraph(this.#program.trained));
    const { device } = await this.#adding.run(
      new Map<string, HostTensor | DeviceTensor>([
        ...prefixed('sum/', sum),
        ...prefixed('grad/', gradients),
        ['weight', scalar(1)],
      ]),
    );
    disposeAll(gradients.values());
    replace(sum, device, (name) => `next/sum/${name}`);
  }

  #handle(own: Held): Gradients {
    const take = (): Held => {
      if (own !== this.#gradients) throw new Error('these gradients have been used, or are too old');
      this.#gradients = new Map();
      return own;
    };
    return {
      layout: this.#layout,
      onHost: async (work) => {
        const taken = take();
        const flat = allocate(this.#layout);
        gather(this.#layout, await toHost(taken), flat);
        disposeAll(taken.values());
        await work(flat);
        own = await toDevice(this.#program.trained, views(this.#layout, flat));
        this.#gradients = own;
      },
      climb: (rho) => this.#climb(take(), rho),
      update: (learningRate) => this.#update(take(), learningRate),
    };
  }

  async #climb(gradients: Held, rho: number): Promise<Climbed> {
    this.#climbing ??= await stepSession(climbGraph(this.#program.trained));
    const { host, device } = await this.#climbing.run(
      new Map<string, HostTensor | DeviceTensor>([
        ...this.#state.weights,
        ...prefixed('grad/', gradients),
        ['rho', scalar(rho)],
      ]),
    );
    disposeAll(gradients.values());
    disposeAll(this.#climbed.values());
    const climbed = new Map(this.#layout.names.map((name) => [name, output(device, `next/${name}`)]));
    this.#climbed = climbed;
    return {
      norm: itemAt(floats(host.get('norm')), 0),
      forwardBackward: (parts) => this.#forwardBackward(climbed, parts),
    };
  }

  async #update(gradients: Held, learningRate: number): Promise<void> {
    const { optimizer, clip } = this.#options;
    const { weights, moments } = this.#state;
    const scalars = { ...updateScalars(optimizer, this.#steps + 1, learningRate), max_norm: clip };
    const { device } = await this.#sessions.update.run(
      new Map<string, HostTensor | DeviceTensor>([
        ...weights,
        ...moments,
        ...prefixed('grad/', gradients),
        ...Object.entries(scalars).map(([name, value]) => [name, scalar(value)] as const),
      ]),
    );
    this.#steps++;
    replace(weights, device, (name) => `next/${name}`);
    replace(moments, device, (name) => `next/${name}`);
    disposeAll(gradients.values());
    disposeAll(this.#climbed.values());
    this.#climbed = new Map();
    await this.#average();
  }

  async #average(): Promise<void> {
    const { weights, statistics, averages } = this.#state;
    const { average } = this.#sessions;
    if (averages === undefined || average === undefined) return;
    const { device } = await average.run(
      new Map<string, HostTensor | DeviceTensor>([
        ...weights,
        ...statistics,
        ...prefixed('ema/', averages),
        ['share', scalar(emaShare(this.#options.ema, this.#averageUpdates))],
      ]),
    );
    this.#averageUpdates++;
    replace(averages, device, (name) => `next/ema/${name}`);
  }

  async logits(images: Float32Array, n: number): Promise<Float32Array> {
    const { weights, statistics, averages } = this.#state;
    const { host } = await this.#sessions.evaluation.run(
      new Map<string, HostTensor | DeviceTensor>([
        ...(averages ?? [...weights, ...statistics]),
        [names.images, imageFeed(this.#options.network, images, n)],
      ]),
    );
    return floats(host.get(names.logits));
  }

  async snapshot(): Promise<Snapshot> {
    const { weights, statistics, moments, averages } = this.#state;
    const all = async (held: Held): Promise<Values> => {
      const parts = new Map([...this.#constants, ...(await toHost(held))]);
      // In the order of declaration.
      return new Map([...this.#program.parameters.keys()].map((name) => [name, valuesOf(name, parts)]));
    };
    return {
      parameters: await all(new Map([...weights, ...statistics])),
      ...(averages ? { averaged: await all(averages) } : {}),
      averageUpdates: this.#averageUpdates,
      optimizer: await toHost(moments),
      optimizerSteps: this.#steps,
    };
  }

  async dispose(): Promise<void> {
    const { weights, statistics, moments, averages } = this.#state;
    for (const held of [weights, statistics, moments, averages, this.#climbed, this.#gradients]) {
      disposeAll(held?.values() ?? []);
    }
    this.#dropAdditions();
    const { training, evaluation, update, average, statistics: moving } = this.#sessions;
    for (const session of [training, evaluation, update, average, moving, this.#climbing, this.#adding]) {
      await session?.dispose();
    }
  }
}

/** Of a graph that puts out what replaces its inputs, all of which stays on the device. */
function stepSession(program: Graph): Promise<GpuSession> {
  return GpuSession.create(lower(program, 'webgpu'), { keepOnDevice: (name) => name.startsWith('next/') });
}

async function firstState(options: EngineOptions, program: TrainingProgram): Promise<State> {
  const { parameters, restore, optimizer, ema, decay = decayMatrices } = options;
  const layout = flatten(program.trained);
  const state = restore
    ? restoreState(optimizer, layout, restore.optimizerSteps, restore.optimizer, decay)
    : createState(optimizer, layout, decay);
  const moments = stateArrays(state, layout);
  const shapes = new Map(
    [...moments.keys()].map((key) => [key, program.trained.get(key.slice(key.indexOf('/') + 1)) ?? []] as const),
  );
  const changing = new Map([...program.trained, ...program.buffers]);
  return wholeOrNone(async (own) => {
    const held = async (of: Shapes, values: ReadonlyMap<string, Float32Array>): Promise<Held> => {
      const tensors = await toDevice(of, values);
      own({ dispose: async () => disposeAll(tensors.values()) });
      return tensors;
    };
    return {
      weights: await held(program.trained, parameters),
      statistics: await held(program.buffers, parameters),
      moments: await held(shapes, moments),
      averages: ema > 0 ? await held(changing, restore?.averaged ?? parameters) : undefined,
    };
  });
}
