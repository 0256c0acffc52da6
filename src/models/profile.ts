import { increaseOf } from '../common/item-at.js';
import { elements, type Graph, type Node, nodesOf, type Value } from '../graph/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { type ActivationMemory, activationMemory } from './activation-memory.js';
import { buildForward, buildInference } from './build.js';
import type { ConfiguredNetwork } from './configured-network.js';
import type { BuildOptions } from './network-definition.js';

/** Multiply-accumulates of one picture. */
export interface MultiplyAccumulates {
  /** In convolutions and linear layers. */
  readonly layers: number;
  /** Of these in convolutions as this project computes them: some of the published code's are linear layers here. */
  readonly convolutions: number;
  /** Of these by part: the first name of their weight. */
  readonly parts: ReadonlyMap<string, number>;
  /** In products of two activations: queries with keys, attention with values. */
  readonly attention: number;
}

export interface Profile {
  readonly parameters: {
    /** Of a checkpoint of the published code, with what it never reads. Undefined where it has no such network. */
    readonly published: number | undefined;
    /** Those that the logits depend on. */
    readonly reachingLogits: number;
    /** Those that an optimizer changes. */
    readonly trained: number;
    /** Those that the logits depend on, by part. */
    readonly parts: ReadonlyMap<string, number>;
  };
  /** Of the network as published, without what the published code computes and drops. */
  readonly macs: MultiplyAccumulates;
  /** What the published code computes and drops, in convolutions and linear layers; undefined where there is none. */
  readonly dropped: { readonly title: string; readonly macs: number } | undefined;
  /** What this project's graph computes for the same logits. */
  readonly executed: MultiplyAccumulates;
  /** Of that graph. */
  readonly activations: ActivationMemory;
}

/** Counts parameters and work by walking the network's own graph. */
export function profile(network: ConfiguredNetwork): Profile {
  const { parameters } = buildInference(network);
  const counted = (options: BuildOptions): MultiplyAccumulates =>
    countMacs({ outputs: new Map([['logits', buildForward(network, 'inference', options).logits]]) });
  return {
    parameters: {
      published: publishedCount(network, parameters),
      reachingLogits: countParameters(parameters.values()),
      trained: countParameters([...parameters.values()].filter(({ trained }) => trained)),
      parts: byPart([...parameters.values()].filter(isWeight), (spec) => [spec.name, elements(spec.shape)]),
    },
    macs: counted({ everyToken: true }),
    dropped: droppedMacs(network),
    executed: counted({}),
    activations: activationMemory({ outputs: new Map([['logits', buildForward(network, 'inference').logits]]) }),
  };
}

const isWeight = ({ role }: ParameterSpec): boolean => role === 'weight';

/** Elements of weights; running statistics are not parameters. */
export function countParameters(specs: Iterable<ParameterSpec>): number {
  return [...specs].filter(isWeight).reduce((sum, { shape }) => sum + elements(shape), 0);
}

/** Registered parameters are known only for networks that the published code has, with any number of classes. */
function publishedCount(
  { published }: ConfiguredNetwork,
  parameters: ReadonlyMap<string, ParameterSpec>,
): number | undefined {
  if (published?.exists !== true) return undefined;
  return countParameters(parameters.values()) + countParameters(published.unread().values());
}

function droppedMacs({ published }: ConfiguredNetwork): Profile['dropped'] {
  const dropped = published?.dropped();
  if (dropped?.forward === undefined) return undefined;
  let macs = 0;
  for (const node of nodesOf(dropped.forward.scope.updates.values())) {
    if (weightOf(node)?.startsWith(dropped.prefix)) macs += layerMacs(node);
  }
  return { title: dropped.title, macs };
}

/** Multiply-accumulates for one picture of a graph that was not lowered. */
function countMacs(program: Graph): MultiplyAccumulates {
  const layers: [weight: string, macs: number][] = [];
  let [attention, convolutions] = [0, 0];
  for (const node of nodesOf(program.outputs.values())) {
    if (node.op === 'MatMul') attention += size(node.outputs[0]) * Number(node.inputs[0]?.shape.at(-1));
    const weight = weightOf(node);
    if (weight === undefined) continue;
    layers.push([weight, layerMacs(node)]);
    if (node.op === 'Conv') convolutions += layerMacs(node);
  }
  const total = layers.reduce((sum, [, macs]) => sum + macs, 0);
  return { layers: total, convolutions, parts: byPart(layers, (layer) => layer), attention };
}

/** Each element of the result takes as many as one output's slice of the weight has elements. */
function layerMacs(node: Node): number {
  const weight = node.inputs[1]?.shape ?? [];
  return size(node.outputs[0]) * elements(weight.slice(1));
}

/** The parameter that is the weight of a convolution or linear layer, through cuts, scaling and reshaping. */
function weightOf(node: Node): string | undefined {
  if (node.op !== 'Conv' && node.op !== 'Linear') return undefined;
  let value: Value | undefined = node.inputs[1];
  while (value?.source.kind === 'node') [value] = value.source.node.inputs;
  return value?.source.kind === 'parameter' ? value.source.name : undefined;
}

function byPart<T>(
  items: Iterable<T>,
  entry: (item: T) => readonly [name: string, count: number],
): Map<string, number> {
  const parts = new Map<string, number>();
  for (const item of items) {
    const [name, count] = entry(item);
    const part = name.slice(0, name.indexOf('.'));
    increaseOf(parts, part, count);
  }
  return parts;
}

/** Elements for a batch of one. */
function size(value: Value | undefined): number {
  return elements(value?.shape ?? [], 1);
}
