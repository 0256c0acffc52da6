import { UserError } from '../common/errors.js';
import { canonicalLabel, knownLabelSets } from '../common/label-sets.js';
import type { LabelSet } from '../common/labels.js';
import type { Preprocessing } from '../common/preprocessing.js';
import { printable } from '../common/printable.js';
import { buildInference } from './build.js';
import type { ConfiguredNetwork, StoredConfig } from './configured-network.js';
import { classLimits, type NetworkPart } from './network-definition.js';
import type { Inference } from './network-graphs.js';
import { modelNamed, networkFamilies, parseNetwork } from './registry.js';

/** Shapes of the floating-point tensors of a file, by name. */
export type TensorShapes = ReadonlyMap<string, readonly number[]>;

/**
 * Which network tensors belong to, by their names and shapes: all that it reads are there, and nothing unknown in its
 * modules ({@link isSurplus}). For files that do not say it themselves.
 * @returns the network with as many classes as the tensors' head; `undefined` where none fits.
 */
export function identifyModel(shapes: TensorShapes): ConfiguredNetwork | undefined {
  return candidates(shapes)
    .filter(({ family }) => shapes.has(family.head.weight))
    .find((network) => differences(network, shapes).length === 0);
}

/** Classes of a head that has the shapes of a network's; undefined without one. */
function outputsOf({ family }: ConfiguredNetwork, shapes: TensorShapes): number | undefined {
  return shapes.get(family.head.weight)?.[0];
}

