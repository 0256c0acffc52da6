import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perClassMetrics } from '../../metrics/evaluation.js';
import { confusionTable, formatTable, perClassTable } from './text-tables.js';

const matrix = [
  [8, 12, 0],
  [0, 3, 0],
  [0, 0, 0],
];

test('confusion matrix as text', () => {
  assert.equal(
    confusionTable(matrix, ['neutral', 'Überraschung', 'fear']),
    [
      'true \\ predicted  neut  Über  fear  recall %',
      'neutral              8    12     0      40.0',
      'Überraschung         0     3     0     100.0',
      'fear                 0     0     0         -',
    ].join('\n'),
  );
});

test('labels are cut only as far as they stay different', () => {
  const header = (labels: string[]): string[] => confusionTable(matrix, labels).split('\n')[0]?.split(/ {2,}/) ?? [];
  assert.deepEqual(header(['disgust', 'disgrace', 'x']).slice(1, 4), ['disgu', 'disgr', 'x']);
  assert.deepEqual(header(['ab', 'abc', 'abcdefg']).slice(1, 4), ['ab', 'abc', 'abcd']);
  assert.deepEqual(header(['same']).slice(1, 4), ['same', '1', '2']);
});

test('per-class table as text', () => {
  assert.equal(
    perClassTable(perClassMetrics(matrix), ['neutral', 'sad', 'fear']),
    [
      'class    precision %  recall %  F1 %  support',
      'neutral        100.0      40.0  57.1       20',
      'sad             20.0     100.0  33.3        3',
      'fear               -         -     -        0',
    ].join('\n'),
  );
});

test('ragged and empty tables', () => {
  assert.equal(formatTable([]), '');
  assert.equal(formatTable([['a'], ['bb', '1']]), 'a\nbb  1');
});
