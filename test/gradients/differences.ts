import { random } from '../../src/common/random.js';
import { concrete, elements, graph, input, type Tensor } from '../../src/graph/index.js';
import type { Target } from '../../src/ops/index.js';
import { lower } from '../../src/passes/index.js';
import { CpuSession, floats, type HostTensor, hostTensor } from '../../src/runtime/index.js';
import { batch, type Check, sample, valuesOf } from './check.js';

/** A check with its inputs as values of a graph; the loss is the sum of its output times fixed random numbers. */
export interface Built {
  readonly check: Check;
  readonly inputs: readonly Tensor[];
  readonly y: Tensor;
  readonly weights: Tensor;
}

export function buildCheck(check: Check): Built {
  const inputs = check.inputs.map(({ shape }, i) => input(`${check.name}/${i}`, 'float32', shape));
  const y = check.build(inputs);
  return { check, inputs, y, weights: input(`${check.name}/weights`, 'float32', y.shape) };
}

function weightsOf({ check, y }: Built): Float32Array {
  const r = random(21, check.name);
  return Float32Array.from({ length: elements(y.shape, batch) }, () => r.normal());
}

/** The arrays that a session over these checks is fed: writing to them changes what the next run sees. */
export function feeds(built: readonly Built[]): Map<string, HostTensor<'float32'>> {
  const all = new Map<string, HostTensor<'float32'>>();
  for (const one of built) {
    one.check.inputs.forEach(({ shape }, i) => {
      all.set(`${one.check.name}/${i}`, hostTensor('float32', valuesOf(one.check, i), concrete(shape, batch)));
    });
    all.set(`${one.check.name}/weights`, hostTensor('float32', weightsOf(one), concrete(one.y.shape, batch)));
  }
  return all;
}

/** Runs a graph of these outputs once, in the form for `target`, on the CPU. */
export async function evaluate(
  outputs: ReadonlyMap<string, Tensor>,
  inputs: ReadonlyMap<string, HostTensor>,
  target: Target,
): Promise<Map<string, HostTensor>> {
  const session = await CpuSession.create(lower(graph(outputs), target), { threads: 1 });
  const results = await session.run(inputs);
  await session.dispose();
  return results;
}

/** dL/d(element) for the sampled elements of input `index` of a check. */
export type Differences = ReadonlyMap<string, Float64Array>;
export const keyOf = (check: Check, index: number): string => `${check.name}/${index}`;

/**
 * Central differences. Checks with a float64 reference are evaluated by it with a small step; the others by the graph,
 * all at once: run j of the session moves element j of each check.
 */
export async function differences(built: readonly Built[]): Promise<Differences> {
  const found = new Map<string, Float64Array>();
  for (const one of built) if (one.check.reference) referenceDifferences(one, one.check.reference, found);
  const rest = built.filter(({ check }) => check.reference === undefined);
  const jobs = rest.map((one) => ({ one, weights: weightsOf(one), positions: positionsOf(one) }));
  for (const { one, positions } of jobs) {
    one.check.inputs.forEach((_, i) => {
      found.set(keyOf(one.check, i), new Float64Array(positions.filter((position) => position.input === i).length));
    });
  }
  const session = await CpuSession.create(lower(graph(new Map(rest.map(({ check, y }) => [check.name, y]))), 'cpu'));
  const arrays = feeds(rest);
  const step = 1e-2;
  const most = Math.max(...jobs.map(({ positions }) => positions.length));
  for (let j = 0; j < most; j++) {
    const moved = jobs.flatMap(({ one, weights, positions }) => {
      const position = positions[j];
      if (position === undefined) return [];
      const array = floats(arrays.get(keyOf(one.check, position.input)));
      return [{ name: one.check.name, weights, position, array, value: array[position.element] ?? 0 }];
    });
    const losses: Map<string, number>[] = [];
    for (const sign of [1, -1]) {
      for (const { array, position, value } of moved) array[position.element] = value + sign * step;
      const results = await session.run(arrays);
      losses.push(new Map(moved.map(({ name, weights }) => [name, dot(floats(results.get(name)), weights)])));
    }
    for (const { name, array, position, value } of moved) {
      // What float32 made of the step.
      const width = Math.fround(value + step) - Math.fround(value - step);
      array[position.element] = value;
      const slopes = found.get(`${name}/${position.input}`) as Float64Array;
      slopes[position.index] = ((losses[0]?.get(name) ?? Number.NaN) - (losses[1]?.get(name) ?? Number.NaN)) / width;
    }
  }
  await session.dispose();
  return found;
}

interface Position {
  readonly input: number;
  readonly element: number;
  /** Among the sampled elements of the input. */
  readonly index: number;
}

function positionsOf({ check }: Built): Position[] {
  return check.inputs.flatMap(({ shape, wanted }, input) =>
    wanted ? sample(elements(shape, batch)).map((element, index) => ({ input, element, index })) : [],
  );
}

function referenceDifferences(
  one: Built,
  reference: (values: readonly Float64Array[]) => Float64Array,
  found: Map<string, Float64Array>,
): void {
  const values = one.check.inputs.map((_, i) => Float64Array.from(valuesOf(one.check, i)));
  const weights = weightsOf(one);
  const step = 1e-4;
  values.forEach((array, input) => {
    const positions = sample(array.length);
    const slopes = positions.map((element) => {
      const value = array[element] ?? 0;
      const losses = [1, -1].map((sign) => {
        array[element] = value + sign * step;
        return dot(reference(values), weights);
      });
      array[element] = value;
      return ((losses[0] ?? 0) - (losses[1] ?? 0)) / (2 * step);
    });
    found.set(keyOf(one.check, input), Float64Array.from(slopes));
  });
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} outputs against ${b.length} weights`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** The largest difference at the sampled elements, relative to the largest slope (or to 1, where that is larger). */
export function errorOf(gradient: Float32Array | undefined, slopes: Float64Array, count: number): number {
  const scale = Math.max(1, ...slopes.map(Math.abs));
  const errors = sample(count).map((element, i) => Math.abs((gradient?.[element] ?? 0) - (slopes[i] ?? Number.NaN)));
  return errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors) / scale;
}
