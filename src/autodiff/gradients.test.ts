import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant, graph, input, nodesOf, parameter, print } from '../graph/index.js';
import { add, batchNormTraining, cast, gather, mul, neg, reduceSum, sub } from '../ops/index.js';
import { gradients } from './gradients.js';

const all = [0, 1];

test('the gradient of a small graph', () => {
  const [x, w] = [input('x', 'float32', ['N', 2]), parameter('w', [2])];
  const [dw] = gradients(reduceSum(mul(x, w), all), [w]);
  assert.ok(dw);
  assert.equal(
    print(graph({ dw })),
    `input x : float32[N, 2]
parameter w : float32[2]
%0 = Reshape(1, const[2]) : float32[1, 1]
%1 = Mul(x, w) : float32[N, 2]
%2 = ExpandAs(%0, %1) : float32[N, 2]
%3 = Mul(%2, x) : float32[N, 2]
%4 = ReduceSum(%3, 0) {keepdims=1, axes=[0]} : float32[1, 2]
%5 = Reshape(%4, 2) : float32[2]
output dw = %5`,
  );
});

test('what the loss does not depend on has no gradient; the loss itself has 1', () => {
  const [x, w] = [input('x', 'float32', ['N', 2]), parameter('w', [2])];
  const loss = reduceSum(x, all);
  const [dw, one] = gradients(loss, [w, loss]);
  assert.equal(dw, undefined);
  assert.deepEqual(one?.source, { kind: 'constant', data: Float32Array.of(1) });
});

test('values on the way can be wanted, alone or beside what they come from', () => {
  const x = input('x', 'float32', ['N', 2]);
  const y = mul(x, x);
  const loss = reduceSum(neg(y), all);
  const [dy] = gradients(loss, [y]);
  assert.equal(dy?.source.kind === 'node' && dy.source.node.op, 'Neg');
  const [dx, dy2] = gradients(loss, [x, y]);
  assert.ok(dx && dy2);
  assert.equal(dy2.source.kind === 'node' && dy2.source.node.op, 'Neg');
});

test('a sum of the same value twice adds both parts', () => {
  const x = input('x', 'float32', [3]);
  const loss = reduceSum(sub(add(x, x), x), [0]);
  const forward = new Set(nodesOf([loss]));
  const [dx] = gradients(loss, [x]);
  const made = nodesOf(dx ? [dx] : []).filter((node) => !forward.has(node));
  assert.deepEqual(
    made.map(({ op }) => op),
    ['Reshape', 'ExpandAs', 'Neg', 'Add', 'Add'],
  );
});

test('very deep graphs are differentiated', () => {
  const x = input('x', 'float32', []);
  let y = x;
  for (let i = 0; i < 100_000; i++) y = neg(y);
  const [dx] = gradients(y, [x]);
  assert.equal(nodesOf(dx ? [dx] : []).length, 100_000);
});

test('what cannot be differentiated is named', () => {
  const table = parameter('table', [4, 2]);
  const rows = gather(table, Int32Array.of(1, 3), [2], 0);
  assert.throws(
    () => gradients(reduceSum(rows, all), [table]),
    /Gather cannot be differentiated: only used on constants/,
  );
  assert.throws(() => gradients(rows, [table]), /only a scalar/);
  const x = input('x', 'float32', ['N', 2, 3, 3]);
  const { mean } = batchNormTraining(x, constant('float32', Float32Array.of(1, 1), [2]), parameter('bias', [2]));
  assert.throws(() => gradients(reduceSum(mean, [0]), [x]), /BatchNormTraining: its statistics are not differentiated/);
  // Where it is not on a path from a wanted value it does no harm.
  const w = parameter('w', [2]);
  assert.ok(gradients(reduceSum(mul(rows, w), all), [w])[0]);
});

test('what is computed in half precision is not differentiated', () => {
  const x = input('x', 'float32', [2]);
  const loss = reduceSum(cast(mul(cast(x, 'float16'), 2), 'float32'), [0]);
  assert.throws(() => gradients(loss, [x]), /^GraphError: Cast\(float16\[2\]\): gradients are float32/);
  const rounded = cast(cast(x, 'float16'), 'float32');
  assert.notEqual(gradients(reduceSum(mul(rounded, x), [0]), [rounded])[0], undefined);
});
