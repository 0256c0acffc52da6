import * as z from 'zod';
import { UserError } from '../common/errors.js';
import { describeZodError } from '../common/json.js';
import type { Preprocessing } from '../common/preprocessing.js';
import type { Tensor } from '../graph/index.js';
import type { ParameterSpec, Scope } from '../nn/index.js';
import {
  type BuildOptions,
  classLimits,
  type IntegerBuffer,
  type NetworkConfig,
  type NetworkDefinition,
  type NetworkPart,
  type StatedCost,
} from './network-definition.js';
import type { ExplanationGraph, Forward } from './network-graphs.js';
import type { NetworkOption } from './network-options.js';
import type { NetworkRecipe, Recipe } from './recipe.js';
import { type StudyArm, type StudyName, studyNames } from './study-names.js';

/** A configuration as checkpoints hold it. */
export type StoredConfig = NetworkConfig & Readonly<Record<string, unknown>>;

/** A network of given sizes, without weights. The type of its configuration is its definition's own affair. */
export interface ConfiguredNetwork {
  /** As in checkpoints: `model.name`. */
  readonly name: string;
  /** What it is one of. */
  readonly family: NetworkFamily;
  readonly config: StoredConfig;
  /** Images [N, C, S, S], normalised -> logits [N, classes]. */
  build(scope: Scope, images: Tensor, options?: BuildOptions): Tensor;
  /** Undefined for a network without attention. */
  readonly explanation: ((forward: Forward) => ExplanationGraph | undefined) | undefined;
  /** Undefined for a network without published code. */
  readonly published: PublishedNetwork | undefined;
  /** The same network for as many classes. */
  withClasses(numClasses: number): ConfiguredNetwork;
}

/** What `PublishedCode` says of one configuration. */
export interface PublishedNetwork {
  /** Whether the published code has a network of these sizes. */
  readonly exists: boolean;
  readonly shortcut: string | undefined;
  unread(): ReadonlyMap<string, ParameterSpec>;
  missing(names: readonly string[]): string | undefined;
  integerBuffers(parameters: Iterable<string>): ReadonlyMap<string, IntegerBuffer>;
  dropped(): { readonly title: string; readonly prefix: string; readonly forward: Forward | undefined } | undefined;
}

/** A variant of a network, whatever its configuration. */
export interface NetworkVariant {
  readonly name: string;
  readonly summary: string;
  readonly network: ConfiguredNetwork;
  readonly preprocessing: Preprocessing;
  /** With the network's own options. */
  readonly recipe: NetworkRecipe & Readonly<Record<string, unknown>>;
  /** The network's own options where the published code is repeated. */
  readonly optionsAsPublished: Readonly<Record<string, unknown>>;
  readonly stated: StatedCost | undefined;
}

