import { graph } from '../graph/index.js';
import { buildForward } from '../models/index.js';
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
  type Gradients,
  type Layout,
  type OptimizerState,
  restoreState,
  stateArrays,
  update,
  updateEma,
  views,
} from '../optim/index.js';
import { lower } from '../passes/index.js';
import { CpuSession, floats, type HostTensor, hostTensor } from '../runtime/index.js';
import type { Engine, EngineOptions, MicroBatch, PassResult, Snapshot } from './engine.js';
import { batchFeeds, constantsOf, imageFeed, valuesOf } from './feeds.js';
import { names, type TrainingProgram, trainingProgram } from './program.js';
import { targetOf } from './target.js';

/** Tensors of one flat array, ready to be fed. */
function feedsOf(layout: Layout, flat: Float32Array): Map<string, HostTensor> {
  const parts = views(layout, flat);
  return new Map(
    layout.names.map((name, i) => [
      name,
      hostTensor('float32', parts.get(name) as Float32Array, layout.shapes[i] ?? []),
    ]),
  );
}

/**
 * Trains on the CPU. Weights, moments and averages are flat arrays; sessions read the weights in place (no copy is
 * made) and the optimizer writes them in place, which is three times as fast as a graph that puts out new ones.
 */
export class CpuEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #program: TrainingProgram;
  readonly #training: CpuSession;
  readonly #evaluation: CpuSession;
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
  #gradients: Gradients | undefined;
  #sum: Float32Array | undefined;
  /** See {@link holdHeap}. */
  readonly #held: ArrayBuffer[] = [];

  private constructor(options: EngineOptions, program: TrainingProgram, sessions: readonly [CpuSession, CpuSession]) {
    this.#options = options;
    this.#program = program;
    [this.#training, this.#evaluation] = sessions;
    this.#layout = flatten(program.trained);
    this.#bufferLayout = flatten(program.moved);
    const { restore, optimizer, decay = decayMatrices } = options;
    this.#state = restore
      ? restoreState(optimizer, this.#layout, restore.optimizerSteps, restore.optimizer, decay)
      : createState(optimizer, this.#layout, decay);
    const home = this.#state.type === 'adam' ? this.#state.home : allocate(this.#layout);
    this.#params = filled(this.#layout, options.parameters, home);
    this.#buffers = filled(this.#bufferLayout, options.parameters);
    this.#constants = constantsOf(program, options.parameters);
    this.#feeds = feedsOf(this.#layout, this.#params);
    this.#bufferFeeds = feedsOf(this.#bufferLayout, this.#buffers);
    if (options.ema > 0) {
      const averaged = restore?.averaged;
      this.#ema = createEma(
        averaged ? filled(this.#layout, averaged) : this.#params,
        averaged ? filled(this.#bufferLayout, averaged) : this.#buffers,
      );
      this.#ema.updates = restore?.averageUpdates ?? 0;
    }
  }

  static async create(options: EngineOptions): Promise<CpuEngine> {
    const own = options.session?.executionProviders === undefined ? 'cpu' : 'cuda';
    const program = options.program ?? trainingProgram(options.config, await targetOf(own));
    const constants = constantsOf(program, options.parameters);
    const place = (name: string): Float32Array | 'input' => constants.get(name) ?? 'input';
    const { threads, session } = options;
    const shared = {
      place,
      ...(threads === undefined ? {} : { threads }),
      ...(session === undefined ? {} : { session }),
    };
    const { logits } = buildForward(options.config, 'inference');
    const training = await CpuSession.create(program.graph, shared);
    const evaluation = await CpuSession.create(lower(graph({ [names.logits]: logits }), program.target), shared);
    return new CpuEngine(options, program, [training, evaluation]);
  }

  get parameterCount(): number {
    return this.#layout.sizes.reduce((a, b) => a + b, 0);
  }

  async pass(batch: MicroBatch, climbed: boolean): Promise<PassResult> {
    const weights = climbed && this.#climbed ? this.#climbed.feeds : this.#feeds;
    const feeds = new Map([
      ...weights,
      ...this.#bufferFeeds,
      ...batchFeeds(this.#options.config, this.#program, batch),
    ]);
    const results = await this.#training.run(feeds);
    holdHeap(this.#held);
    for (const name of this.#bufferLayout.names) {
      floats(this.#bufferFeeds.get(name)).set(floats(results.get(names.update(name))));
    }
    this.#collect(new Map(this.#layout.names.map((name) => [name, floats(results.get(names.gradient(name)))])));
    return { losses: floats(results.get(names.losses)), logits: floats(results.get(names.logits)) };
  }

  /** A batch of one pass uses the graph's own arrays; more passes add up in an array of ours. */
  #collect(gradients: ReadonlyMap<string, Float32Array>): void {
    if (this.#gradients === undefined) {
      this.#gradients = gradients;
      return;
    }
    this.#sum ??= allocate(this.#layout);
    if (this.#gradients !== this.#sum) {
      this.#sum.fill(0);
      accumulate(this.#layout, this.#sum, this.#gradients, 1);
      this.#gradients = this.#sum;
    }
    accumulate(this.#layout, this.#sum, gradients, 1);
  }

  async #takeGradients(): Promise<Gradients> {
    const gradients = this.#gradients;
    if (gradients === undefined) throw new Error('no pass was made since the last update');
    this.#gradients = undefined;
    const { exchange } = this.#options;
    return exchange ? exchange(gradients, this.#layout) : gradients;
  }

  async climb(rho: number): Promise<number> {
    const gradients = await this.#takeGradients();
    if (this.#climbed === undefined) {
      const flat = allocate(this.#layout);
      this.#climbed = { flat, feeds: feedsOf(this.#layout, flat) };
    }
    const norm = climb(this.#layout, this.#params, gradients, rho, this.#climbed.flat);
    release(gradients);
    return norm;
  }

  async update(learningRate: number): Promise<void> {
    const gradients = await this.#takeGradients();
    const { clip, ema, optimizer } = this.#options;
    if (clip > 0) clipByGlobalNorm(this.#layout, gradients, clip);
    update(optimizer, this.#state, this.#layout, this.#params, gradients, learningRate);
    release(gradients);
    if (this.#ema) updateEma(this.#ema, ema, this.#params, this.#buffers);
  }

  async logits(images: Float32Array, n: number): Promise<Float32Array> {
    const averaged = this.#ema;
    const feeds = averaged
      ? new Map([...feedsOf(this.#layout, averaged.parameters), ...feedsOf(this.#bufferLayout, averaged.buffers)])
      : new Map([...this.#feeds, ...this.#bufferFeeds]);
    feeds.set(names.images, imageFeed(this.#options.config, images, n));
    return floats((await this.#evaluation.run(feeds)).get(names.logits));
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
    await this.#training.dispose();
    await this.#evaluation.dispose();
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
function release(gradients: Gradients): void {
  if (gradients instanceof Float32Array) return;
  const buffers = new Set<ArrayBuffer>();
  for (const { buffer } of gradients.values()) if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(null, [...buffers]);
  port1.close();
  port2.close();
}
