import { formatShape, input, parameter, sameShape, type Tensor } from '../graph/index.js';
import type { Initializer } from './initializer.js';

/** In training BatchNorm uses the statistics of the batch and stochastic depth is on. */
export type Mode = 'inference' | 'training';

/**
 * What training does to a part of the network: `trained`; `frozen`, nothing moves; `as-published`, the parameters stay
 * but BatchNorm uses the statistics of the batch and moves its running ones.
 */
export type Freezing = 'frozen' | 'as-published';

/** A named tensor of a network that lives outside of the graph. */
export interface ParameterSpec {
  /** As in the published PyTorch checkpoints. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
  /** `buffer`: a running statistic, moved by training passes (see {@link Scope.updates}) and not by an optimizer. */
  readonly role: 'weight' | 'buffer';
  /** Whether an optimizer changes it. Never true for a buffer. */
  readonly trained: boolean;
}

/**
 * A stochastic depth mask: an input of the graph, float32 [N, 1, ...], to be fed with 1 / (1 - rate) where a sample
 * keeps the branch (probability 1 - rate) and 0 where it skips it.
 */
export interface DropMask {
  /** Name of the graph's input. */
  readonly name: string;
  readonly value: Tensor;
  /** Probability of skipping, in (0, 1). */
  readonly rate: number;
}

interface Registry {
  readonly mode: Mode;
  /** See {@link ScopeOptions}. */
  readonly frozen: readonly string[];
  readonly parameters: Map<string, ParameterSpec>;
  readonly leaves: Map<string, Tensor>;
  readonly updates: Map<string, Tensor>;
  readonly masks: Map<string, DropMask>;
  readonly taps: Map<string, Tensor>;
  readonly shared: Map<string, Tensor>;
}

/**
 * Collects what a forward pass declares while it builds its graph. Sub-scopes (`at`, `frozen`) share one collection
 * and differ in the prefix of their names and in whether their parameters are trained.
 */
export class Scope {
  readonly #registry: Registry;
  readonly #prefix: string;
  readonly #freezing: Freezing | undefined;

  /** Use {@link createScope}. */
  constructor(registry: Registry, prefix: string, freezing: Freezing | undefined) {
    this.#registry = registry;
    this.#prefix = prefix;
    this.#freezing = freezing;
  }

  get mode(): Mode {
    return this.#registry.mode;
  }

  /** Where BatchNorm takes its statistics from here. */
  get statistics(): 'batch' | 'running' {
    return this.mode === 'training' && this.#freezing !== 'frozen' ? 'batch' : 'running';
  }

  /** Whether stochastic depth is on here: what is frozen computes in training what it computes in evaluation. */
  get skipsBranches(): boolean {
    return this.mode === 'training' && this.#freezing !== 'frozen';
  }

  /** Whether the parameters declared here stay as they are while the graph is used. */
  get fixed(): boolean {
    return this.mode === 'inference' || this.#freezing !== undefined;
  }

  /** The scope whose names start with `name.`. */
  at(name: string | number): Scope {
    const prefix = `${this.#prefix}${name}.`;
    const isFrozen = this.#registry.frozen.some((one) => prefix.startsWith(one));
    return new Scope(this.#registry, prefix, isFrozen ? 'frozen' : this.#freezing);
  }

  /** The same scope with parameters that no optimizer changes. Where nothing moves already, nothing moves still. */
  frozen(how: Freezing): Scope {
    return new Scope(this.#registry, this.#prefix, this.#freezing === 'frozen' ? 'frozen' : how);
  }

  /** Declares a weight. Declared again with the same shape it is the same tensor. */
  parameter(name: string, shape: readonly number[], init: Initializer): Tensor {
    return this.#declare(name, shape, init, 'weight');
  }

  /** Declares a running statistic. */
  buffer(name: string, shape: readonly number[], init: Initializer): Tensor {
    return this.#declare(name, shape, init, 'buffer');
  }

  #declare(name: string, shape: readonly number[], init: Initializer, role: ParameterSpec['role']): Tensor {
    const full = this.#prefix + name;
    const before = this.#registry.leaves.get(full);
    if (before !== undefined) {
      if (sameShape(before.shape, shape)) return before;
      throw new Error(`${full} is declared as ${formatShape(before.shape)} and as ${formatShape(shape)}`);
    }
    const leaf = parameter(full, shape);
    const trained = role === 'weight' && this.#freezing === undefined;
    this.#registry.leaves.set(full, leaf);
    this.#registry.parameters.set(full, { name: full, shape, init, role, trained });
    return leaf;
  }

  /** Records what the pass adds to a running statistic of this scope, after that has shrunk by `statisticDecay`. */
  update(name: string, value: Tensor): void {
    this.#registry.updates.set(this.#prefix + name, value);
  }

  /** A stochastic depth mask [N, 1, ...] with `rank` axes, called `mask/` and the name of what it skips. */
  dropPath(name: string, rate: number, rank: number): Tensor {
    const full = `mask/${this.#prefix}${name}`;
    const before = this.#registry.masks.get(full);
    if (before !== undefined) throw new Error(`the mask ${full} is declared twice`);
    const value = input(full, 'float32', ['N', ...Array<number>(rank - 1).fill(1)]);
    this.#registry.masks.set(full, { name: full, value, rate });
    return value;
  }

  /** Gives an activation a name of its own, for tests and explanations, and returns it. */
  tap(name: string, value: Tensor): Tensor {
    this.#registry.taps.set(this.#prefix + name, value);
    return value;
  }

  /** A small tensor that several layers need, built once a pass. */
  shared(key: string, make: () => Tensor): Tensor {
    let value = this.#registry.shared.get(key);
    if (value === undefined) {
      value = make();
      this.#registry.shared.set(key, value);
    }
    return value;
  }

  /** Everything declared, by full name, in order of declaration. */
  get parameters(): ReadonlyMap<string, ParameterSpec> {
    return this.#registry.parameters;
  }

  /** The graph's leaf of each parameter and running statistic. */
  get leaves(): ReadonlyMap<string, Tensor> {
    return this.#registry.leaves;
  }

  /** The new value of each running statistic that the pass moves, by full name. */
  get updates(): ReadonlyMap<string, Tensor> {
    return this.#registry.updates;
  }

  /** Stochastic depth masks by input name. Empty in inference and where all rates are 0. */
  get masks(): ReadonlyMap<string, DropMask> {
    return this.#registry.masks;
  }

  /** Activations that were given a name. */
  get taps(): ReadonlyMap<string, Tensor> {
    return this.#registry.taps;
  }
}

export interface ScopeOptions {
  readonly mode: Mode;
  /** Nothing moves in scopes whose names begin so, such as `backbone.`. Default: none. */
  readonly frozen?: readonly string[];
}

export function createScope({ mode, frozen = [] }: ScopeOptions): Scope {
  const registry: Registry = {
    mode,
    frozen,
    parameters: new Map(),
    leaves: new Map(),
    updates: new Map(),
    masks: new Map(),
    taps: new Map(),
    shared: new Map(),
  };
  return new Scope(registry, '', undefined);
}
