import { wholeOrNone } from '../common/all-or-none.js';
import { defined } from '../common/defined.js';
import { itemAt } from '../common/item-at.js';
import { statisticDecay } from '../nn/index.js';
import {
  accumulate,
  allocate,
  climb,
  clipByGlobalNorm,
  createEma,
  createState,
  decayMatrices,
  type Ema,
  flatten,
  gather,
  type Layout,
  moveStatistics,
  type OptimizerState,
  reserve,
  restoreState,
  stateArrays,
  update,
  updateEma,
  views,
} from '../optim/index.js';
import { type CpuOptions, CpuSession, floats, type HostTensor, hostTensor } from '../runtime/index.js';
import type { Climbed, Engine, EngineOptions, Gradients, MicroBatch, Pass, PassResult, Snapshot } from './engine.js';
import { batchFeeds, constantsOf, imageFeed, valuesOf } from './feeds.js';
import { FrozenFeatures } from './frozen-features.js';
import { names, type TrainingProgram, trainingProgram } from './program.js';
import { targetOf } from './target.js';

/** Tensors of one flat array, ready to be fed. */
function feedsOf(layout: Layout, flat: Float32Array): Map<string, HostTensor> {
  const parts = views(layout, flat);
  return new Map(
    layout.names.map((name, i) => [
      name,
      hostTensor('float32', parts.get(name) as Float32Array, itemAt(layout.shapes, i)),
    ]),
  );
}

interface Sessions {
  readonly training: CpuSession;
  readonly evaluation: CpuSession;
  /** Where frozen parts are apart. */
  readonly frozen: FrozenFeatures | undefined;
}

/** Gradients as a pass gives them, an array each, or flat. */
type Values = Float32Array | ReadonlyMap<string, Float32Array>;

/**
 * Trains on the CPU. Weights, moments and averages are flat arrays; sessions read the weights in place (no copy is
 * made) and the optimizer writes them in place, which is three times as fast as a graph that puts out new ones.
 */
export class CpuEngine implements Engine {
  readonly #options: Pick<EngineOptions, 'network' | 'optimizer' | 'ema' | 'clip'>;
  readonly #program: TrainingProgram;
  readonly #sessions: Sessions;
  readonly #layout: Layout;
  readonly #bufferLayout: Layout;
  readonly #params: Float32Array<ArrayBuffer>;
  readonly #buffers: Float32Array<ArrayBuffer>;
  readonly #constants: ReadonlyMap<string, Float32Array>;
  readonly #feeds: Map<string, HostTensor>;
  readonly #bufferFeeds: Map<string, HostTensor>;
  readonly #state: OptimizerState;
  readonly #ema: Ema | undefined;
  /** The weights that SAM climbed to; made at the first climb. */
  #climbed: { readonly flat: Float32Array; readonly feeds: Map<string, HostTensor> } | undefined;
  /** Where gradients add up, or lie in one piece; made when they do. */
  #flat: Float32Array | undefined;
  /** Counts the calls that made gradients: those of earlier ones are void. */
  #made = 0;
  /** See {@link holdHeap}. */
  readonly #held: ArrayBuffer[] = [];