/** The networks with as many classes as tensors say. */
function candidates(shapes: TensorShapes): ConfiguredNetwork[] {
  return networkFamilies
    .flatMap(({ variants }) => variants)
    .map(({ network }) => {
      const outputs = outputsOf(network, shapes);
      const { least, most } = classLimits;
      return outputs !== undefined && outputs >= least && outputs <= most ? network.withClasses(outputs) : network;
    });
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** What keeps tensors from being those of a network, a phrase each: missing ones first. */
function differences(network: ConfiguredNetwork, shapes: TensorShapes): string[] {
  const { parameters } = buildInference(network);
  const missing: string[] = [];
  const others: string[] = [];
  for (const { name, shape } of parameters.values()) {
    const found = shapes.get(name);
    if (found === undefined) missing.push(`it has no ${name}`);
    else if (String(found) !== String(shape)) {
      others.push(`its ${name} is ${shapeText(found)} instead of ${shapeText(shape)}`);
    }
  }
  const unknown = [...shapes.keys()]
    .filter((name) => !parameters.has(name) && !network.family.isUnread(name) && !isSurplus(name, parameters, network))
    .map((name) => `its ${printable(name, 60)} is unknown`);
  return [...missing, ...others, ...unknown];
}

/** The network that most tensors could be of, and what is wrong with the others; `undefined` where they are of none. */
function nearest(shapes: TensorShapes): string | undefined {
  const [best] = candidates(shapes)
    .map((network) => ({ network, wrong: differences(network, shapes), size: buildInference(network).parameters.size }))
    .filter(({ wrong, size }) => wrong.length < size / 2)
    .toSorted((a, b) => a.wrong.length - b.wrong.length);
  if (best === undefined) return undefined;
  const { network, wrong } = best;
  return `nearly a ${network.name}, but ${firstOf(wrong)}`;
}

/** The first few differences, and how many there are besides. */
function firstOf(wrong: readonly string[]): string {
  const more = wrong.length > 3 ? ` and ${wrong.length - 3} more` : '';
  return `${wrong.slice(0, 3).join(', ')}${more}`;
}

/** What tools leave in the modules of a network: counted operations, averages taken, batches tracked. */
const leftovers = /(^|\.)(total_ops|total_params|n_averaged|num_batches_tracked|__flops__|__params__|__macs__)$/;

/**
 * Whether a tensor that a network does not read does no harm in a file of it: what tools leave behind, and all that is in
 * none of the network's modules, such as the state of an optimizer. Anything else in its modules makes it another network.
 */
export function isSurplus(name: string, parameters: Inference['parameters'], network: ConfiguredNetwork): boolean {
  if (parameters.has(name)) return false;
  if (leftovers.test(name)) return true;
  return !modulesOf(parameters, network).has(moduleOf(name));
}

const moduleOf = (name: string): string => name.split('.', 1).join();

const moduleSets = new WeakMap<Inference['parameters'], ReadonlySet<string>>();

/** First segments of the names of a network's parameters, and of what the published one registers besides. */
function modulesOf(parameters: Inference['parameters'], { published }: ConfiguredNetwork): ReadonlySet<string> {
  const known =
    moduleSets.get(parameters) ?? new Set([...parameters.keys(), ...(published?.unread().keys() ?? [])].map(moduleOf));
  moduleSets.set(parameters, known);
  return known;
}

/** A sentence about what is ignored in a file. */
export function surplusNote(path: string, names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => printable(name, 60));
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${path} holds ${names.length} more tensors than its network reads (${shown.join(', ')}${more}): they are ignored.`;
}

/** The part of a network that tensors belong to, in a file of its own; `undefined` for anything else. */
function partOf(shapes: TensorShapes): NetworkPart | undefined {
  const names = new Map([...shapes].map(([name, shape]) => [name, String(shape)]));
  for (const { parts, variants, head } of networkFamilies) {
    if (parts.length === 0 || shapes.has(head.weight)) continue;
    for (const { network } of variants) {
      const known = [...buildInference(network).parameters.values()];
      const found = parts.find(({ prefix }) =>
        known
          .filter(({ name }) => name.startsWith(prefix))
          .every(({ name, shape }) => names.get(name.slice(prefix.length)) === String(shape)),
      );
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** What the user says about a file that says nothing. */
export interface AssumedModel {
  /** Not needed where the tensors are those of a known network. */
  readonly model?: string;
  readonly labels?: LabelSet;
}

/** As a checkpoint's own description. */
export interface AssumedDescription {
  readonly model: { readonly name: string; readonly config: StoredConfig };
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
}

/**
 * Describes a file that does not do it itself, such as a published `.pth`: the network follows from names and shapes, the
 * meaning of its outputs cannot be seen and must be said.
 * @throws UserError when the network is none that is known, or the labels are missing or do not fit.
 */
export function describeUndescribed(path: string, shapes: TensorShapes, assumed: AssumedModel): AssumedDescription {
  const part = partOf(shapes);
  if (part !== undefined) {
    const also = part.otherUse === undefined ? '' : `, or ${part.otherUse.phrase}`;
    throw new UserError(
      `${path} is no whole network but ${part.title} of one: begin the training of a network with it as the part ${part.name}${also}.`,
      'input',
      { settings: part.otherUse === undefined ? ['init'] : ['init', part.otherUse.setting] },
    );
  }
  const found = assumed.model === undefined ? identifyModel(shapes) : networkNamed(path, shapes, assumed.model);
  if (found === undefined) {
    const isAll = assumed.labels !== undefined;
    const what = nearest(shapes);
    const problem =
      what === undefined ? 'its tensors are not those of a network known here' : `its tensors are ${what}`;
    throw new UserError(
      `${path} does not say which network and labels it belongs to, and ${problem}: name ${isAll ? 'its network' : 'both'}, or use another checkpoint.`,
      'input',
      { settings: isAll ? ['model'] : ['model', 'labels'] },
    );
  }
  const { name, config } = found;
  const outputs = outputsOf(found, shapes) ?? config.numClasses;
  const fitting = knownLabelSets.filter(({ labels }) => labels.length === outputs).map((set) => set.name);
  const choices = fitting.length === 0 ? 'none of the published ones has as many' : fitting.join(', ');
  const { labels } = assumed;
  if (labels === undefined) {
    throw new UserError(
      `${path} does not say what its ${outputs} outputs mean: name the labels it was trained with: ${choices}.`,
      'input',
      { settings: ['labels'] },
    );
  }
  if (labels.labels.length !== outputs) {
    const { weight } = found.family.head;
    const shape = shapeText(shapes.get(weight) ?? []);
    throw new UserError(
      `${path} has ${outputs} outputs, and ${labels.name} has ${labels.labels.length} labels (its ${weight} is ${shape}): name those it was trained with: ${choices}.`,
      'input',
      { settings: ['labels'] },
    );
  }
  return {
    model: { name, config: { ...config, numClasses: outputs } },
    labels,
    preprocessing: modelNamed(name).preprocessing,
  };
}

/**
 * The network that a user says a file holds.
 * @throws UserError where its tensors are all those of another network: the first ones that tell.
 */
function networkNamed(path: string, shapes: TensorShapes, name: string): ConfiguredNetwork {
  const network = candidates(shapes).find((one) => one.name === name) ?? modelNamed(name).network;
  const wrong = differences(network, shapes);
  const other = wrong.length === 0 ? undefined : identifyModel(shapes);
  if (other === undefined || other.name === name) return network;
  throw new UserError(
    `${path} holds a ${other.name}, not a ${name}: ${firstOf(wrong)}; leave the model out.`,
    'input',
    {
      settings: ['model'],
    },
  );
}

/** The same expressions in the same order, whatever they are called. */
function sameLabels(one: LabelSet, other: LabelSet): boolean {
  const others = other.labels.map(canonicalLabel);
  return one.labels.length === others.length && one.labels.every((label, k) => canonicalLabel(label) === others[k]);
}

/** What a checkpoint says about itself. */
export interface Described {
  readonly model: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
  readonly labels: LabelSet;
  readonly preprocessing: Preprocessing;
}

/**
 * What network, labels and pictures a file belongs to: what it says itself, else what its tensors and the user say.
 * @param path what errors call it
 * @param own its own description, if it has one
 * @throws UserError where that is not enough, or contradicts itself or the user.
 */
export function resolveDescription<Own extends Described>(
  path: string,
  own: Own | undefined,
  shapes: TensorShapes,
  assumed: AssumedModel = {},
): { readonly description: Own | Described; readonly network: ConfiguredNetwork } {
  if (own !== undefined && assumed.model !== undefined && own.model.name !== assumed.model) {
    throw new UserError(
      `${path} says that it is a ${own.model.name}, not a ${assumed.model}; leave the model out.`,
      'input',
      { settings: ['model'] },
    );
  }
  if (own !== undefined && assumed.labels !== undefined && !sameLabels(own.labels, assumed.labels)) {
    const list = ({ name, labels }: LabelSet): string =>
      `${printable(name)} (${labels.map((one) => printable(one)).join(', ')})`;
    throw new UserError(
      `${path} says that its labels are ${list(own.labels)}, not ${list(assumed.labels)}; leave the labels out.`,
      'input',
      { settings: ['labels'] },
    );
  }
  const description = own ?? describeUndescribed(path, shapes, assumed);
  const network = parseNetwork(description.model, `The network configuration in ${path}`);
  const { config } = network;
  const { labels, preprocessing } = description;
  const problem =
    labels.labels.length !== config.numClasses
      ? `${config.numClasses} classes for ${labels.labels.length} labels`
      : preprocessing.imageSize !== config.imageSize || preprocessing.channels !== config.inputChannels
        ? 'pictures of another size or number of channels than the network takes'
        : undefined;
  if (problem !== undefined) throw new UserError(`${path} contradicts itself (${problem}); use another checkpoint.`);
  return { description, network };
}
