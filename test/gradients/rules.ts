import { gradients } from '../../src/autodiff/index.js';
import { elements, type Tensor } from '../../src/graph/index.js';
import * as ops from '../../src/ops/index.js';
import { batch } from './check.js';
import { type Built, type Differences, errorOf, keyOf } from './differences.js';

// Differences of a float64 reference are exact to about 1e-7, those of a float32 graph to about 1e-3.
export const tolerance = ({ check }: Built): number => (check.reference ? 1e-5 : 2e-3);

const lossOf = ({ y, weights }: Built): Tensor =>
  ops.reduceSum(
    ops.mul(y, weights),
    y.shape.map((_, i) => i),
  );

/** The gradients of a check's wanted inputs, by key. */
export function gradientsOf(one: Built): Map<string, Tensor> {
  const wanted = one.inputs.flatMap((value, i) => (one.check.inputs[i]?.wanted ? [{ value, i }] : []));
  const results = gradients(
    lossOf(one),
    wanted.map(({ value }) => value),
  );
  return new Map(wanted.flatMap(({ i }, k) => (results[k] ? [[keyOf(one.check, i), results[k]]] : [])));
}

/** The relative error of each wanted input's gradient; one that is not there counts as zeros. */
export function errorsOf(
  one: Built,
  slopes: Differences,
  gradient: (key: string) => Float32Array | undefined,
): Map<string, number> {
  const errors = new Map<string, number>();
  one.check.inputs.forEach(({ shape, wanted }, i) => {
    const key = keyOf(one.check, i);
    const expected = slopes.get(key);
    if (expected === undefined) throw new Error(`${key} has no differences`);
    if (wanted) errors.set(key, errorOf(gradient(key), expected, elements(shape, batch)));
  });
  return errors;
}

/** Every rule wrapped by `wrap` for as long as `run` takes. */
export function withRules<T>(
  wrap: (op: ops.OperationName, rule: ops.GradientRule) => ops.GradientRule,
  run: () => T,
): T {
  const table = ops.operations as Record<ops.OperationName, ops.Operation>;
  const kept = { ...table };
  try {
    for (const op of ops.operationNames) {
      const { gradient } = kept[op];
      if (typeof gradient === 'function') table[op] = { ...kept[op], gradient: wrap(op, gradient) };
    }
    return run();
  } finally {
    Object.assign(table, kept);
  }
}
