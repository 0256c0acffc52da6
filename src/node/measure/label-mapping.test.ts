import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../common/errors.js';
import {
  affectnet7,
  affectnet8,
  caers,
  canonicalLabel,
  ferplus,
  knownLabelSets,
  rafdb,
} from '../../common/label-sets.js';
import { type MappingOptions, mapLabels, mapLogits } from './label-mapping.js';

const sentence = (run: () => unknown, ...patterns: readonly RegExp[]): void => {
  assert.throws(run, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, /^[^\n]+\.\)?$/);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  });
};

test('seven classes on eight: the mapping as a table', () => {
  // RAF-DB: Surprise, Fear, Disgust, Happiness, Sadness, Anger, Neutral.
  // AffectNet-8: Neutral, Happy, Sad, Surprise, Fear, Disgust, Anger, Contempt.
  const wrong = mapLabels(rafdb, affectnet8, {});
  assert.equal(wrong.relation, 'mapped');
  assert.deepEqual(wrong.indices, [6, 3, 4, 0, 1, 2, 5, 7]);
  assert.deepEqual(wrong.labels.labels, [...rafdb.labels, 'Contempt']);
  assert.deepEqual([wrong.unknown, wrong.absent, wrong.removed], [['Contempt'], [], []]);
  const without = mapLabels(rafdb, affectnet8, { unknown: 'leave-out' });
  assert.deepEqual(without.indices, [6, 3, 4, 0, 1, 2, 5, -1]);
  assert.deepEqual(without.labels.labels, rafdb.labels);
});

test('eight classes on seven: the mapping as a table', () => {
  // CAER-S: Anger, Disgust, Fear, Happy, Neutral, Sad, Surprise.
  const kept = mapLabels(ferplus, caers, {});
  assert.deepEqual(kept.indices, [4, 5, 6, 1, 0, 3, 2]);
  assert.deepEqual([kept.unknown, kept.absent, kept.removed], [[], ['contempt'], []]);
  assert.deepEqual(kept.labels.labels, ferplus.labels);
  assert.deepEqual(mapLabels(ferplus, caers, { absent: 'remove' }).removed, [7]);
});

test('expressions that take no part: the mapping as a table', () => {
  const same = mapLabels(ferplus, ferplus, undefined, ['Contempt']);
  assert.deepEqual([same.relation, same.indices, same.removed], ['same', [0, 1, 2, 3, 4, 5, 6, -1], [7]]);
  assert.deepEqual([same.labels, same.unknown, same.absent], [ferplus, [], []]);
  // Nothing else differs, so nothing has to be mapped.
  const seven = mapLabels(ferplus, caers, undefined, ['contempt']);
  assert.deepEqual([seven.relation, seven.indices, seven.removed], ['reordered', [4, 5, 6, 1, 0, 3, 2], [7]]);
  const eight = mapLabels(rafdb, affectnet8, undefined, ['contempt']);
  assert.deepEqual([eight.relation, eight.indices, eight.removed], ['reordered', [6, 3, 4, 0, 1, 2, 5, -1], []]);
  // Indices behind one that takes no part stay the weights' own, also of what is appended.
  const more = mapLabels(rafdb, affectnet8, {}, ['Fear']);
  assert.deepEqual([more.relation, more.indices, more.removed], ['mapped', [6, 3, 4, 0, -1, 2, 5, 7], [1]]);
  const logits = mapLogits(Float32Array.of(1, 2, 3, 4, 5, 6, 7), 7, more);
  assert.deepEqual([...logits], [1, Number.NEGATIVE_INFINITY, 3, 4, 5, 6, 7, Number.NEGATIVE_INFINITY]);
  sentence(() => mapLabels(rafdb, rafdb, undefined, ['envy']), /no expression envy to measure without; there are Sur/);
  sentence(() => mapLabels(rafdb, rafdb, undefined, rafdb.labels.slice(1)), /Fewer than two expressions are left/);
  sentence(
    () => mapLabels(rafdb, { name: 'd', labels: ['sad'] }, {}, ['sadness']),
    /No expression of the data is left to measure/,
  );
});

