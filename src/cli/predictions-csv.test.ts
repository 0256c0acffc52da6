import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../common/errors.js';
import { writePredictions } from './predictions-csv.js';

const labels = { name: 'three', labels: ['happy', 'sad, very', 'unknown'] };

test('a line for each picture, quoted where needed, formulas made harmless', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'poster-csv-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'out.csv');
  const none = Number.NEGATIVE_INFINITY;
  const data = Float32Array.of(0, 0, none, Math.log(1), Math.log(3), none, 999, 0, none);
  const paths = ['train/happy/1.png', 'a "b",\nc.png', '=1+1.png'];
  await writePredictions(path, { labels, measured: { paths, labels: [0, 2, 1], logits: { classes: 3, data } } });
  assert.equal(
    await readFile(path, 'utf8'),
    [
      'path,true,predicted,p_happy,"p_sad, very",p_unknown\n',
      'train/happy/1.png,happy,happy,0.5,0.5,0\n',
      '"a ""b"",\nc.png",unknown,"sad, very",0.25,0.75,0\n',
      `'=1+1.png,"sad, very",happy,1,0,0\n`,
    ].join(''),
  );
  const nowhere = join(dir, 'no', 'out.csv');
  const nothing = { labels, measured: { paths: [], labels: [], logits: { classes: 3, data: new Float32Array(0) } } };
  await assert.rejects(writePredictions(nowhere, nothing), UserError);
});

test('thousands of pictures are all there, in order', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'poster-csv-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const count = 2500;
  const path = join(dir, 'out.csv');
  const paths = Array.from({ length: count }, (_, i) => `${i}.png`);
  const logits = { classes: 3, data: new Float32Array(3 * count) };
  await writePredictions(path, { labels, measured: { paths, labels: paths.map(() => 0), logits } });
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(',')[0]),
    paths,
  );
});
