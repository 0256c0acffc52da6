import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { calibration } from '../../../metrics/index.js';
import { runEpochs } from '../helpers.test.js';
import { confusionChart } from './confusion.js';
import { curvePanels, curvesChart } from './curves.js';
import { spreadLabels } from './end-labels.js';
import { recallChart } from './recall.js';
import { calibrationChart } from './reliability-diagram.js';
import { renderSvg, svgToPng } from './render.js';

/** What is written in a chart. */
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);

/** That an SVG stands alone, may share a page with others, and that librsvg takes it. */
async function check(svg: string): Promise<void> {
  assert.doesNotMatch(svg.replace(/xmlns(:xlink)?="[^"]*"/g, ''), /https?:|href|<script|<image|<style|\sid="/);
  const { width, height } = await sharp(await svgToPng(svg, 0.5)).metadata();
  assert.ok(width > 50 && height > 50);
}

test('curves name their lines, axes and the best epoch', async () => {
  const svg = await renderSvg(curvesChart(runEpochs(3)));
  await check(svg);
  const written = texts(svg);
  for (const text of ['Loss (nats)', 'Accuracy (%)', 'Learning rate', 'training', 'validation', 'class mean', 'best']) {
    assert.ok(written.includes(text), text);
  }
});

test('curves of one epoch, of many, and of figures that are not numbers', async () => {
  const [first] = runEpochs(1);
  assert.ok(first);
  await check(await renderSvg(curvesChart([first])));
  const many = Array.from({ length: 250 }, (_, i) => ({ ...first, epoch: i + 1 }));
  await check(await renderSvg(curvesChart(many)));
  const nothing = { ...first, trainLoss: null, valLoss: null, lr: null };
  await check(await renderSvg(curvesChart([nothing])));
});

/** The place of a text in its chart, in pixels. */
function positionOf(svg: string, text: string): { x: number; y: number; anchor: string } {
  const [, anchor = '', x, y] =
    new RegExp(`text-anchor="(\\w+)" transform="translate\\(([\\d.-]+),([\\d.-]+)\\)[^>]*>${text}<`).exec(svg) ?? [];
  return { x: Number(x), y: Number(y), anchor };
}

test('a rate of zero is 0, and what marks the best epoch leaves the names of lines alone', async () => {
  const epochs = runEpochs(12).map((epoch) => ({ ...epoch, lr: 4e-9, lrStart: 8e-4 }));
  const written = texts(await renderSvg(curvesChart(epochs)));
  assert.ok(written.includes('0') && written.some((text) => text.endsWith('e-4')), written.join());
  assert.ok(!written.some((text) => text.startsWith('0e')));
  // The best epoch is the last, where all names are; the highest line ends at the top.
  const [, accuracy] = curvePanels(epochs);
  assert.ok(accuracy);
  const svg = await renderSvg({ hconcat: [accuracy] });
  const [best, mean, first] = ['best', 'class mean', 'validation'].map((text) => positionOf(svg, text));
  assert.ok(best && mean && first);
  assert.equal(best.anchor, 'end');
  for (const name of [mean, first]) {
    assert.equal(name.anchor, 'start');
    assert.ok(name.x > best.x && name.y >= 0 && name.y <= 210 + 7, JSON.stringify([best, name]));
  }
});

test('room for text is as wide as text is', async () => {
  const vega = await import('vega');
  const metrics = 'textMetrics' in vega ? vega.textMetrics : undefined;
  const before = { ...(metrics as object) };
  const subtitle = 'w'.repeat(60);
  const svgs = await Promise.all(
    ['', subtitle].map((text) =>
      renderSvg({ title: { text: 't', subtitle: text }, width: 300, mark: 'point', data: { values: [] } }),
    ),
  );
  const [short = 0, long = 0] = svgs.map((svg) => Number(/width="(\d+)"/.exec(svg)?.[1]));
  assert.equal(short, 300 + 2 * 16);
  // 60 letters of 12 pixels.
  assert.equal(long, Math.ceil(60 * 12 * 0.6 + 2 * 16));
  assert.deepEqual({ ...(metrics as object) }, before, 'for other programs Vega is as before');
});

test('a confusion matrix shows shares of rows, and how many pictures they are', async () => {
  const matrix = [
    [299, 1, 0],
    [5, 15, 0],
    [0, 0, 0],
  ];
  const svg = await renderSvg(confusionChart(matrix, ['happy', 'sad', 'fear'], '320 pictures'));
  await check(svg);
  const written = texts(svg);
  for (const text of ['happy (300)', 'sad (20)', 'fear (0)', 'happy', 'sad', 'fear', '25', '75', '320 pictures']) {
    assert.ok(written.includes(text), text);
  }
  assert.ok(written.includes('&gt;99') && !written.includes('100'), 'not all');
  assert.ok(written.includes('&lt;1'), 'not nothing');
});

test('labels of any kind stay text', async () => {
  const labels = ['<script>alert(1)</script>', "';alert(1)//", '\u0000\u202e', '\u0000\u202e', 'datum.x', '幸せ', ''];
  const matrix = labels.map((_, r) => labels.map((__, c) => r + c));
  const svg = await renderSvg(confusionChart(matrix, labels, '"><b>'));
  await check(svg);
  assert.ok(texts(svg).includes('幸せ'));
  assert.equal(
    texts(svg).filter((text) => text.startsWith('\ufffd\ufffd')).length,
    4,
    'equal labels keep rows of their own',
  );
});

test('calibration and recall', async () => {
  const scores = { classes: 2, data: Float32Array.from([2, 0, 0, 1, 0.2, 0]) };
  await check(await renderSvg(calibrationChart(calibration([0, 1, 1], scores), '3 pictures')));
  assert.equal(recallChart(runEpochs(1), ['a', 'b']), undefined);
  const recall = recallChart(runEpochs(3), ['a', 'b']);
  assert.ok(recall);
  const svg = await renderSvg(recall);
  await check(svg);
  assert.ok(texts(svg).includes('a') && texts(svg).includes('b'));
});

test('labels at the ends of lines stay within the chart where there is room', () => {
  const ends = [98, 99, 100].map((value, i) => ({ x: 1, value, name: String(i), colour: '#000000' }));
  assert.deepEqual(
    spreadLabels(ends, 10, [0, 100]).map(({ y }) => y),
    [80, 90, 100],
  );
  const low = [0, 1].map((value, i) => ({ x: 1, value, name: String(i), colour: '#000000' }));
  assert.deepEqual(
    spreadLabels(low, 10, [0, 100]).map(({ y }) => y),
    [0, 10],
  );
});

test('labels at the ends of lines keep their distance, order and, where they can, their place', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }), (values) => {
      const labels = spreadLabels(
        values.map((value, i) => ({ x: 1, value, name: String(i), colour: '#000000' })),
        10,
      );
      assert.equal(labels.length, values.length);
      for (const [i, label] of labels.entries()) {
        const before = labels[i - 1];
        if (before === undefined) continue;
        assert.ok(label.value >= before.value);
        assert.ok(label.y - before.y >= 10 - 1e-9);
      }
      const sorted = values.toSorted((a, b) => a - b);
      if (sorted.every((value, i) => i === 0 || value - (sorted[i - 1] ?? 0) >= 10)) {
        assert.deepEqual(
          labels.map(({ y }) => y),
          sorted,
        );
      }
    }),
  );
});
