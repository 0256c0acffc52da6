import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scatterSvg } from '../scatter.js';
import { confusionChart } from './confusion.js';
import { curvePanel } from './curves.js';
import { recallChart } from './recall.js';
import { renderSvg } from './render.js';
import { timelineChart } from './timeline.js';

/** Names that are properties of every object, that Vega would read as paths or formulas, numbers, and equal ones. */
const names = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'length', 'prototype'],
  ...['a.b', 'a[0]', "a['b']", 'datum', 'datum.label', 'parent', '"]+alert(1)+["', '\\', "it's", '0', '1', '-1', '1e3'],
  ...['null', 'undefined', 'NaN', 'true', 'same', 'same ', ' same', 'same'],
];
/** What is not text in them is escaped in an SVG. */
const written = (name: string): string => name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);

/** What is to be drawn is drawn, a name each, and nothing that all objects share is changed by it. */
async function drawn(draw: () => Promise<string>, expected: readonly string[]): Promise<void> {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const svg = await draw();
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before, 'Object.prototype is as before');
  // Vega leaves spaces at the ends out.
  const found = texts(svg).map((text) => text.trim());
  for (const name of expected) {
    const wanted = expected.filter((other) => other.trim() === name.trim()).length;
    assert.equal(found.filter((text) => text === written(name.trim())).length, wanted, name);
  }
}

const matrix = names.map((_, t) => names.map((__, p) => (t === p ? 3 : 1)));
/** Two that are equal get their index. */
const distinct = names.map((name, i) => (i === names.length - 1 ? `same ${i}` : name));

test('a recall chart for each class, whatever it is called', async () => {
  const one = {
    step: 1,
    trainLoss: 1,
    trainAccuracy: 0.5,
    valLoss: 1,
    valAccuracy: 0.5,
    lr: 1,
    seconds: 1,
    best: true,
  };
  const epochs = [1, 2].map((epoch) => ({ ...one, epoch, valMeanClassAccuracy: 0.5, confusion: matrix }));
  const chart = recallChart(epochs, names);
  assert.ok(chart);
  await drawn(
    () => renderSvg(chart),
    distinct.filter((name) => !/^\d+$/.test(name)),
  );
});

test('rows and columns of a confusion matrix', async () => {
  const pictures = names.length + 2;
  await drawn(
    () => renderSvg(confusionChart(matrix, names, '')),
    [...distinct, ...distinct.map((name) => `${name} (${pictures})`)],
  );
});

test('lines of curves', async () => {
  const series = names.map((name, i) => ({
    name,
    colour: '#000000',
    points: [
      { epoch: 1, value: i },
      { epoch: 2, value: i },
    ],
  }));
  const words = names.filter((name) => !/^\d+$/.test(name));
  await drawn(() => renderSvg({ hconcat: [curvePanel({ title: '', series }, 2)] }), words);
});

test('a timeline', async () => {
  const bins = names.map((_, i) => ({ from: i, to: i + 1, values: names.map((__, k) => (k === i ? 1 : 0)) }));
  const track = { id: 1, seconds: names.length, expressions: [], bins };
  const timeline = { title: 'video', labels: names, span: [0, names.length], tracks: [track] } as const;
  await drawn(
    () => renderSvg(timelineChart(timeline)),
    names.filter((name) => name.length > 3),
  );
});

test('a map', async () => {
  const points = Float32Array.from({ length: 2 * names.length }, (_, i) => (i * 7) % 11);
  const map = { title: '', subtitle: '', points, classes: Int32Array.from(names.keys()), labels: names };
  await drawn(
    () => scatterSvg(map),
    distinct.map((name) => `${name} (1)`),
  );
});
