import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parsePosterV2Config, posterV2Network, profile } from '../src/models/index.js';
import { bundledCheckpoint } from '../src/node/host/bundled-weights.js';
import { describeCheckpoint } from '../src/recognize/index.js';
import { writeClasses } from './support/cli.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const card = await readFile(join(root, 'MODEL_CARD.md'), 'utf8');
const description = await describeCheckpoint(bundledCheckpoint());
const { labels } = description.labels;

/** The cells of each row of the tables in a part of the card. */
function rowsOf(part: string, text = card): string[][] {
  const [begin, end] = [text.indexOf(`<!-- ${part}: begin -->`), text.indexOf(`<!-- ${part}: end -->`)];
  assert.ok(begin !== -1 && begin < end, `the card has a part '${part}'`);
  const lines = text.slice(begin, end).split('\n');
  return lines.filter((line) => line.startsWith('|')).map((line) => line.slice(2, -2).split(' | '));
}

const cell = (rows: readonly string[][], name: string, column = 1): string =>
  rows.find(([first]) => first === name)?.[column] ?? `no ${name}`;
const number = (text: string): number => Number(text.replace(/[,%]/g, ''));

test('the card is of the bundled weights, as they are', async () => {
  const hint = 'run scripts/model-card.mjs after the weights have changed';
  const rows = rowsOf('file');
  const bytes = await readFile(bundledCheckpoint());
  assert.ok(cell(rows, 'file').startsWith('`weights/poster-v2-nano.safetensors`'));
  assert.equal(cell(rows, 'SHA-256'), `\`${createHash('sha256').update(bytes).digest('hex')}\``, hint);
  assert.ok(cell(rows, 'output').endsWith(`: ${labels.join(', ')}`), hint);
  const { parameters } = profile(posterV2Network(parsePosterV2Config(description.model.config)));
  const count = parameters.reachingLogits.toLocaleString('en-GB');
  assert.equal(cell(rows, 'network'), `\`${description.model.name}\`, ${count} parameters`, hint);
  const { imageSize, channels } = description.preprocessing;
  assert.ok(cell(rows, 'input').startsWith(`${imageSize}x${imageSize} ${channels === 1 ? 'gray' : 'RGB'}`), hint);
  assert.match(card, new RegExp(`^# ${description.model.name}$`, 'm'));
  assert.ok(card.includes(`expression a face shows: ${labels.slice(0, -1).join(', ')} or ${labels.at(-1)}.`));
});

test('the front matter is what the Hub asks for', () => {
  const [, front = ''] = card.split(/^---$/m);
  for (const line of [
    'license: mit',
    'pipeline_tag: image-classification',
    'model-index:',
    `  - name: ${description.model.name}`,
  ])
    assert.ok(front.split('\n').includes(line), line);
  for (const key of ['tags', 'datasets', 'metrics']) assert.match(front, new RegExp(`^${key}:\n  - \\S`, 'm'));
  const stated = /type: accuracy\n.*\n\s+value: (0\.\d+)$/m.exec(front)?.[1];
  assert.equal((100 * Number(stated)).toFixed(1), cell(rowsOf('figures'), 'accuracy').replace('%', ''));
});

test('the figures of the card add up', () => {
  const rows = rowsOf('figures');
  const classes = labels.map((label) => {
    const row = rows.find(([first]) => first === label) ?? [];
    const [, , support = '', recall = '', , missed = ''] = row;
    // Of one count: 31.25 and 68.75% are both rounded up.
    const found = Math.round((number(support) * number(recall)) / 100);
    const percent = (count: number): string => ((100 * count) / number(support)).toFixed(1);
    assert.deepEqual(
      [percent(found), percent(number(support) - found)],
      [number(recall).toFixed(1), number(missed).toFixed(1)],
      label,
    );
    return { support: number(support), recall: number(recall) };
  });
  const samples = classes.reduce((sum, { support }) => sum + support, 0);
  assert.equal(samples, number(cell(rows, 'pictures')));
  const right = classes.reduce((sum, { support, recall }) => sum + Math.round((support * recall) / 100), 0);
  assert.equal(((100 * right) / samples).toFixed(1), number(cell(rows, 'accuracy')).toFixed(1));
  const mean = classes.reduce((sum, { recall }) => sum + recall, 0) / classes.length;
  assert.ok(Math.abs(mean - number(cell(rows, 'mean-class accuracy'))) <= 0.11);
  assert.match(cell(rows, 'ECE (15 bins)'), /^\d+\.\d%$/);
});

test('the card says what the weights are for, and what not', () => {
  for (const sentence of [
    /not what a person feels/,
    /Article 5\(1\)\(f\) \| \*\*prohibits\*\*/,
    /Article 50\(3\)/,
    /FER2013/,
  ])
    assert.match(card, sentence);
});

test('the script writes its parts and nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'poster-card-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  // The first picture of each class is in both splits.
  await writeClasses(join(folder, 'data', 'train'), labels, 1);
  await writeClasses(join(folder, 'data', 'valid'), labels, 2);
  const copy = join(folder, 'CARD.md');
  await copyFile(join(root, 'MODEL_CARD.md'), copy);
  const script = join(root, 'scripts', 'model-card.mjs');
  await promisify(execFile)(process.execPath, [script, '--data', join(folder, 'data'), '--card', copy]);
  const written = await readFile(copy, 'utf8');
  assert.deepEqual(rowsOf('file', written), rowsOf('file'));
  const rows = rowsOf('figures', written);
  assert.deepEqual(
    [1, 2, 3].map((column) => cell(rows, 'pictures', column)),
    ['16', '8', '14'],
  );
  for (const label of labels) assert.deepEqual([cell(rows, label, 1), cell(rows, label, 2)], ['1', '2']);
  const outside = (text: string): string =>
    text
      .replace(/<!-- (\w+): begin -->.*<!-- \1: end -->/gs, '')
      .replace(/# model-index: begin.*# model-index: end/s, '');
  assert.equal(outside(written), outside(card));
  assert.notEqual(written, card);
});
