import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../common/errors.js';
import { renderSvg } from './charts/render.js';
import { compareChart } from './charts/run-comparison.js';
import { type ComparedRun, compareRuns, validationFigures } from './compare.js';
import { comparisonRows, comparisonText } from './compare-text.js';
import { runEpochs } from './helpers.test.js';
import type { RunFolder, RunSettings } from './run-folder.js';

function runAt(path: string, settings: RunSettings, shift = 0, labels: readonly string[] = ['a', 'b']): ComparedRun {
  const epochs = runEpochs(3, shift);
  const run: RunFolder = {
    path,
    name: path,
    settings,
    labels,
    dataset: undefined,
    pictures: undefined,
    sessions: [],
    epochs,
    best: epochs.at(-1),
    planned: 3,
    bestCheckpoint: `${path}/best.safetensors`,
  };
  return { run, settings, figures: validationFigures(run) };
}

// Accuracy of the third epoch: (5 + 2 + shift) / 20.
const runs = [
  runAt('a1', { lr: 0.1, seed: 1 }, 0),
  runAt('b1', { lr: 0.2, seed: 1, rho: null }, 5),
  runAt('a2', { lr: 0.1, seed: 2, rho: null }, 2),
  runAt('a3', { lr: 0.1, seed: 3 }, 4),
];

test('runs that differ in their seed alone form a group', () => {
  const { groups, differing, common, notes } = compareRuns(runs, ['seed']);
  assert.deepEqual(differing, ['lr']);
  assert.deepEqual(common, { rho: null });
  assert.deepEqual(
    groups.map(({ name, runs: members }) => [name, members.map(({ run }) => run.path)]),
    [
      ['lr 0.1', ['a1', 'a2', 'a3']],
      ['lr 0.2', ['b1']],
    ],
  );
  const [first, second] = groups.map(({ spread }) => spread.accuracy);
  assert.ok(Math.abs((first?.mean ?? 0) - 0.45) < 1e-12);
  assert.ok(Math.abs((first?.deviation ?? 0) - 0.1) < 1e-12, 'the sample deviation of 0.35, 0.45, 0.55');
  assert.deepEqual(second, { count: 1, mean: 0.6, deviation: null });
  assert.deepEqual(notes, []);
});

test('text and rows say the same', () => {
  const comparison = compareRuns(runs, ['seed']);
  const text = comparisonText(comparison);
  assert.match(text, /^group +lr +runs +best epoch +accuracy % +mean-class % +macro-F1 %$/m);
  assert.match(text, /^1 +0\.1 +3 +3 +45\.00 ± 10\.00 /m);
  assert.match(text, /^2 +0\.2 +1 +3 +60\.00 +30\.00 +25\.00$/m);
  assert.match(text, /^a2 +1 +2 +3 +45\.00 /m);
  const [head = [], row = []] = comparisonRows(comparison);
  assert.deepEqual(head.slice(0, 4), ['lr', 'runs', 'accuracy_mean', 'accuracy_deviation']);
  assert.deepEqual([row[0], row[1], Number(row[2]).toFixed(6), row.at(-1)], ['0.1', '3', '0.450000', 'a1 a2 a3']);
});

test('what to mind is said', () => {
  const short = { ...runs[0], run: { ...runAt('a4', {}).run, planned: 5 }, settings: { lr: 0.1, seed: 1 } };
  assert.ok(runs[0]);
  const { notes } = compareRuns([runs[0], { ...runs[0], ...short }], ['seed']);
  assert.match(notes[0] ?? '', /^a4 repeats a run of the same seed/);
  assert.match(notes[1] ?? '', /^a4 is not finished: 3 of 5 epochs/);
});

test('how many pictures measured a run is null where it does not say', () => {
  const { run } = runAt('early', {});
  const epochs = run.epochs.map(({ confusion: _, ...epoch }) => epoch);
  const early: RunFolder = { ...run, epochs, best: epochs.at(-1) };
  assert.equal(validationFigures(early).samples, null);
  assert.equal(validationFigures({ ...early, pictures: { train: 30, validation: 20 } }).samples, 20);
  assert.equal(validationFigures(run).samples, 20);
});

test('other settings can be averaged over, and groups of many differences have short names', () => {
  assert.equal(compareRuns(runs, ['seed', 'lr']).groups[0]?.name, 'all runs');
  const settings = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`option${i}`, i]));
  const { groups } = compareRuns([runAt('x', settings), runAt('y', {})], ['seed']);
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['group 1', 'group 2'],
  );
});

test('other classes are refused, the same in another order are not', () => {
  assert.equal(compareRuns([runAt('x', {}), runAt('y', {}, 0, ['b', 'a'])], ['seed']).groups.length, 1);
  assert.throws(
    () => compareRuns([runAt('x', {}), runAt('y', {}, 0, ['a', 'c'])], ['seed']),
    (error) => error instanceof UserError && /do not have the same classes.*x has a, b; y has a, c/.test(error.message),
  );
});

test('a chart names its groups', async () => {
  const svg = await renderSvg(compareChart(compareRuns(runs, ['seed']).groups));
  assert.equal(svg.match(/>lr 0\.1</g)?.length, 2);
  assert.equal(svg.match(/>lr 0\.2</g)?.length, 2);
});
