import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gradients } from '../src/autodiff/index.js';
import { input, leavesOf, nodesOf, parameter, type Tensor } from '../src/graph/index.js';
import * as ops from '../src/ops/index.js';
import { floats, hostTensor } from '../src/runtime/index.js';
import { cpuTarget } from '../src/train/target.js';
import {
  type Built,
  buildCheck,
  type Differences,
  differences,
  evaluate,
  feeds,
  keyOf,
} from './gradients/differences.js';
import { networkChecks } from './gradients/network-checks.js';
import { errorsOf, gradientsOf, tolerance, withRules } from './gradients/rules.js';
import { tensorChecks } from './gradients/tensor-checks.js';

const built = [...tensorChecks, ...networkChecks].map(buildCheck);
let slopes: Differences;
before(async () => {
  slopes = await differences(built);
});

const targets: readonly ops.Target[] = [{ device: 'cpu' }, { device: 'webgpu' }, await cpuTarget()];
for (const target of new Map(targets.map((one) => [JSON.stringify(one), one])).values()) {
  test(`gradients agree with central differences, lowered for ${JSON.stringify(target)}`, async (t) => {
    const outputs = new Map<string, Tensor>();
    for (const one of built) {
      outputs.set(one.check.name, one.y);
      for (const [key, value] of gradientsOf(one)) outputs.set(`d ${key}`, value);
    }
    const arrays = feeds(built);
    const results = await evaluate(outputs, arrays, target);
    await t.test('a run changes no input', () => assert.deepEqual(arrays, feeds(built)));
    for (const one of built) {
      await t.test(one.check.name, () => {
        const errors = errorsOf(one, slopes, (key) => {
          const result = results.get(`d ${key}`);
          return result && floats(result);
        });
        for (const [key, error] of errors) assert.ok(error < tolerance(one), `${key}: relative error ${error}`);
        if (!one.check.reference) return;
        const y = floats(results.get(one.check.name));
        const values = one.inputs.map((_, i) => Float64Array.from(floats(arrays.get(keyOf(one.check, i)))));
        const expected = one.check.reference(values);
        assert.equal(y.length, expected.length);
        const scale = Math.max(1, ...expected.map(Math.abs));
        y.forEach((value, i) => {
          assert.ok(Math.abs(value - (expected[i] ?? Number.NaN)) < 1e-5 * scale, `output ${i}`);
        });
      });
    }
  });
}

/** The results of rules that a check's gradients are made of, as 'Conv 1' for the gradient of a Conv's second input. */
function rulesUsed(one: Built): Set<string> {
  const used = new Set<string>();
  const record = (op: string, rule: ops.GradientRule): ops.GradientRule => {
    return (context) => {
      const results = rule(context);
      results.forEach((result, i) => {
        if (result && context.wants[i]) used.add(`${op} ${i}`);
      });
      return results;
    };
  };
  withRules(record, () => gradientsOf(one));
  return used;
}

test('every operation that has a rule has a check', () => {
  const checked = new Set(built.flatMap((one) => [...rulesUsed(one)]).map((use) => use.split(' ')[0]));
  const rules = ops.operationNames.filter((op) => typeof ops.operations[op].gradient === 'function');
  assert.deepEqual(
    rules.filter((op) => !checked.has(op)),
    [],
  );
});

test('a rule that is wrong by a twentieth in any one of its results fails its check', async () => {
  const outputs = new Map<string, Tensor>();
  const mutants = new Map<string, Built>();
  for (const one of built) {
    for (const use of rulesUsed(one)) {
      if (mutants.has(use)) continue;
      mutants.set(use, one);
      const spoil = (op: string, rule: ops.GradientRule): ops.GradientRule => {
        return (context) =>
          rule(context).map((result, i) => (result && `${op} ${i}` === use ? ops.mul(result, 1.05) : result));
      };
      for (const [key, value] of withRules(spoil, () => gradientsOf(one))) outputs.set(`${use}: ${key}`, value);
    }
  }
  assert.ok(mutants.size > 50);
  const results = await evaluate(outputs, feeds(built), { device: 'cpu' });
  for (const [use, one] of mutants) {
    const errors = errorsOf(one, slopes, (key) => {
      const result = results.get(`${use}: ${key}`);
      return result && floats(result);
    });
    assert.ok(Math.max(...errors.values()) > 2 * tolerance(one), `${one.check.name} does not notice a wrong ${use}`);
  }
});

test('the statistics of a batch come out beside the normalised values', async () => {
  const x = input('x', 'float32', ['N', 2, 2, 1]);
  const { mean, variance } = ops.batchNormTraining(x, parameter('scale', [2]), parameter('bias', [2]));
  const inputs = new Map([
    ['x', hostTensor('float32', Float32Array.of(1, 3, 10, 10, 5, 7, 10, 18), [2, 2, 2, 1])],
    ['scale', hostTensor('float32', Float32Array.of(2, -3), [2])],
    ['bias', hostTensor('float32', Float32Array.of(4, 5), [2])],
  ]);
  for (const device of ['cpu', 'webgpu'] as const) {
    const results = await evaluate(new Map(Object.entries({ mean, variance })), inputs, { device });
    assert.deepEqual(floats(results.get('mean')), Float32Array.of(4, 12));
    assert.deepEqual(floats(results.get('variance')), Float32Array.of(5, 12));
  }
});

test('nothing is built for frozen parameters and what comes before them', () => {
  const [w, scale, bias] = [parameter('frozen', [4, 3, 3, 3]), parameter('scale', [4]), parameter('bias', [4])];
  const head = parameter('head', [2, 4]);
  const x = input('x', 'float32', ['N', 3, 6, 6]);
  const features = ops.reduceMean(ops.relu(ops.batchNormTraining(ops.conv2d(x, w), scale, bias).y), [2, 3]);
  const loss = ops.reduceMean(ops.linear(features, head), [0, 1]);
  const forward = new Set(nodesOf([loss]));
  const [dHead, none] = gradients(loss, [head, parameter('elsewhere', [1])]);
  assert.equal(none, undefined);
  assert.ok(dHead);
  const added = nodesOf([dHead]).filter((node) => !forward.has(node));
  assert.ok(added.length > 0);
  const read = added.flatMap((node) => node.inputs).filter((value) => value !== undefined);
  for (const frozen of [x, w, scale, bias]) assert.ok(!read.includes(frozen));
  assert.deepEqual(
    added.filter(({ op }) => /Conv|BatchNorm|Where|Greater/.test(op)),
    [],
  );
  // And nothing for the weight of a layer whose input alone is wanted.
  const [dx] = gradients(loss, [x]);
  assert.ok(dx && !nodesOf([dx]).some(({ op }) => op === 'ConvWeightGradient'));
  assert.ok(dx && !leavesOf([dx]).some((leaf) => leaf.source.kind === 'parameter' && leaf.source.name === 'elsewhere'));
});
