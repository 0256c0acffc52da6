import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Color,
  converter,
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  wcagContrast,
} from 'culori';
import { inkOn, labelColours } from './label-colours.js';
import { affectnet8, ferplus, knownLabelSets, rafdb } from './label-sets.js';

const difference = differenceCiede2000();

function rgb(colour: string): Color {
  const parsed = converter('rgb')(colour);
  assert.ok(parsed, colour);
  return parsed;
}

/** How colours look with normal vision and to those who lack one kind of cones altogether. */
const visions: ReadonlyMap<string, (colour: Color) => Color> = new Map([
  ['normal vision', (colour) => colour],
  ['deuteranopia', filterDeficiencyDeuter(1)],
  ['protanopia', filterDeficiencyProt(1)],
  ['tritanopia', filterDeficiencyTrit(1)],
]);

/** The smallest CIEDE2000 difference of two of these. */
function closest(colours: readonly string[], see: (colour: Color) => Color): number {
  const perceived = colours.map((colour) => see(rgb(colour)));
  return Math.min(...perceived.flatMap((a, i) => perceived.slice(0, i).map((b) => difference(a, b))));
}

test('expressions are told apart, whatever colours one can see', () => {
  const colours = labelColours(ferplus.labels);
  assert.equal(new Set(colours).size, 8);
  for (const [name, see] of visions) {
    const least = closest(colours, see);
    assert.ok(least >= 15, `${name}: ${least}`);
  }
});

/** Of other kinds, with expressions among them: as many as have colours of their own. */
const moods = ['awe', 'bored', 'calm', 'doubt', 'envy', 'guilt', 'hope', 'joy', 'pain', 'pride', 'shame', 'shy'];

test('labels of other kinds are told apart too, less well', () => {
  const colours = labelColours([...ferplus.labels, ...moods]);
  assert.equal(new Set(colours).size, 20);
  for (const [name, see] of visions) {
    assert.ok(closest(colours, see) >= (name === 'normal vision' ? 12 : 6), name);
  }
});

test('colours stand out on white and on dark ground, and text on them can be read', () => {
  for (const colour of labelColours([...ferplus.labels, ...moods])) {
    assert.ok(wcagContrast(colour, '#ffffff') >= 3, colour);
    assert.ok(wcagContrast(colour, '#14171c') >= 3, colour);
    assert.ok(wcagContrast(colour, inkOn(colour)) >= 4, colour);
  }
  for (const colour of labelColours(ferplus.labels)) {
    assert.ok(wcagContrast(colour, inkOn(colour)) >= 4.5, colour);
  }
});

test('a label has the same colour everywhere', () => {
  const byName = new Map(ferplus.labels.map((label, i) => [label, labelColours(ferplus.labels)[i]]));
  assert.deepEqual(labelColours(['Happiness', 'happy', '3. Happy']), Array(3).fill(byName.get('happiness')));
  for (const { labels } of knownLabelSets) {
    for (const [i, colour] of labelColours(labels).entries())
      assert.deepEqual(labelColours([labels[i] ?? '']), [colour]);
  }
  const [surprise] = labelColours(rafdb.labels);
  assert.equal(labelColours(affectnet8.labels)[3], surprise);
  // Whatever else is in the set, in whatever order.
  assert.deepEqual(labelColours(moods.toReversed()).toReversed(), labelColours(moods));
  assert.equal(labelColours(['bored', ...ferplus.labels])[0], labelColours(['bored'])[0]);
});

test('any names, none, and more than there are colours', () => {
  assert.deepEqual(labelColours([]), []);
  const names = [
    '__proto__',
    'constructor',
    '',
    '1',
    '2',
    '幸せ',
    ...Array.from({ length: 40 }, (_, i) => `class ${i}`),
  ];
  for (const colour of labelColours(names)) assert.match(colour, /^#[\da-f]{6}$/);
});
