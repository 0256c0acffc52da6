/**
 * The optimizers as graphs, for parameters that live on a device. They compute what the loops of this folder compute in
 * place; a graph instead puts out new tensors, called `next/` and the name of what they replace. Numbers that change
 * from step to step are inputs, so that a graph is built and loaded once. Gradients are inputs called `grad/NAME`.
 * On the CPU the loops are three times as fast.
 */
import { elements, fixedShape, type Graph, graph, input, type Tensor } from '../graph/index.js';
import { add, concat, div, minimum, mul, reduceSum, reshape, sqrt, sub } from '../ops/index.js';
import { emaDecay } from './ema.js';
import { adamCoefficients, checkOptimizer, type DecayRule, decayAll, type OptimizerConfig } from './optimizer.js';

/** Shapes of the parameters by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface UpdateOptions {
  readonly decay?: DecayRule;
  /** Clip the gradients by their global norm to the input `max_norm` first; the norm before is the output `norm`. */
  readonly clip?: boolean;
}

const float32 = (name: string, shape: readonly number[] = []): Tensor => input(name, 'float32', shape);

/**
 * One update. Inputs: `NAME`, `grad/NAME` and the moments (called as in `stateArrays`: `exp_avg/NAME`,
 * `exp_avg_sq/NAME` or `momentum_buffer/NAME`, zeros at first), the scalars of `updateScalars`, with clipping `max_norm`.
 * Outputs: `next/NAME`, `next/` and each moment. The old tensors remain, so that an update can be refused afterwards.
 */
export function updateGraph(config: OptimizerConfig, shapes: Shapes, options: UpdateOptions = {}): Graph {
  checkOptimizer(config);
  const { decay = decayAll, clip = false } = options;
  const outputs = new Map<string, Tensor>();
  let gradients = gradientInputs(shapes);
  if (clip) {
    const clipped = clipAll(gradients);
    gradients = clipped.gradients;
    outputs.set('norm', clipped.norm);
  }
  const scalars = new Map(Object.keys(updateScalars(config, 1, 0)).map((name) => [name, float32(name)]));
  for (const [name, shape] of shapes) {
    const tensors: OneTensor = {
      name,
      w: float32(name, shape),
      g: get(gradients, name),
      decays: decay(name, shape),
      scalar: (key) => get(scalars, key),
      moment: (kind) => float32(`${kind}/${name}`, shape),
    };
    for (const [key, value] of config.type === 'sgd' ? sgd(config, tensors) : adam(config, tensors)) {
      outputs.set(`next/${key}`, value);
    }
  }
  return graph(outputs);
}

/** The scalar inputs of `updateGraph` for update number `step` (from 1) at the learning rate `lr`. */
export function updateScalars(config: OptimizerConfig, step: number, lr: number): Readonly<Record<string, number>> {
  if (config.type === 'sgd') return { lr };
  const { stepSize, eps, shrink } = adamCoefficients(config, step, lr);
  const scalars = { step_size: stepSize, eps };
  return config.type === 'adamw' && config.weightDecay !== 0 ? { ...scalars, shrink } : scalars;
}

/** The moments that `updateGraph` keeps of each parameter, by the names of `stateArrays`. */
export function momentsOf(config: OptimizerConfig): readonly string[] {
  if (config.type !== 'sgd') return ['exp_avg', 'exp_avg_sq'];
  return config.momentum === 0 ? [] : ['momentum_buffer'];
}

interface OneTensor {
  readonly name: string;
  readonly w: Tensor;
  readonly g: Tensor;
  readonly decays: boolean;
  readonly scalar: (name: string) => Tensor;
  readonly moment: (kind: string) => Tensor;
}

type Named = readonly (readonly [name: string, value: Tensor])[];

function adam(
  config: Exclude<OptimizerConfig, { type: 'sgd' }>,
  { name, w, g, decays, scalar, moment }: OneTensor,
): Named {
  const [beta1, beta2] = config.betas;
  const decaying = decays && config.weightDecay !== 0;
  const slope = decaying && config.type === 'adam' ? add(g, mul(w, config.weightDecay)) : g;
  const m = add(mul(moment('exp_avg'), beta1), mul(slope, 1 - beta1));
  const v = add(mul(moment('exp_avg_sq'), beta2), mul(mul(slope, slope), 1 - beta2));
  const from = decaying && config.type === 'adamw' ? mul(w, scalar('shrink')) : w;
  const next = sub(from, div(mul(m, scalar('step_size')), add(sqrt(v), scalar('eps'))));
  return [
    [name, next],
    [`exp_avg/${name}`, m],
    [`exp_avg_sq/${name}`, v],
  ];
}

