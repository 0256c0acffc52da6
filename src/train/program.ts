import { gradients } from '../autodiff/index.js';
import { fixedShape, type Graph, graph, input, parametersOf, print, type Tensor } from '../graph/index.js';
import { buildForward, type ConfiguredNetwork } from '../models/index.js';
import type { DropMask, ParameterSpec } from '../nn/index.js';
import { mul, reduceSum, softmaxCrossEntropy, type Target } from '../ops/index.js';
import { lower, withoutLastReshape } from '../passes/index.js';
import { divided } from './frozen-part.js';

/** Names of the training graph's own inputs and outputs. */
export const names = {
  images: 'pixel_values',
  targets: 'targets',
  weights: 'sample_weights',
  losses: 'losses',
  logits: 'logits',
  gradient: (parameter: string): string => `gradient/${parameter}`,
  addition: (buffer: string): string => `addition/${buffer}`,
} as const;

/** A network with its loss and gradients, as one graph. */
export interface TrainingProgram {
  /** What the graph was lowered for. */
  readonly target: Target;
  /**
   * Inputs: `pixel_values` [N, C, S, S], `targets` [N, K], `sample_weights` [N], the stochastic depth masks.
   * Outputs: `losses` [N] (cross-entropy of each picture), `logits` [N, K], `gradient/NAME` of
   * sum(losses * sample_weights) for each trained parameter, `addition/NAME` for each running statistic that moves:
   * what is added to it after it has shrunk by `statisticDecay`.
   */
  readonly graph: Graph;
  /** In evaluation mode: the same pictures in, `logits` out. */
  readonly evaluation: Graph;
  /**
   * What frozen parts make of pictures, where that is apart: `pixel_values` in, `feature/0` and so on out, float32 [N, ...], which the other
   * two graphs take in place of the pictures.
   */
  readonly frozen: Graph | undefined;
  readonly parameters: ReadonlyMap<string, ParameterSpec>;
  /** Trained parameters that the loss depends on. */
  readonly trained: ReadonlyMap<string, readonly number[]>;
  /** Running statistics that the pass moves. */
  readonly buffers: ReadonlyMap<string, readonly number[]>;
  readonly masks: ReadonlyMap<string, DropMask>;
}

/**
 * @param frozen nothing moves where the names of parameters begin so; default: nowhere beside what the network says. On the CPU,
 * what is computed of them alone is a graph of its own.
 */
export function trainingProgram(
  network: ConfiguredNetwork,
  target: Target,
  frozen: readonly string[] = [],
): TrainingProgram {
  const { images, logits, scope } = buildForward(network, 'training', { frozen });
  const targets = input(names.targets, 'float32', logits.shape);
  const weights = input(names.weights, 'float32', ['N']);
  const losses = softmaxCrossEntropy(logits, targets);
  const loss = reduceSum(mul(losses, weights), [0]);
  // Gradients in the order in which the forward pass meets their weights: ONNX Runtime schedules what the last outputs
  // need first, so that backward visits layer by layer. In other orders it keeps every activation's gradient to the end.
  const inForwardOrder = [...parametersOf([loss]).keys()];
  const wanted = inForwardOrder.flatMap((name) => scope.parameters.get(name) ?? []).filter((spec) => spec.trained);
  const leaves = wanted.map(({ name }) => scope.leaves.get(name) as Tensor);
  const slopes = gradients(loss, leaves);
  const outputs = new Map<string, Tensor>([
    [names.losses, losses],
    [names.logits, logits],
  ]);
  const buffers = new Map<string, readonly number[]>();
  for (const [name, value] of scope.updates) {
    buffers.set(name, fixedShape(value));
    outputs.set(names.addition(name), value);
  }
  const trained = new Map<string, readonly number[]>();
  wanted.forEach(({ name, shape }, i) => {
    const slope = slopes[i];
    if (slope === undefined) return;
    trained.set(name, shape);
    outputs.set(names.gradient(name), slope);
  });
  const whole = graph(outputs);
  const evaluated = buildForward(network, 'inference', { frozen });
  const evaluation = graph({ [names.logits]: evaluated.logits });
  const apart =
    target.device === 'cpu' ? divided(whole, [losses, ...scope.updates.values()], images, frozen) : undefined;
  const alike = apart && divided(evaluation, [evaluated.logits], evaluated.images, frozen);
  if (apart && (alike === undefined || print(apart.frozen) !== print(alike.frozen))) {
    throw new Error('frozen parts compute in training what they do not compute in evaluation');
  }
  const lowered = lower(apart?.rest ?? whole, target);
  return {
    target,
    evaluation: lower(alike?.rest ?? evaluation, target),
    // Its weights stay: the runtime itself brings them into the form that is fastest.
    frozen: apart && lower(apart.frozen, target.device),
    // The CPU would copy each gradient for its last reshape, and an optimizer there reads them flat.
    graph:
      target.device === 'webgpu' ? lowered : withoutLastReshape(lowered, (name) => name.startsWith(names.gradient(''))),
    parameters: scope.parameters,
    trained,
    buffers,
    masks: scope.masks,
  };
}
