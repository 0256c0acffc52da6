import { increaseOf } from '../common/item-at.js';
import { type Dim, elements, type Graph, type Node, nodesOf, type Shape, type Value } from '../graph/index.js';
import type { ParameterSpec } from '../nn/index.js';
import type { PosterV2Config } from './poster-v2/poster-v2-config.js';
import { posterV2Config } from './poster-v2/poster-v2-config.js';
import { deadTensors, landmarkHeadTensors } from './poster-v2/published.js';
import { buildForward, buildInference } from './registry.js';

/** Multiply-accumulates of one picture. */
export interface MultiplyAccumulates {
  /** In convolutions and linear layers. */
  readonly layers: number;
  /** Of these by part: the first name of their weight. */
  readonly parts: ReadonlyMap<string, number>;
  /** In products of two activations: queries with keys, attention with values. */
  readonly attention: number;
}

export interface Profile {
  readonly parameters: {
    /** Of a checkpoint of the published code: with the modules it never calls. Undefined for other sizes. */
    readonly published: number | undefined;
    /** Those that the logits depend on. */
    readonly reachingLogits: number;
    /** Those that an optimizer changes. */
    readonly trained: number;
    /** Those that the logits depend on, by part. */
    readonly parts: ReadonlyMap<string, number>;
  };
  /** Of the network as published: every token of the last block, no landmark head. */
  readonly macs: MultiplyAccumulates;
  /** In convolutions and linear layers with the landmark head, which the published code computes and drops. */
  readonly macsWithLandmarkHead: number;
  /** What this project's graph computes for the same logits. */
  readonly executed: MultiplyAccumulates;
}

/** Counts parameters and work by walking the network's own graph. */
export function profile(config: PosterV2Config): Profile {
  const { parameters } = buildInference(config);
  const full = buildForward(config, 'inference', { everyToken: true });
  const macs = countMacs({ outputs: new Map([['logits', full.logits]]) });
  const executed = countMacs({ outputs: new Map([['logits', buildForward(config, 'inference').logits]]) });
  return {
    parameters: {
      published: publishedCount(config, parameters),
      reachingLogits: countParameters(parameters.values()),
      trained: countParameters([...parameters.values()].filter(({ trained }) => trained)),
      parts: byPart([...parameters.values()].filter(isWeight), (spec) => [spec.name, elements(spec.shape)]),
    },
    macs,
    macsWithLandmarkHead: macs.layers + landmarkHeadMacs(config),
    executed,
  };
}

const isWeight = ({ role }: ParameterSpec): boolean => role === 'weight';

/** Elements of weights; running statistics are not parameters. */
export function countParameters(specs: Iterable<ParameterSpec>): number {
  return [...specs].filter(isWeight).reduce((sum, { shape }) => sum + elements(shape), 0);
}

/** Registered parameters are known only for the published network, with any number of classes. */
function publishedCount(config: PosterV2Config, parameters: ReadonlyMap<string, ParameterSpec>): number | undefined {
  const sizes = ({ image, landmark, attention, scales, transformer, backboneSize }: PosterV2Config): string =>
    JSON.stringify([image, landmark !== 'none' && landmark.stages, attention, scales, transformer, backboneSize]);
  if (sizes(config) !== sizes(posterV2Config)) return undefined;
  const head = landmarkHeadTensors(config).values();
  return countParameters(parameters.values()) + countParameters(head) + countParameters(deadTensors.values());
}

/** Only an as-published training pass has the head in its graph: it is reached through the statistics that it moves. */
function landmarkHeadMacs(config: PosterV2Config): number {
  if (config.landmark === 'none' || !config.scales.includes(3)) return 0;
  const moved = { ...config, landmark: { ...config.landmark, training: 'as-published' as const } };
  const { scope } = buildForward(moved, 'training');
  let macs = 0;
  for (const node of nodesOf(scope.updates.values())) {
    if (weightOf(node)?.startsWith('face_landback.output_layer.')) macs += layerMacs(node);
  }
  return macs;
}

/** Multiply-accumulates for one picture of a graph that was not lowered. */
export function countMacs(program: Graph): MultiplyAccumulates {
  const layers: [weight: string, macs: number][] = [];
  let attention = 0;
  for (const node of nodesOf(program.outputs.values())) {
    if (node.op === 'MatMul') attention += size(node.outputs[0]) * Number(node.inputs[0]?.shape.at(-1));
    const weight = weightOf(node);
    if (weight !== undefined) layers.push([weight, layerMacs(node)]);
  }
  const total = layers.reduce((sum, [, macs]) => sum + macs, 0);
  return { layers: total, parts: byPart(layers, (layer) => layer), attention };
}

/** Each element of the result takes as many as one output's slice of the weight has elements. */
function layerMacs(node: Node): number {
  const weight = node.inputs[1]?.shape ?? [];
  return size(node.outputs[0]) * elements(weight.slice(1) as Shape);
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
  return elements((value?.shape ?? []) as readonly Dim[], 1);
}
