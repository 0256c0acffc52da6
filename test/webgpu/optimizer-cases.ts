import { random } from '../../src/common/random.js';
import { type Graph, inputsOf } from '../../src/graph/index.js';
import {
  accumulate,
  accumulateGraph,
  adam,
  adamw,
  allocate,
  climb,
  climbGraph,
  clipByGlobalNorm,
  clipGraph,
  createEma,
  createState,
  decayMatrices,
  emaGraph,
  emaShare,
  flatten,
  globalNorm,
  moveStatistics,
  type OptimizerConfig,
  sgd,
  stateArrays,
  statisticsGraph,
  type UpdateOptions,
  update,
  updateEma,
  updateGraph,
  updateScalars,
  views,
} from '../../src/optim/index.js';
import { floats, type HostTensor, hostTensor } from '../../src/runtime/index.js';

/** Runs a graph once on some device. */
export type Execute = (program: Graph, inputs: ReadonlyMap<string, HostTensor>) => Promise<Map<string, HostTensor>>;

/** An optimizer as a graph beside its loop on the CPU: resolves to pairs of values that should be equal. */
export interface OptimizerCase {
  readonly name: string;
  readonly run: (execute: Execute) => Promise<Comparison[]>;
}
export interface Comparison {
  readonly what: string;
  readonly actual: Float32Array;
  readonly expected: Float32Array;
}

const shapes = new Map<string, readonly number[]>([
  ['conv.weight', [6, 5, 3, 3]],
  ['conv.bias', [6]],
  ['gamma', [1, 1, 7]],
  ['temperature', []],
]);
const layout = flatten(shapes);

/** Values by name, drawn from the name given. */
function draw(what: string, scale = 1): Map<string, Float32Array> {
  const r = random(7, what);
  return new Map([...views(layout, allocate(layout))].map(([name, v]) => [name, v.map(() => scale * r.normal())]));
}

function flat(values: ReadonlyMap<string, Float32Array>): Float32Array {
  const all = allocate(layout);
  for (const [name, view] of views(layout, all)) view.set(values.get(name) ?? []);
  return all;
}

type Entries<T> = Iterable<readonly [name: string, value: T]>;

function joined<T>(...parts: readonly Entries<T>[]): Map<string, T> {
  return new Map(parts.flatMap((part) => [...part]));
}

/** Feeds for a graph from arrays by input name; the shapes are the graph's. */
function feeds(program: Graph, ...parts: readonly Entries<Float32Array | number>[]): Map<string, HostTensor> {
  const arrays = joined(...parts);
  return new Map(
    [...inputsOf(program.outputs.values())].map(([name, { shape }]) => {
      const value = arrays.get(name);
      if (value === undefined) throw new Error(`no values for ${name}`);
      const data = typeof value === 'number' ? Float32Array.of(value) : value;
      return [name, hostTensor('float32', data, shape as readonly number[])] as const;
    }),
  );
}

function copies(arrays: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  return new Map([...arrays].map(([name, values]) => [name, values.slice()]));
}

function prefixed<T>(prefix: string, map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].map(([name, value]) => [prefix + name, value]);
}

function compare(outputs: ReadonlyMap<string, HostTensor>, expected: ReadonlyMap<string, Float32Array>): Comparison[] {
  return [...expected].map(([what, values]) => ({ what, actual: floats(outputs.get(what)), expected: values }));
}

function updateCase(what: string, config: OptimizerConfig, options: UpdateOptions = {}): OptimizerCase {
  const run = async (execute: Execute): Promise<Comparison[]> => {
    const params = flat(draw('params'));
    const state = createState(config, layout, options.decay);
    const program = updateGraph(config, shapes, options);
    let held = copies(joined<Float32Array>(views(layout, params), stateArrays(state, layout)));
    const found: Comparison[] = [];
    for (let step = 1; step <= 3; step++) {
      const lr = 0.01 * step;
      const gradients = draw(`gradient ${step}`, 0.3);
      const scalars = Object.entries(updateScalars(config, step, lr));
      const inputs = feeds(program, held, prefixed('grad/', gradients), scalars, [['max_norm', 2]]);
      const outputs = await execute(program, inputs);
      if (options.clip) {
        const norm = Float32Array.of(clipByGlobalNorm(layout, gradients, 2));
        found.push(...compare(outputs, new Map([['norm', norm]])));
      }
      update(config, state, layout, params, gradients, lr);
      const expected = copies(joined<Float32Array>(views(layout, params), stateArrays(state, layout)));
      found.push(...compare(outputs, joined(prefixed('next/', expected))));
      held = new Map([...held.keys()].map((name) => [name, floats(outputs.get(`next/${name}`))] as const));
    }
    return found;
  };
  return { name: what, run };
}