function sgd(
  config: Extract<OptimizerConfig, { type: 'sgd' }>,
  { name, w, g, decays, scalar, moment }: OneTensor,
): Named {
  const slope = decays && config.weightDecay !== 0 ? add(g, mul(w, config.weightDecay)) : g;
  if (config.momentum === 0) return [[name, sub(w, mul(slope, scalar('lr')))]];
  const b = add(mul(moment('momentum_buffer'), config.momentum), slope);
  const direction = config.nesterov ? add(slope, mul(b, config.momentum)) : b;
  return [
    [name, sub(w, mul(direction, scalar('lr')))],
    [`momentum_buffer/${name}`, b],
  ];
}

/**
 * SAM's climb. Inputs: `NAME`, `grad/NAME`, `rho`. Outputs: `next/NAME` = NAME + rho g / (|g| + 1e-12) and `norm`, |g|
 * over all together. The way back is to go on with the tensors that were put in.
 */
export function climbGraph(shapes: Shapes): Graph {
  const gradients = gradientInputs(shapes);
  const norm = globalNorm(gradients);
  const factor = div(float32('rho'), add(norm, 1e-12));
  const outputs = new Map([['norm', norm]]);
  for (const [name, shape] of shapes) {
    outputs.set(`next/${name}`, add(float32(name, shape), mul(get(gradients, name), factor)));
  }
  return graph(outputs);
}

/** Clipping alone. Inputs: `grad/NAME`, `max_norm`. Outputs: `next/grad/NAME` and `norm`, the norm before. */
export function clipGraph(shapes: Shapes): Graph {
  const { gradients, norm } = clipAll(gradientInputs(shapes));
  return graph(new Map([['norm', norm], ...[...gradients].map(([name, g]) => [`next/grad/${name}`, g] as const)]));
}

/** Micro-batches. Inputs: `sum/NAME`, `grad/NAME`, `weight`. Outputs: `next/sum/NAME` = sum + weight grad. */
export function accumulateGraph(shapes: Shapes): Graph {
  const weight = float32('weight');
  const outputs = new Map<string, Tensor>();
  for (const [name, shape] of shapes) {
    outputs.set(`next/sum/${name}`, add(float32(`sum/${name}`, shape), mul(float32(`grad/${name}`, shape), weight)));
  }
  return graph(outputs);
}

/** Running statistics after a pass. Inputs: `NAME`, `add/NAME`. Outputs: `next/NAME` = decay NAME + add. */
export function statisticsGraph(shapes: Shapes, decay: number): Graph {
  const outputs = new Map<string, Tensor>();
  for (const [name, shape] of shapes) {
    outputs.set(`next/${name}`, add(mul(float32(name, shape), decay), float32(`add/${name}`, shape)));
  }
  return graph(outputs);
}

/**
 * A moving average of weights and running statistics. Inputs: `ema/NAME`, `NAME`, `share` (see `emaShare`). Outputs:
 * `next/ema/NAME` = ema + share (NAME - ema).
 */
export function emaGraph(shapes: Shapes): Graph {
  const share = float32('share');
  const outputs = new Map<string, Tensor>();
  for (const [name, shape] of shapes) {
    const average = float32(`ema/${name}`, shape);
    outputs.set(`next/ema/${name}`, add(average, mul(sub(float32(name, shape), average), share)));
  }
  return graph(outputs);
}

/** The input `share` of `emaGraph` for update number `updates` (from 0). */
export function emaShare(decay: number, updates: number): number {
  return 1 - emaDecay(decay, updates);
}

function gradientInputs(shapes: Shapes): ReadonlyMap<string, Tensor> {
  return new Map([...shapes].map(([name, shape]) => [name, float32(`grad/${name}`, shape)]));
}

/** As `clipByGlobalNorm`, but a norm that is not finite spoils the gradients: look at it before using what comes of them. */
function clipAll(gradients: ReadonlyMap<string, Tensor>): { gradients: ReadonlyMap<string, Tensor>; norm: Tensor } {
  const norm = globalNorm(gradients);
  const factor = minimum(div(float32('max_norm'), add(norm, 1e-6)), 1);
  return { gradients: new Map([...gradients].map(([name, g]) => [name, mul(g, factor)])), norm };
}

function globalNorm(gradients: ReadonlyMap<string, Tensor>): Tensor {
  const parts = [...gradients.values()].map((g) => reshape(sumOfSquares(g), [1]));
  return sqrt(reduceSum(concat(parts, 0), [0]));
}

/** In two steps, for the sake of float32's digits: over all axes but the first, then over that. */
function sumOfSquares(x: Tensor): Tensor {
  const [first = 1, ...rest] = fixedShape(x);
  const square = mul(x, x);
  if (rest.length === 0) return x.shape.length === 0 ? square : reduceSum(square, [0]);
  return reduceSum(reduceSum(reshape(square, [first, elements(rest)]), [1]), [0]);
}

function get<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`there is nothing called '${name}'`);
  return value;
}
