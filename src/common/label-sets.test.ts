import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from './errors.js';
import {
  affectnet7,
  affectnet8,
  caers,
  canonicalLabel,
  compareLabels,
  ferplus,
  knownLabelSets,
  labelSetNamed,
  rafdb,
} from './label-sets.js';

test('synonyms, case and leading numbers do not matter', () => {
  const same = compareLabels(
    { name: 'a', labels: ['Happy', 'SAD', 'surprised', 'Angry', 'disgusted', 'fearful', 'contemptuous', 'Neutral'] },
    {
      name: 'b',
      labels: ['happiness', '1-sadness', '2. Surprise', 'anger', 'Disgust', '5_fear', 'contempt', ' neutral '],
    },
  );
  assert.equal(same.kind, 'same');
  assert.equal(canonicalLabel('7'), '7');
});

test('the same expressions in another order are told, with the mapping', () => {
  const compared = compareLabels(rafdb, affectnet7);
  assert.equal(compared.kind, 'reordered');
  assert.deepEqual(compared.mapping, [6, 3, 4, 0, 1, 2, 5]);
  assert.match(compared.explanation, /RAF-DB.*AffectNet-7.*another order.*0 \(Neutral is 6\)/);
  compared.mapping.forEach((to, from) => {
    assert.equal(canonicalLabel(rafdb.labels[to] ?? ''), canonicalLabel(affectnet7.labels[from] ?? '?'));
  });
});

test('what differs is named', () => {
  assert.match(compareLabels(affectnet8, caers).explanation, /the data lacks Contempt/);
  const less = compareLabels(affectnet7, ferplus);
  assert.equal(less.kind, 'different');
  assert.match(less.explanation, /do not know contempt/);
  assert.equal(less.mapping[7], -1);
  assert.equal(compareLabels(rafdb, { name: 'x', labels: ['happy', 'happiness', 'sad'] }).kind, 'different');
  assert.match(
    compareLabels(rafdb, { name: 'faces', labels: ['1', '2', '3', '4', '5', '6', '7'] }).explanation,
    /numbers.*RAF-DB/,
  );
});

test('any permutation is recognised and undone by its mapping', () => {
  for (const set of knownLabelSets) {
    fc.assert(
      fc.property(fc.shuffledSubarray([...set.labels], { minLength: set.labels.length }), (labels) => {
        const { kind, mapping } = compareLabels(set, { name: 'data', labels });
        assert.equal(kind, labels.join() === set.labels.join() ? 'same' : 'reordered');
        assert.deepEqual(
          mapping.map((to) => set.labels[to]),
          labels,
        );
      }),
      { numRuns: 20 },
    );
  }
});

test('published sets are found by name', () => {
  assert.equal(labelSetNamed('raf-db'), rafdb);
  assert.equal(labelSetNamed('ferplus'), ferplus);
  assert.equal(labelSetNamed('FER+'), ferplus);
  assert.throws(() => labelSetNamed('imagenet'), UserError);
});
