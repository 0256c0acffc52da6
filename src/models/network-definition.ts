import type * as z from 'zod';
import type { Setting } from '../common/errors.js';
import type { Preprocessing } from '../common/preprocessing.js';
import type { Tensor } from '../graph/index.js';
import type { ParameterSpec, Scope } from '../nn/index.js';
import type { ExplanationGraph, Forward } from './network-graphs.js';
import type { NetworkOptions } from './network-options.js';
import type { NetworkRecipe, Recipe } from './recipe.js';
import type { Studies } from './study-names.js';

/** What the configuration of every network says; each adds its own sizes. It travels in checkpoints. */
export interface NetworkConfig {
  readonly numClasses: number;
  /** Side of the square input in pixels. */
  readonly imageSize: number;
  readonly inputChannels: 1 | 3;
}

/** How many classes a network can tell apart. */
export const classLimits = { least: 2, most: 1000 } as const;

/** A named configuration of a network, with how it is trained. */
export interface Variant<Config extends NetworkConfig> {
  /** `model.name` in checkpoints. No two variants of all networks share a name. */
  readonly name: string;
  /** One line for listings. */
  readonly summary: string;
  readonly config: Config;
  /** How pictures are normalised, a number for each channel; their size is the configuration's. */
  readonly normalisation: Pick<Preprocessing, 'mean' | 'std'>;
  /** How it is trained where no option says otherwise. */
  readonly recipe: NetworkRecipe;
  /** What is said of its cost elsewhere. */
  readonly stated?: StatedCost;
  /** The network's own options in that recipe. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The network's own options where the published code is repeated with its faults. */
  readonly optionsAsPublished?: Readonly<Record<string, unknown>>;
}

/** What a publication says of a network's cost. */
export interface StatedCost {
  /** Where: `the abstract of arXiv 2301.12149`. */
  readonly where: string;
  readonly parameters: number;
  /** `FLOPs` as stated. Papers and tools call multiply-accumulates so, too. */
  readonly flops?: number;
}

/**
 * A part of a network that has pretrained files of its own. What it sees in faces holds for other classes too.
 */
export interface NetworkPart {
  /** As the part of an `InitSource`. */
  readonly name: string;
  /** What the names of its tensors begin with in the network; a file of the part alone has them without. */
  readonly prefix: string;
  /** In prose: `the IR-50 backbone`. */
  readonly title: string;
  /** What else a file of it is good for, such as `find landmarks with it alone`, and the setting that says so. */
  readonly otherUse?: { readonly phrase: string; readonly setting: Setting };
}

/** What the published code of a network has beyond what its logits depend on. */
export interface PublishedCode<Config extends NetworkConfig> {
  /** Whether it has a network of these sizes, for any number of classes. */
  has(config: Config): boolean;
  /** Weights and running statistics that it registers and that no logit depends on. */
  unread(config: Config): ReadonlyMap<string, ParameterSpec>;
  /** Whether a file may hold a tensor of this name that is not read, whatever its sizes. */
  isUnread(name: string): boolean;
  /** What a file lacks that was written with first values for these unread tensors: a sentence. */
  missing?(names: readonly string[]): string | undefined;
  /** Integer buffers by name, except for `num_batches_tracked`, which every BatchNorm of PyTorch has. */
  integerBuffers?(config: Config, parameters: Iterable<string>): ReadonlyMap<string, IntegerBuffer>;
  /** What it computes and drops: a title, what the names of its weights begin with, and a graph whose updates need it. */
  readonly dropped?: {
    readonly title: string;
    readonly prefix: string;
    forward(config: Config): Forward | undefined;
  };
  /** What {@link BuildOptions.everyToken} computes and the usual graph does not, for a table. */
  readonly shortcut?: string;
  /** What it does on every dataset. */
  readonly recipe: Recipe;
  /** What it does on each published dataset, by name, complete. */
  readonly datasetRecipes: Readonly<Record<string, Recipe>>;
}

/** An integer buffer of PyTorch, int64. */
export interface IntegerBuffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: BigInt64Array;
}

export interface BuildOptions {
  /** Compute what the published code computes and no logit depends on, such as all rows of the last transformer block. */
  readonly everyToken?: boolean;
  /**
   * Where the logits of the published code depend on the other pictures of the batch in evaluation too, let them. Default:
   * in inference a picture's logits are its own.
   */
  readonly acrossBatch?: boolean;
}

/** Everything that the program has to know of a network: `docs/adding-a-network.md`. */
export interface NetworkDefinition<Config extends NetworkConfig> {
  /** In prose: `POSTER V2`. */
  readonly title: string;
  /** Where it is described: `arXiv 2301.12149`. */
  readonly reference?: string;
  /** Name of a class for it, for configurations of Hugging Face's libraries: `ResNet8`. */
  readonly className: string;
  readonly variants: readonly [Variant<Config>, ...Variant<Config>[]];
  /** Bounded, so that no checkpoint asks for a graph that fills the memory. */
  readonly schema: z.ZodType<Config>;
  /** @throws UserError where sizes do not fit together: the first rule that is broken, and what would keep it. */
  check?(config: Config, source: string): void;
  /**
   * The forward pass.
   * @param images [N, C, S, S], normalised
   * @returns logits [N, classes]
   */
  build(scope: Scope, images: Tensor, config: Config, options: BuildOptions): Tensor;
  /** Name of the last linear layer; its tensors are `HEAD.weight` [classes, features] and `HEAD.bias` [classes]. */
  readonly head: string;
  /** Name of the activation [N, features] that the head sees, as `build` taps it. */
  readonly features: string;
  /** Tensors besides the head's weight that say by their names where a network, or a part in a file of its own, begins. */
  readonly anchors?: readonly string[];
  readonly parts?: readonly NetworkPart[];
  /**
   * What learning from few pictures trains, by what the names of its tensors begin with: the last blocks and the head. The others stay as
   * they are. Default: all but `parts`.
   */
  readonly lastBlocks?: readonly string[];
  /** Names in the network of tensors that other files name otherwise. */
  rename?(name: string): string;
  /** Its own options of a run, such as ablations. */
  readonly options?: NetworkOptions<Config>;
  /** Its ablations, in options of its own. */
  readonly studies?: Studies<Config>;
  readonly published?: PublishedCode<Config>;
  /**
   * What of the pictures that are run together each picture's logits depend on with {@link BuildOptions.acrossBatch}, in
   * prose: `the mean features of its batch`.
   */
  readonly acrossBatch?: string;
  /** The graph that shows what its attention attends to; undefined where these sizes have none that could be shown. */
  explanation?(config: Config, forward: Forward): ExplanationGraph | undefined;
}
