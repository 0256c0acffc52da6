import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graph, input, parameter } from '../graph/index.js';
import { add, linear, relu, reshape } from '../ops/index.js';
import { activationMemory } from './activation-memory.js';

test('results are freed after their last use, reshaped ones are not counted twice, weights are none', () => {
  const x = input('x', 'float32', ['N', 4]);
  const wide = linear(x, parameter('w', [100, 4])); // 100 numbers
  const shaped = reshape(wide, ['N', 10, 10]); // the same
  const positive = relu(shaped); // 100 more, wide still needed
  const sum = add(positive, shaped); // 100 more: the most, 300
  const y = linear(reshape(sum, ['N', 100]), parameter('v', [2, 100])); // 2
  assert.deepEqual(activationMemory(graph({ y })), { peak: 4 * 300, all: 4 * 302 });
});