test('without being asked, only orders are mapped', () => {
  assert.equal(mapLabels(affectnet7, affectnet7).relation, 'same');
  const turned = mapLabels(affectnet7, rafdb);
  assert.deepEqual([turned.relation, turned.indices], ['reordered', [3, 4, 5, 1, 2, 6, 0]]);
  sentence(
    () => mapLabels(rafdb, affectnet8),
    /RAF-DB.*AffectNet-8/,
    /7 and 8 of them/,
    /do not know Contempt/,
    /map the labels/,
  );
  sentence(() => mapLabels(affectnet8, caers), /the data lacks Contempt/, /map the labels/);
});

test('what cannot be mapped is refused, even when asked', () => {
  const numbered = { name: 'n', labels: ['1', '2', '3', '4', '5', '6', '7'] };
  sentence(() => mapLabels(rafdb, numbered, {}), /numbers.*name the label set/);
  sentence(() => mapLabels(rafdb, { name: 'pets', labels: ['cat', 'dog'] }, {}), /no expression in common/);
  sentence(
    () => mapLabels({ name: 'twice', labels: ['happy', 'happiness'] }, { name: 'd', labels: ['happy', 'sad'] }, {}),
    /two labels for one expression/,
  );
  // Two folders of one expression are no riddle.
  assert.deepEqual(mapLabels(rafdb, { name: 'd', labels: ['sad', 'happy', 'sadness'] }, {}).indices, [4, 3, 4]);
});

test('logits over the labels that are measured', () => {
  const logits = Float32Array.of(...affectnet8.labels.keys(), ...affectnet8.labels.keys());
  const kept = mapLogits(logits, 8, mapLabels(affectnet8, rafdb, {}));
  assert.equal(kept, logits);
  const none = Number.NEGATIVE_INFINITY;
  const removed = mapLogits(logits, 8, mapLabels(affectnet8, rafdb, { absent: 'remove' }));
  assert.deepEqual([...removed], [0, 1, 2, 3, 4, 5, 6, none, 0, 1, 2, 3, 4, 5, 6, none]);
  const wrong = mapLogits(Float32Array.of(1, 2, 3, 4, 5, 6, 7), 7, mapLabels(affectnet7, affectnet8, {}));
  assert.deepEqual([...wrong], [1, 2, 3, 4, 5, 6, 7, none]);
});

test('each of the data goes to its own expression, or to none', () => {
  const options = fc.record<MappingOptions>({
    unknown: fc.constantFrom('wrong', 'leave-out'),
    absent: fc.constantFrom('keep', 'remove'),
  });
  const set = fc
    .constantFrom(...knownLabelSets)
    .chain(({ name, labels }) =>
      fc.shuffledSubarray([...labels], { minLength: 4 }).map((some) => ({ name, labels: some })),
    );
  fc.assert(
    fc.property(set, set, options, (weights, data, wanted) => {
      // Two halves of a set may have nothing in common, which is refused.
      const common = data.labels.some((one) => weights.labels.some((w) => canonicalLabel(w) === canonicalLabel(one)));
      fc.pre(common);
      const { indices, labels, unknown, absent, removed } = mapLabels(weights, data, wanted);
      assert.deepEqual(labels.labels.slice(0, weights.labels.length), weights.labels);
      data.labels.forEach((label, i) => {
        const to = labels.labels[indices[i] ?? -1];
        if (to === undefined) assert.ok(wanted.unknown === 'leave-out' && unknown.includes(label));
        else assert.equal(canonicalLabel(to), canonicalLabel(label));
      });
      const known = data.labels.length - unknown.length;
      assert.equal(weights.labels.length - absent.length, known);
      for (const c of removed) assert.ok(!indices.includes(c));
    }),
    { numRuns: 200 },
  );
});