export const optimizerCases: readonly OptimizerCase[] = [
  updateCase('adam', adam(0.01)),
  updateCase('adam with decay', adam(0.01, { weightDecay: 0.1, betas: [0.8, 0.95] })),
  updateCase('adamw with decay of matrices', adamw(0.01, { weightDecay: 0.1 }), { decay: decayMatrices }),
  updateCase('adamw, clipped', adamw(0.01), { clip: true }),
  updateCase('sgd', sgd(0.01, { weightDecay: 0.1 })),
  updateCase('sgd with momentum', sgd(0.01, { momentum: 0.9 }), { clip: true }),
  updateCase('sgd with Nesterov momentum and decay', sgd(0.01, { momentum: 0.9, nesterov: true, weightDecay: 0.1 })),
  {
    name: 'climb of SAM',
    run: async (execute) => {
      const [params, gradients] = [draw('params'), draw('gradient')];
      const program = climbGraph(shapes);
      const outputs = await execute(program, feeds(program, params, prefixed('grad/', gradients), [['rho', 0.5]]));
      const climbed = allocate(layout);
      const norm = climb(layout, flat(params), gradients, 0.5, climbed);
      return compare(
        outputs,
        joined<Float32Array>(prefixed('next/', views(layout, climbed)), [['norm', Float32Array.of(norm)]]),
      );
    },
  },
  ...[0.5, 1000].map(
    (max): OptimizerCase => ({
      name: `clipping to ${max}`,
      run: async (execute) => {
        const gradients = draw('gradient');
        const program = clipGraph(shapes);
        const outputs = await execute(program, feeds(program, prefixed('grad/', gradients), [['max_norm', max]]));
        const norm = globalNorm(layout, gradients);
        clipByGlobalNorm(layout, gradients, max);
        return compare(
          outputs,
          joined<Float32Array>([['norm', Float32Array.of(norm)]], prefixed('next/grad/', gradients)),
        );
      },
    }),
  ),
  {
    name: 'accumulation of gradients',
    run: async (execute) => {
      const [sum, gradients] = [draw('sum'), draw('gradient')];
      const program = accumulateGraph(shapes);
      const inputs = feeds(program, prefixed('sum/', sum), prefixed('grad/', gradients), [['weight', 0.25]]);
      const outputs = await execute(program, inputs);
      const expected = flat(sum);
      accumulate(layout, expected, gradients, 0.25);
      return compare(outputs, new Map(prefixed('next/sum/', views(layout, expected))));
    },
  },
  {
    name: 'running statistics',
    run: async (execute) => {
      const [statistics, added] = [draw('params'), draw('gradient')];
      const program = statisticsGraph(shapes, 0.9);
      const outputs = await execute(program, feeds(program, statistics, prefixed('add/', added)));
      const expected = flat(statistics);
      moveStatistics(layout, expected, flat(added), 0.9);
      return compare(outputs, new Map(prefixed('next/', views(layout, expected))));
    },
  },
  {
    name: 'moving average',
    run: async (execute) => {
      const [average, params] = [draw('average'), draw('params')];
      const program = emaGraph(shapes);
      const inputs = feeds(program, prefixed('ema/', average), params, [['share', emaShare(0.999, 5)]]);
      const outputs = await execute(program, inputs);
      const ema = createEma(flat(average));
      ema.updates = 5;
      updateEma(ema, 0.999, flat(params));
      return compare(outputs, new Map(prefixed('next/ema/', views(layout, ema.parameters))));
    },
  },
];

/** Largest difference, relative to the largest expected value (or to 1, where that is larger). */
export function differenceOf({ actual, expected }: Comparison): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = 1;
  expected.forEach((value, i) => {
    const difference = Math.abs(value - (actual[i] ?? Number.NaN));
    worst = Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(value));
  });
  return worst / scale;
}