/** A definition, whatever the type of its configuration. */
export interface NetworkFamily {
  readonly title: string;
  readonly reference: string | undefined;
  readonly className: string;
  readonly variants: readonly NetworkVariant[];
  /** Names of the last linear layer's tensors: [classes, features] and [classes]. */
  readonly head: { readonly weight: string; readonly bias: string };
  readonly features: string;
  /** Tensors that say by their names where a network begins; the first that a file has decides. */
  readonly anchors: readonly string[];
  readonly parts: readonly NetworkPart[];
  /** Undefined: all but `parts`. */
  readonly lastBlocks: readonly string[] | undefined;
  rename(name: string): string;
  /** Whether a file may hold a tensor of this name that is not read. */
  isUnread(name: string): boolean;
  readonly options: readonly NetworkOption[];
  /** What of its batch a picture's logits depend on as published; undefined where they are its own. */
  readonly acrossBatch: string | undefined;
  /** Recipes of the published code: on every dataset, and complete on each. */
  readonly published:
    | { readonly recipe: Recipe; readonly datasetRecipes: Readonly<Record<string, Recipe>> }
    | undefined;
  /**
   * A network from outside, such as that of a checkpoint.
   * @throws UserError when `config` is none of this family, or its sizes do not fit together.
   */
  parse(name: string, config: unknown, source?: string): ConfiguredNetwork;
  /** Whether `config` is one of this family, whether or not its sizes fit together. */
  accepts(config: unknown): boolean;
  /**
   * The network's own options, checked; those not given get their defaults.
   * @throws z.ZodError where one is unknown or cannot be used.
   */
  parseOptions(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** Options that an early version stored with a run, put right. */
  migrateOptions(variant: string, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /**
   * A variant with options of the network's own.
   * @throws UserError where they do not fit it or one another.
   */
  withOptions(variant: string, numClasses: number, options: Readonly<Record<string, unknown>>): ConfiguredNetwork;
  /** The ablations of a variant. */
  studiesOf(variant: string): ReadonlyMap<StudyName, readonly StudyArm[]>;
}

const noOptions = z.strictObject({});

/** Closes a definition over the type of its configuration. */
export function networkFamily<Config extends NetworkConfig>(definition: NetworkDefinition<Config>): NetworkFamily {
  const { head, anchors = [], options, published, schema } = definition;
  let variants: readonly NetworkVariant[] | undefined;
  const variantOf = (name: string): NetworkDefinition<Config>['variants'][0] => {
    const found = definition.variants.find((variant) => variant.name === name);
    if (found === undefined) throw new Error(`${definition.title} has no variant called ${name}`);
    return found;
  };
  const configured = (name: string, config: Config, source = 'The network configuration'): ConfiguredNetwork => {
    definition.check?.(config, source);
    return configuredNetwork(definition, family, name, config);
  };
  const family: NetworkFamily = {
    title: definition.title,
    reference: definition.reference,
    className: definition.className,
    head: { weight: `${head}.weight`, bias: `${head}.bias` },
    features: definition.features,
    anchors: [`${head}.weight`, ...anchors],
    parts: definition.parts ?? [],
    lastBlocks: definition.lastBlocks,
    rename: (name) => definition.rename?.(name) ?? name,
    isUnread: (name) => published?.isUnread(name) === true,
    options: options?.list ?? [],
    acrossBatch: definition.acrossBatch,
    published,
    get variants() {
      variants ??= definition.variants.map((one) => networkVariant(one, configured(one.name, one.config)));
      return variants;
    },
    parse(name, config, source = 'The network configuration') {
      const parsed = schema.safeParse(config);
      if (parsed.success) return configured(name, parsed.data, source);
      throw new UserError(`${source} does not have the expected content: ${describeZodError(parsed.error)}.`);
    },
    accepts: (config) => schema.safeParse(config).success,
    parseOptions: (given) => options?.parse(given) ?? noOptions.parse(given),
    migrateOptions: (variant, given) => options?.migrate(given, variantOf(variant).config) ?? given,
    withOptions(variant, numClasses, given) {
      checkClasses(numClasses);
      const config = { ...variantOf(variant).config, numClasses };
      return configured(variant, options?.configure(config, given, variant) ?? config);
    },
    studiesOf(variant) {
      const { config } = variantOf(variant);
      const arms = studyNames.map((study) => [study, definition.studies?.[study]?.(config)] as const);
      return new Map(arms.flatMap(([study, found]) => (found === undefined ? [] : [[study, found]])));
    },
  };
  return family;
}

function networkVariant<Config extends NetworkConfig>(
  {
    name,
    summary,
    config,
    normalisation,
    recipe,
    options,
    optionsAsPublished,
    stated,
  }: NetworkDefinition<Config>['variants'][0],
  network: ConfiguredNetwork,
): NetworkVariant {
  return {
    name,
    summary,
    network,
    preprocessing: { imageSize: config.imageSize, channels: config.inputChannels, ...normalisation },
    recipe: { ...recipe, ...options },
    optionsAsPublished: optionsAsPublished ?? {},
    stated,
  };
}

/** @throws UserError where no network tells so many classes apart */
function checkClasses(count: number): void {
  const { least, most } = classLimits;
  if (Number.isInteger(count) && count >= least && count <= most) return;
  throw new UserError(`A network cannot have ${count} classes; give a whole number from ${least} to ${most}.`, 'usage');
}

/** A configuration with its definition. It is checked when it is built, too. */
function configuredNetwork<Config extends NetworkConfig>(
  definition: NetworkDefinition<Config>,
  family: NetworkFamily,
  name: string,
  config: Config,
): ConfiguredNetwork {
  const { explanation } = definition;
  return {
    name,
    family,
    config: stored(config),
    build: (scope, images, options = {}) => definition.build(scope, images, config, options),
    explanation: explanation && ((forward) => explanation(config, forward)),
    published: publishedNetwork(definition, config),
    withClasses: (numClasses) => {
      checkClasses(numClasses);
      return configuredNetwork(definition, family, name, { ...config, numClasses });
    },
  };
}

function publishedNetwork<Config extends NetworkConfig>(
  { published }: NetworkDefinition<Config>,
  config: Config,
): PublishedNetwork | undefined {
  if (published === undefined) return undefined;
  const { dropped } = published;
  return {
    exists: published.has(config),
    shortcut: published.shortcut,
    unread: () => published.unread(config),
    missing: (names) => published.missing?.(names),
    integerBuffers: (parameters) => published.integerBuffers?.(config, parameters) ?? new Map(),
    dropped: () => dropped && { title: dropped.title, prefix: dropped.prefix, forward: dropped.forward(config) },
  };
}

function stored(config: NetworkConfig): StoredConfig {
  const { numClasses, imageSize, inputChannels } = config;
  const all: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(config));
  return { ...all, numClasses, imageSize, inputChannels };
}