  private constructor(options: EngineOptions, program: TrainingProgram, sessions: Sessions) {
    const { network, optimizer, ema, clip, restore, decay = decayMatrices } = options;
    this.#options = { network, optimizer, ema, clip };
    this.#program = program;
    this.#sessions = sessions;
    this.#layout = flatten(program.trained);
    this.#bufferLayout = flatten(program.buffers);
    const memory = reserve(optimizer, this.#layout);
    this.#state = restore
      ? restoreState(optimizer, this.#layout, restore.optimizerSteps, restore.optimizer, decay, memory)
      : createState(optimizer, this.#layout, decay, memory);
    this.#params = filled(this.#layout, options.parameters, memory.parameters);
    this.#buffers = filled(this.#bufferLayout, options.parameters);
    this.#constants = constantsOf(program, options.parameters);
    this.#feeds = feedsOf(this.#layout, this.#params);
    this.#bufferFeeds = feedsOf(this.#bufferLayout, this.#buffers);
    if (ema > 0) {
      const averaged = restore?.averaged;
      this.#ema = createEma(
        averaged ? filled(this.#layout, averaged) : this.#params,
        averaged ? filled(this.#bufferLayout, averaged) : this.#buffers,
      );
      this.#ema.updates = restore?.averageUpdates ?? 0;
    }
  }

  static async create(options: EngineOptions): Promise<CpuEngine> {
    const device = options.session?.executionProviders === undefined ? 'cpu' : 'cuda';
    const program = options.program ?? trainingProgram(options.network, await targetOf(device));
    const constants = constantsOf(program, options.parameters);
    const placement = (name: string): Float32Array | 'input' => constants.get(name) ?? 'input';
    const { threads, session } = options;
    // By its type: a name that sessions do not know is found by the compiler.
    const shared: CpuOptions = { placement, ...defined({ threads, session }) };
    return wholeOrNone(async (own) => {
      const sessions = {
        training: own(await CpuSession.create(program.graph, shared)),
        evaluation: own(await CpuSession.create(program.evaluation, shared)),
        frozen: program.frozen && own(await FrozenFeatures.create(program.frozen, shared)),
      };
      return new CpuEngine(options, program, sessions);
    });
  }

  forwardBackward(parts: readonly MicroBatch[]): Promise<Pass> {
    return this.#forwardBackward(this.#feeds, parts);
  }

  async #forwardBackward(weights: ReadonlyMap<string, HostTensor>, parts: readonly MicroBatch[]): Promise<Pass> {
    this.#made++;
    const results: PassResult[] = [];
    const size = this.#bufferLayout.total;
    const additions = new Float32Array(parts.length * size);
    // The gradients of one part stay the graph's own arrays; those of more add up.
    let gradients: Values | undefined = parts.length === 1 ? undefined : this.#zeros();
    for (const [i, part] of parts.entries()) {
      const outputs = await this.#run(weights, part);
      const added = new Map(this.#bufferLayout.names.map((name) => [name, floats(outputs.get(names.addition(name)))]));
      gather(this.#bufferLayout, added, additions.subarray(i * size, (i + 1) * size));
      results.push({ losses: floats(outputs.get(names.losses)), logits: floats(outputs.get(names.logits)) });
      const own = new Map(this.#layout.names.map((name) => [name, floats(outputs.get(names.gradient(name)))]));
      gradients = gradients instanceof Float32Array ? this.#added(gradients, own) : own;
    }
    return {
      results,
      gradients: this.#gradients(gradients ?? this.#zeros()),
      moveStatistics: this.#mover(additions),
    };
  }

  async #run(weights: ReadonlyMap<string, HostTensor>, part: MicroBatch): Promise<ReadonlyMap<string, HostTensor>> {
    const fed = batchFeeds(this.#options.network, this.#program, part);
    const features = await this.#features(imageFeed(this.#options.network, part.images, part.size), part.keys);
    const outputs = await this.#sessions.training.run(new Map([...weights, ...fed, ...features]));
    holdHeap(this.#held);
    return outputs;
  }

  /** What frozen parts make of pictures; nothing where they are not apart. */
  async #features(images: HostTensor, keys: readonly string[] | undefined): Promise<ReadonlyMap<string, HostTensor>> {
    return (await this.#sessions.frozen?.of(images, keys)) ?? new Map();
  }

  #mover(additions: Float32Array): Pass['moveStatistics'] {
    const made = this.#made;
    let isMoved = false;
    return async (exchange = async (own) => own) => {
      if (isMoved || made !== this.#made) throw new Error('these statistics have been moved, or are too old');
      isMoved = true;
      moveStatistics(this.#bufferLayout, this.#buffers, await exchange(additions), statisticDecay);
    };
  }

  #zeros(): Float32Array {
    this.#flat ??= allocate(this.#layout);
    return this.#flat.fill(0);
  }

  #added(sum: Float32Array, gradients: Values): Float32Array {
    accumulate(this.#layout, sum, gradients, 1);
    release(gradients);
    return sum;
  }

  #gradients(values: Values): Gradients {
    const made = this.#made;
    let left: Values | undefined = values;
    const take = (): Values => {
      if (left === undefined || made !== this.#made) throw new Error('these gradients have been used, or are too old');
      const taken = left;
      left = undefined;
      return taken;
    };
    return {
      layout: this.#layout,
      onHost: async (work) => {
        const taken = take();
        const flat = taken instanceof Float32Array ? taken : this.#added(this.#zeros(), taken);
        await work(flat);
        left = flat;
      },
      climb: async (rho) => this.#climb(take(), rho),
      update: async (learningRate) => this.#update(take(), learningRate),
    };
  }

  #climb(gradients: Values, rho: number): Climbed {
    if (this.#climbed === undefined) {
      const flat = allocate(this.#layout);
      this.#climbed = { flat, feeds: feedsOf(this.#layout, flat) };
    }
    const { flat, feeds } = this.#climbed;
    const norm = climb(this.#layout, this.#params, gradients, rho, flat);
    release(gradients);
    return { norm, forwardBackward: (parts) => this.#forwardBackward(feeds, parts) };
  }

  #update(gradients: Values, learningRate: number): void {
    const { clip, ema, optimizer } = this.#options;
    if (clip > 0) clipByGlobalNorm(this.#layout, gradients, clip);
    update(optimizer, this.#state, this.#layout, this.#params, gradients, learningRate);
    release(gradients);
    if (this.#ema) updateEma(this.#ema, ema, this.#params, this.#buffers);
  }

  async logits(images: Float32Array, n: number, keys?: readonly string[]): Promise<Float32Array> {
    const averaged = this.#ema;
    const feeds = averaged
      ? new Map([...feedsOf(this.#layout, averaged.parameters), ...feedsOf(this.#bufferLayout, averaged.buffers)])
      : new Map([...this.#feeds, ...this.#bufferFeeds]);
    const fed = imageFeed(this.#options.network, images, n);
    const features = await this.#features(fed, keys);
    const outputs = await this.#sessions.evaluation.run(new Map([...feeds, [names.images, fed], ...features]));
    return floats(outputs.get(names.logits));
  }

  async snapshot(): Promise<Snapshot> {
    const all = (params: Float32Array, buffers: Float32Array): Map<string, Float32Array> => {
      const parts = new Map([
        ...this.#constants,
        ...views(this.#layout, params),
        ...views(this.#bufferLayout, buffers),
      ]);
      // In the order of declaration.
      return new Map([...this.#program.parameters.keys()].map((name) => [name, parts.get(name) as Float32Array]));
    };
    return {
      parameters: all(this.#params, this.#buffers),
      ...(this.#ema ? { averaged: all(this.#ema.parameters, this.#ema.buffers) } : {}),
      averageUpdates: this.#ema?.updates ?? 0,
      optimizer: stateArrays(this.#state, this.#layout),
      optimizerSteps: this.#state.step,
    };
  }

  async dispose(): Promise<void> {
    const { training, evaluation, frozen } = this.#sessions;
    await training.dispose();
    await evaluation.dispose();
    await frozen?.dispose();
  }
}

function filled(
  layout: Layout,
  parameters: ReadonlyMap<string, Float32Array>,
  flat = allocate(layout),
): Float32Array<ArrayBuffer> {
  for (const [name, part] of views(layout, flat)) part.set(valuesOf(name, parameters));
  return flat;
}

/**
 * Keeps the C library from handing the gradients' memory to the system at every update, only to be given as much anew, zeroed page by
 * page, in the next pass (40,000 page faults for POSTER V2, 2 to 8% of a step). glibc returns what is free at the end of its heap: an
 * array that was made after the gradients, and stays, lies behind them. In the first pass they are not yet on the heap. It has to be of
 * a size that fits no gap before them. Other allocators do without this, and lose 2 MB to it.
 */
function holdHeap(held: ArrayBuffer[]): void {
  if (held.length < 2) held.push(new ArrayBuffer(2 ** 20));
}

/**
 * Gives the memory of gradients back at once: the collector may leave it for the length of another pass, which brings
 * as much anew. Transferring to a port that nobody listens to is how JavaScript can say so; the arrays are empty then.
 */
function release(gradients: Values): void {
  if (gradients instanceof Float32Array) return;
  const buffers = new Set<ArrayBuffer>();
  for (const { buffer } of gradients.values()) if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(null, [...buffers]);
  port1.close();
  port2.close();
}
