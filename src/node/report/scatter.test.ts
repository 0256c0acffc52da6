import assert from 'node:assert/strict';
import { test } from 'node:test';
import { svgToPng } from './charts/render.js';
import { scatterSvg } from './scatter.js';

test('a point for each picture, a name for each class that has some', async () => {
  const labels = ['<happy> & "glad"', 'sad\u0007', 'nobody'];
  const svg = await scatterSvg({
    title: 'title',
    subtitle: '6 pictures',
    points: Float32Array.of(0, 0, 1, 0, 0, 1, 5, 5, 6, 5, 5, 6),
    classes: Int32Array.of(0, 0, 0, 1, 1, 1),
    labels,
  });
  const [marks = ''] = /<g class="mark-symbol role-mark[\s\S]*?<\/g>/.exec(svg) ?? [];
  assert.equal(marks.match(/<path /g)?.length, 6);
  assert.match(svg, /&lt;happy&gt; &amp; "glad" \(3\)/);
  assert.match(svg, />nobody \(0\)</);
  assert.doesNotMatch(svg, />nobody</);
  assert.ok(!svg.includes('\u0007'));
  // Valid XML: it can be drawn.
  assert.ok((await svgToPng(svg)).length > 1000);
});

test('names of classes neither cover each other nor leave the plot', async () => {
  const svg = await scatterSvg({
    title: '',
    subtitle: '',
    // Two classes around one middle, a third in a corner.
    points: Float32Array.of(-1, 0, 1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 1, 1),
    classes: Int32Array.of(0, 0, 0, 1, 1, 1, 2),
    labels: ['first', 'second', 'a class with quite a long name'],
  });
  const heights = ['first', 'second'].map((name) => {
    const [, y] = new RegExp(`translate\\([\\d.]+,([\\d.]+)\\)[^>]*>${name}<`).exec(svg) ?? [];
    return Number(y);
  });
  assert.ok(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0)) > 15, heights.join(' '));
  const [, x, y] = /translate\(([\d.]+),([\d.]+)\)[^>]*>a class with quite a long name</.exec(svg) ?? [];
  assert.ok(Number(x) < 640 - 100 && Number(y) > 8, `${x} ${y}`);
});
