import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../autodiff/index.js';
import { type Graph, GraphError, graph, input, nodesOf, parameter, print, type Tensor } from '../graph/index.js';
import * as ops from '../ops/index.js';
import { lower } from './lower.js';

const opsOf = (program: Graph): string[] => nodesOf(program.outputs.values()).map(({ op }) => op);

function trainingStep(): Graph {
  const x = input('x', 'float32', ['N', 3, 6, 6]);
  const parameters = {
    weight: parameter('weight', [4, 3, 3, 3]),
    scale: parameter('scale', [4]),
    bias: parameter('bias', [4]),
    head: parameter('head', [5, 4]),
  };
  const { weight, scale, bias, head } = parameters;
  const y = ops.batchNormTraining(ops.conv2d(x, weight, undefined, { stride: 2, padding: 1 }), scale, bias);
  const logits = ops.linear(ops.reduceMean(ops.gelu(y.y), [2, 3]), head);
  const loss = ops.reduceMean(ops.softmaxCrossEntropy(logits, input('targets', 'float32', ['N', 5])), [0]);
  const wanted = Object.entries(parameters);
  const found = gradients(
    loss,
    wanted.map(([, value]) => value),
  );
  return graph({
    loss,
    mean: y.mean,
    ...Object.fromEntries(wanted.map(([name], i) => [`d ${name}`, found[i] as Tensor])),
  });
}

test('lowering leaves operations of ONNX only, and keeps names, types and what needs no change', () => {
  const program = trainingStep();
  // ONNX has these two; the CPU sometimes gets them in a faster form.
  const ours = ops.operationNames.filter((op) => ops.operations[op].lower && op !== 'Conv' && op !== 'PRelu');
  assert.ok(opsOf(program).some((op) => ours.some((name) => name === op)));
  for (const target of ['cpu', 'webgpu'] as const) {
    const lowered = lower(program, target);
    assert.deepEqual(
      opsOf(lowered).filter((op) => ours.some((name) => name === op)),
      [],
    );
    assert.deepEqual([...lowered.outputs.keys()], [...program.outputs.keys()]);
    for (const [name, { dtype, shape }] of program.outputs) {
      assert.deepEqual(lowered.outputs.get(name)?.shape, shape);
      assert.deepEqual(lowered.outputs.get(name)?.dtype, dtype);
    }
    const again = lower(lowered, target);
    for (const [name, value] of lowered.outputs) assert.ok(again.outputs.get(name) === value, 'a fixed point');
  }
});

test('the device decides the form', () => {
  const bn = ops.batchNormTraining(input('x', 'float32', ['N', 2, 3, 3]), parameter('s', [2]), parameter('b', [2]));
  assert.ok(print(lower(graph({ y: bn.y }), 'cpu')).includes('training_mode=1'));
  assert.ok(!print(lower(graph({ y: bn.y }), 'webgpu')).includes('training_mode'));
});

test('a linear layer becomes a Gemm over all rows', () => {
  const y = ops.linear(input('x', 'float32', ['N', 7, 4]), parameter('w', [5, 4]), parameter('b', [5]));
  assert.equal(
    print(lower(graph({ y }), 'cpu')),
    `input x : float32[N, 7, 4]
parameter w : float32[5, 4]
parameter b : float32[5]
%0 = Reshape(x, const[2]) : float32[7N, 4]
%1 = Gemm(%0, w, b) {transB=1} : float32[7N, 5]
%2 = Reshape(%1, const[3]) : float32[N, 7, 5]
output y = %2`,
  );
});

test('a lowering that makes something else, or itself, is found out', () => {
  const x = input('x', 'float32', ['N', 4]);
  const y = ops.linear(x, parameter('w', [5, 4]));
  const table = ops.operations as Record<ops.OperationName, ops.Operation>;
  const kept = table.Linear;
  try {
    table.Linear = { ...kept, lower: () => [x] };
    assert.throws(() => lower(graph({ y }), 'cpu'), /^GraphError: Linear\(float32\[N, 4\]\): .*float32\[N, 5\]/);
    table.Linear = { ...kept, lower: () => [] };
    assert.throws(() => lower(graph({ y }), 'cpu'), GraphError);
    table.Linear = { ...kept, lower: (node) => [ops.linear(ops.operand(node, 0), ops.operand(node, 1))] };
    assert.throws(() => lower(graph({ y }), 'cpu'), /lowering does not end/);
  } finally {
    table.Linear = kept;
  }
});
