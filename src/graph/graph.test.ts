import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graph, inputsOf, leavesOf, nodesOf, parametersOf, print, rewrite } from './graph.js';
import {
  apply,
  constant,
  float,
  GraphError,
  input,
  int,
  ints,
  type Node,
  parameter,
  string,
  type Value,
} from './value.js';

const scalar = { dtype: 'float32', shape: [] } as const;
const first = (node: Node): Value => node.outputs[0] as Value;
const step = (value: Value): Value => first(apply('Step', [value], {}, [scalar]));

test('nodes come after those they read from, each once, at any depth', () => {
  const x = input('x', 'float32', []);
  let y: Value = x;
  for (let i = 0; i < 100_000; i++) y = first(apply('Add', [y, y], {}, [scalar]));
  const order = nodesOf([y, y]);
  assert.equal(order.length, 100_000);
  const position = new Map(order.map((node, i) => [node, i]));
  order.forEach((node, i) => {
    const source = node.inputs[0]?.source;
    assert.ok(source?.kind !== 'node' || (position.get(source.node) ?? Number.NaN) < i);
  });
  assert.deepEqual(leavesOf([y]), [x]);
  assert.equal(nodesOf([...rewrite(graph({ y }), () => undefined).outputs.values()])[0], order[0]);
});

test('a node is listed once however it is reached', () => {
  const x = input('x', 'float32', []);
  const a = step(x);
  const b = step(a);
  const both = first(apply('Add', [b, a], {}, [scalar]));
  assert.deepEqual(
    nodesOf([a, both, b]).map((node) => first(node)),
    [a, b, both],
  );
});

test('leaves are told apart by name, and one name for two of them is an error', () => {
  const [x, w] = [input('x', 'float32', ['N']), parameter('w', [2])];
  const sum = first(apply('Add', [x, w], {}, [scalar]));
  assert.deepEqual([...parametersOf([sum])], [['w', w]]);
  assert.deepEqual([...inputsOf([sum])], [['x', x]]);
  const twice = first(apply('Add', [sum, parameter('w', [2])], {}, [scalar]));
  assert.throws(() => parametersOf([twice]), /two different parameters are called 'w'/);
});

test('a graph prints a line for each leaf, node and output', () => {
  const x = input('x', 'float32', ['N', 3]);
  const w = parameter('w', [3]);
  const two = constant('float32', Float32Array.of(2), []);
  const table = constant('int64', BigInt64Array.of(1n, 2n), [2]);
  const attributes = { axis: int(-1), epsilon: float(0.5), mode: string('edge'), pads: ints([0, 1]) };
  const types = [
    { dtype: 'float32', shape: ['N', 3] },
    { dtype: 'bool', shape: ['3N'] },
  ] as const;
  const node = apply('Make', [x, undefined, w, two, table], attributes, types);
  const end = apply('Use', [node.outputs[1]], {}, [{ dtype: 'float32', shape: [] }]);
  assert.equal(
    print(graph({ y: first(end), same: x })),
    `input x : float32[N, 3]
parameter w : float32[3]
%0, %1 = Make(x, _, w, 2, const[2]) {axis=-1, epsilon=0.5, mode=edge, pads=[0, 1]} : float32[N, 3], bool[3N]
%2 = Use(%1) : float32[]
output y = %2
output same = x`,
  );
});

test('rewriting replaces nodes bottom-up and leaves what does not change', () => {
  const x = input('x', 'float32', []);
  const kept = step(x);
  const old = first(apply('Old', [kept], {}, [scalar]));
  const after = step(old);
  const rule = (node: Node, inputs: readonly (Value | undefined)[]) =>
    node.op === 'Old' ? apply('New', inputs, {}, [scalar]).outputs : undefined;
  const result = rewrite(graph({ kept, after, old }), rule);
  assert.equal(result.outputs.get('kept'), kept);
  assert.equal(
    print(result),
    `input x : float32[]
%0 = Step(x) : float32[]
%1 = New(%0) : float32[]
%2 = Step(%1) : float32[]
output kept = %0
output after = %2
output old = %1`,
  );
});

test('leaves that cannot be are refused by name', () => {
  assert.throws(() => constant('float32', new Float32Array(3), [2, 2]), /constant: 3 elements do not fill .*\[2, 2\]/);
  assert.throws(() => parameter('head.weight', [3, 0]), /parameter 'head.weight': \[3, 0\] is not a shape/);
  assert.throws(() => input('x', 'float32', ['1N']), GraphError);
});
