import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CorruptedCounts, robustnessOf } from '../../../metrics/index.js';
import { corruptionPage } from '../corruption-page.js';
import { corruptionText } from '../corruption-table.js';
import { corruptionChart } from './corruptions.js';
import { renderSvg } from './render.js';
import { darkRules } from './theme.js';

const confusion = (right: number): number[][] => [
  [right, 10 - right],
  [0, 10],
];
const counts: CorruptedCounts[] = [
  {
    name: 'blur',
    unit: 'pixels',
    strengths: [1, 2].map((strength) => ({ strength, confusion: confusion(8 - strength) })),
  },
  {
    name: '__proto__',
    unit: '<b>',
    strengths: [3, 4].map((strength) => ({ strength, confusion: confusion(6 - strength) })),
  },
];
const robustness = robustnessOf(confusion(9), counts);

test('figures, and their means over strengths and corruptions', () => {
  assert.deepEqual(robustness.clean, { accuracy: 0.95, meanClassAccuracy: 0.95 });
  const accuracies = robustness.corruptions.map(({ strengths }) => strengths.map(({ accuracy }) => accuracy));
  assert.deepEqual(accuracies, [
    [0.85, 0.8],
    [0.65, 0.6],
  ]);
  const rounded = (value: number | null): string => (value ?? Number.NaN).toFixed(6);
  assert.deepEqual(
    robustness.strengths.map(({ accuracy }) => rounded(accuracy)),
    ['0.750000', '0.700000'],
  );
  assert.equal(rounded(robustness.mean.accuracy), '0.725000');
  const [table = ''] = corruptionText(robustness).split('\n\n');
  assert.deepEqual(table.split('\n').slice(1), [
    '              1     2  mean',
    'blur       85.0  80.0  82.5',
    '__proto__  65.0  60.0  62.5',
    'mean       75.0  70.0  72.5',
  ]);
});

test('charts name corruptions, strengths and lines; several networks are a line each', async () => {
  const one = await renderSvg(corruptionChart([{ name: 'a', robustness }], '20 pictures'));
  for (const text of ['blur', '__proto__', '&lt;b&gt;', 'as is', '20 pictures', 'accuracy', 'mean over classes']) {
    assert.ok(one.includes(`>${text}<`), text);
  }
  const networks = ['ours', 'constructor'].map((name) => ({ name, robustness }));
  const two = await renderSvg(corruptionChart(networks, ''));
  assert.ok(two.includes('>ours<') && two.includes('>constructor<') && !two.includes('mean over classes'));
  assert.match(two, /ours, blur 2: 80\.0 %/);
});

test('a page of small charts, in the dark too, in which names are text', async () => {
  const page = await corruptionPage([{ name: '<script>', robustness }], "data, split 'valid'");
  assert.doesNotMatch(page, /<script/);
  // Each chart as wide as a phone at most.
  const widths = [...page.matchAll(/<svg [^>]*? width="([\d.]+)"/g)].map(([, width]) => Number(width));
  assert.equal(widths.length, 3);
  assert.ok(
    widths.every((width) => width <= 320),
    widths.join(),
  );
  const drawn = new Set([...page.matchAll(/(?:fill|stroke)="(#[^"]*)"/g)].map(([, colour = '']) => colour));
  for (const colour of drawn) assert.ok(darkRules.includes(`"${colour}"`), colour);
});
