import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import { assignParameters, describeMismatch, isOptionalBuffer, matchParameters } from './parameters.js';
import type { FloatArray } from './tensor.js';

const shapes = (object: Record<string, number[]>): Map<string, number[]> => new Map(Object.entries(object));

test('what fits gives no sentence', () => {
  const match = matchParameters(shapes({ a: [2, 3], b: [] }), shapes({ b: [], a: [2, 3] }));
  assert.deepEqual(match, { missing: [], unexpected: [], mismatched: [] });
  assert.equal(describeMismatch(match, 'x'), undefined);
});

test('missing, unknown and reshaped tensors are listed, the first few of each', () => {
  const expected = shapes({ 'head.weight': [7, 768], a: [1], b: [2], c: [3], d: [4], e: [] });
  const found = shapes({ 'head.weight': [8, 768], z: [9, 9] });
  const match = matchParameters(expected, found);
  assert.deepEqual(match.mismatched, [{ name: 'head.weight', expected: [7, 768], found: [8, 768] }]);
  assert.equal(
    describeMismatch(match, 'x.safetensors'),
    'The tensors of x.safetensors do not fit this network (1 of another shape: head.weight is [8, 768] instead of [7, 768]; ' +
      '5 missing: a [1], b [2], c [3] and 2 more; 1 unknown: z [9, 9]); ' +
      'it is a checkpoint of another architecture, configuration or number of classes: choose the one it was saved from.',
  );
});

test('same number of elements in another shape is a mismatch', () => {
  assert.equal(matchParameters(shapes({ a: [2, 3] }), shapes({ a: [3, 2] })).mismatched.length, 1);
  assert.equal(matchParameters(shapes({ a: [6] }), shapes({ a: [6, 1] })).mismatched.length, 1);
});

test('buffers of PyTorch and names the caller ignores do not count', () => {
  assert(isOptionalBuffer('ir_back.bn.num_batches_tracked'));
  assert(isOptionalBuffer('attn1.relative_position_index'));
  assert(!isOptionalBuffer('attn1.relative_position_bias_table'));
  assert(!isOptionalBuffer('xnum_batches_tracked'));
  const expected = shapes({ a: [1], 'bn.num_batches_tracked': [], 'dead.x': [1] });
  const found = shapes({ a: [1], relative_position_index: [4, 4], 'dead.y': [2] });
  const match = matchParameters(expected, found, { ignore: (name) => name.startsWith('dead.') });
  assert.equal(describeMismatch(match, 'x'), undefined);
  assert.match(
    describeMismatch(matchParameters(expected, found), 'x') ?? '',
    /1 missing: dead\.x \[1\]; 1 unknown: dead\.y/,
  );
});

test('names from a file cannot write to the terminal', () => {
  const sentence = describeMismatch(matchParameters(shapes({}), shapes({ '\u001b[2J': [1] })), 'x');
  assert.doesNotMatch(sentence ?? '', /\p{Cc}/u);
});

test('assignParameters copies in place, all or nothing', () => {
  const array = (...values: number[]): FloatArray => ({ shape: [values.length], data: new Float32Array(values) });
  const target = new Map([
    ['a', array(0, 0)],
    ['dead', array(5)],
  ]);
  const ignore = (name: string): boolean => name === 'dead';
  assignParameters(target, new Map([['a', array(1, 2)]]), { source: 'x', ignore });
  assert.deepEqual([...(target.get('a')?.data ?? [])], [1, 2]);
  assert.deepEqual([...(target.get('dead')?.data ?? [])], [5]);
  const other = new Map([
    ['a', array(3, 4)],
    ['dead', array(6, 6)],
  ]);
  assert.throws(() => assignParameters(target, other, { source: 'x' }), UserError);
  assert.deepEqual([...(target.get('a')?.data ?? [])], [1, 2]);
  assignParameters(target, other, { source: 'x', ignore });
  assert.deepEqual([...(target.get('a')?.data ?? [])], [3, 4]);
  assert.deepEqual([...(target.get('dead')?.data ?? [])], [5]);
});
