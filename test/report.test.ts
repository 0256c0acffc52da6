import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { apart, fails, succeeds, writeClasses } from './support/cli.js';

const classes = ['happy', 'neutral', 'sad'];
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-report-'));
  await writeClasses(join(dir, 'faces', 'train'), classes, 8);
});
after(() => rm(dir, { recursive: true, force: true }));

/** Event files of a folder. */
const eventFiles = async (folder: string): Promise<string[]> =>
  (await readdir(join(dir, folder))).filter((name) => name.includes('tfevents'));

/** A run as `poster train` leaves it, without its weights. */
async function writeRun(name: string, settings: object, best: number, labels = classes): Promise<void> {
  await mkdir(join(dir, name), { recursive: true });
  const run = { data: 'faces', epochs: 2, ...settings };
  const file = { format: 1, run, labels: { name: 'faces', labels }, dataset: 'faces', sessions: [] };
  await writeFile(join(dir, name, 'run.json'), JSON.stringify(file));
  const epochs = [best - 0.1, best].map((valAccuracy, i) => ({
    event: 'epoch',
    epoch: i + 1,
    step: 6 * (i + 1),
    trainLoss: 1,
    trainAccuracy: 0.5,
    valLoss: 1,
    valAccuracy,
    valMeanClassAccuracy: valAccuracy,
    lr: 0.001,
    seconds: 2,
    best: true,
  }));
  await writeFile(join(dir, name, 'metrics.jsonl'), epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''));
}

describe('a report on a run', () => {
  it('shows what training recorded', async () => {
    const train = [
      'train',
      '--data',
      'faces',
      '--model',
      'resnet8',
      '--device',
      'cpu',
      '--threads',
      '2',
      '--workers',
      '1',
    ];
    await succeeds([...train, '--out', 'run', '--epochs', '1', '--batch-size', '8', '--seed', '3'], dir);
    assert.equal((await eventFiles('run')).length, 1);
    // Training that goes on, or that was killed, leaves an unfinished line.
    await appendFile(join(dir, 'run', 'metrics.jsonl'), '{"event":"epoch","epo');
    const { stdout } = await succeeds(['report', 'run', '--json'], dir, apart);
    const schema = z.object({
      bestEpoch: z.literal(1),
      planned: z.literal(1),
      labels: z.array(z.string()),
      evaluation: z.object({ samples: z.number(), confusion: z.array(z.array(z.number())).length(3) }),
      files: z.array(z.string()),
      skipped: z.array(z.unknown()).length(0),
    });
    const { files, evaluation, labels } = schema.parse(JSON.parse(stdout));
    assert.deepEqual(labels, classes);
    assert.equal(
      evaluation.confusion.flat().reduce((a, b) => a + b),
      evaluation.samples,
    );
    const names = [
      'report.html',
      ...['curves', 'confusion', 'calibration'].flatMap((name) => [`${name}.svg`, `${name}.png`]),
    ];
    assert.deepEqual(
      files,
      names.map((name) => join('run', 'report', name)),
    );
    const page = await readFile(join(dir, 'run', 'report', 'report.html'), 'utf8');
    // Three curves, the confusion matrix and the calibration, each as wide as a phone at most.
    const widths = [...page.matchAll(/<svg [^>]*? width="([\d.]+)"/g)].map(([, width]) => Number(width));
    assert.equal(widths.length, 5);
    assert.ok(
      widths.every((width) => width <= 480 - 16),
      widths.join(),
    );
    // In the dark every colour gives way to another.
    const [, dark = ''] = page.split('(prefers-color-scheme: dark)');
    const drawn = new Set([...page.matchAll(/(?:fill|stroke)="(#[^"]*)"/g)].map(([, value = '']) => value));
    assert.ok(drawn.size > 8);
    for (const value of drawn) assert.ok(dark.includes(`[fill="${value}"] { fill: #`), value);
    for (const text of ['resnet8', '--batch-size 8', 'Calibration', 'onnxruntime-node']) {
      assert.ok(page.includes(text), text);
    }
    assert.doesNotMatch(page.replace(/xmlns(:xlink)?="[^"]*"/g, ''), /<script|(src|href)=|url\(|@import/);
  });

  it('measures the best weights on other pictures', async () => {
    const { stdout } = await succeeds(['report', 'run', '--data', 'faces', '--split', 'train', '--out', 'other'], dir);
    assert.match(stdout, /^1 of 1 epoch, best 1 with/);
    assert.match(stdout, /^Accuracy [\d.]+%.*on 'faces', split 'train', measured for this report\.$/m);
    const page = await readFile(join(dir, 'other', 'report.html'), 'utf8');
    assert.match(page, /<dt>pictures<\/dt><dd>24<\/dd>/);
    assert.match(page, /decision: top-1 of each picture alone/);
  });

  it('makes TensorBoard files once where training made none', async () => {
    await writeRun('plain', { seed: 1 }, 0.6);
    for (let times = 0; times < 2; times++) {
      const { stdout } = await succeeds(['report', 'plain'], dir);
      assert.match(stdout, /^No confusion matrix: this run did not record it/m);
    }
    assert.equal((await eventFiles('plain/report')).length, 1);
    assert.equal((await eventFiles('plain')).length, 0);
  });

  it('escapes what names and settings hold', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    await writeRun(hostile, { data: hostile, note: '"\u202e' }, 0.5, [hostile, 'b']);
    await succeeds(['report', hostile, '--out', 'escaped'], dir);
    const page = await readFile(join(dir, 'escaped', 'report.html'), 'utf8');
    assert.match(page, /&lt;img src=x/);
    assert.doesNotMatch(page, /<img|\u202e/);
  });

  it('refuses what is no run, and says what to give', async () => {
    await fails(['report', 'faces'], dir, 3, /faces is not a run: it has no metrics\.jsonl; give the folder/);
    await fails(['report', 'plain', '--split', 'test'], dir, 2, /--split names a part of a dataset; give --data too/);
    const idle = [
      ['--device', 'cpu'],
      ['--threads', '1'],
      ['--batch-size', '4'],
      ['--data-labels', 'RAF-DB'],
      ['--map-labels'],
    ];
    for (const [flag = '', ...value] of idle) {
      const sentence = new RegExp(`^poster: ${flag} is for measuring; give --data too, or leave it out\\.$`, 'm');
      for (const command of ['report', 'compare']) await fails([command, 'plain', flag, ...value], dir, 2, sentence);
    }
    await mkdir(join(dir, 'begun'));
    await writeFile(join(dir, 'begun', 'metrics.jsonl'), '');
    await fails(['report', 'begun'], dir, 3, /begun has no finished epoch yet/);
  });

  it('says where a machine without fonts leaves text out', { skip: process.platform !== 'linux' }, async () => {
    const config = join(dir, 'fonts.conf');
    await writeFile(config, `<?xml version="1.0"?><fontconfig><cachedir>${dir}</cachedir></fontconfig>`);
    const before = process.env['FONTCONFIG_FILE'];
    process.env['FONTCONFIG_FILE'] = config;
    try {
      const { stderr } = await succeeds(['report', 'plain'], dir, apart);
      assert.match(stderr, /^This machine has no fonts, so the PNGs have boxes for letters/m);
    } finally {
      if (before === undefined) delete process.env['FONTCONFIG_FILE'];
      else process.env['FONTCONFIG_FILE'] = before;
    }
  });
});

describe('a comparison of runs', () => {
  before(async () => {
    await writeRun('a1', { seed: 1 }, 0.6);
    await writeRun('a2', { seed: 2 }, 0.7);
    await writeRun('b1', { seed: 1, rho: 0.05 }, 0.8);
  });

  it('gives mean and deviation over seeds, and what differs', async () => {
    const { stdout, stderr } = await succeeds(['compare', 'a1', 'a2', 'b1', './a1/'], dir, apart);
    assert.match(stdout, /^group +rho +runs +best epoch +accuracy %/m);
    assert.match(stdout, /^1 +- +2 +2 +65\.00 ± 7\.07/m);
    assert.match(stdout, /^2 +0\.05 +1 +2 +80\.00 /m);
    assert.match(stderr, /^\.\/a1\/ is the same run as a1: it counts once\.$/m);
  });

  it('as JSON, CSV and a picture', async () => {
    const args = ['compare', 'a1', 'a2', 'b1', '--json', '--csv', 'all.csv', '--plot', 'all.svg'];
    const schema = z.object({
      differing: z.tuple([z.literal('rho')]),
      groups: z.array(z.object({ spread: z.object({ accuracy: z.object({ count: z.number(), mean: z.number() }) }) })),
    });
    const { groups } = schema.parse(JSON.parse((await succeeds(args, dir)).stdout));
    assert.deepEqual(
      groups.map(({ spread }) => spread.accuracy.count),
      [2, 1],
    );
    assert.match(
      await readFile(join(dir, 'all.csv'), 'utf8'),
      /^rho,runs,accuracy_mean,accuracy_deviation,.*\n,2,0\.6/,
    );
    assert.match(await readFile(join(dir, 'all.svg'), 'utf8'), /Validation accuracy/);
  });

  it('measures all weights on the same pictures', async () => {
    const args = ['compare', 'run', '--data', 'faces', '--split', 'train'];
    const run = z.object({
      figures: z.object({ samples: z.literal(24) }),
      protocol: z.object({ split: z.literal('train'), deviations: z.array(z.string()) }),
      skipped: z.array(z.unknown()).length(0),
    });
    const schema = z.object({
      on: z.literal("faces, split 'train'"),
      groups: z.tuple([z.object({ runs: z.tuple([run]) })]),
    });
    const [{ runs }] = schema.parse(JSON.parse((await succeeds([...args, '--json'], dir)).stdout)).groups;
    const [seen = ''] = runs[0].protocol.deviations;
    assert.match(seen, /trained on split 'train' .*: pictures measured here are among those/);
    const { stdout } = await succeeds(args, dir);
    assert.match(stdout, /^Deviations from plain top-1:$/m);
    assert.equal(stdout.split(seen).length, 2);
  });

  it('leaves out what is no run, and says so', async () => {
    const { stdout, stderr } = await succeeds(['compare', 'a1', 'faces', 'begun', 'a2', '--json'], dir);
    assert.match(stderr, /^Left out: faces is not a run/m);
    assert.match(stderr, /^Left out: begun has no finished epoch yet/m);
    const schema = z.object({ groups: z.tuple([z.object({ runs: z.array(z.object({ run: z.string() })) })]) });
    const [{ runs }] = schema.parse(JSON.parse(stdout)).groups;
    assert.deepEqual(
      runs.map(({ run }) => run),
      ['a1', 'a2'],
    );
    await fails(['compare', 'faces', 'begun'], dir, 3, /None of these 2 can be compared/);
    await fails(['compare', 'a1', 'typo'], dir, 3, /typo is not a run: there is no such folder/);
  });

  it('measures none before it knows that all can be', async () => {
    const args = ['compare', 'run', 'a1', '--data', 'faces', '--split', 'train', '--json'];
    const { stdout, stderr } = await succeeds(args, dir);
    assert.match(stderr, /^Left out: Cannot read a1\/best\.safetensors: there is no such file.*\n(.*\n)*run$/m);
    const schema = z.object({
      groups: z.tuple([z.object({ runs: z.tuple([z.object({ run: z.literal('run') })]) })]),
      leftOut: z.tuple([z.object({ path: z.literal('a1') })]),
    });
    schema.parse(JSON.parse(stdout));
    await fails(['compare', 'a1', '--data', 'faces'], dir, 3, /Cannot read a1\/best\.safetensors/);
  });

  it('groups apart what began from other weights', async () => {
    const init = [{ part: 'network', path: 'a1/best.safetensors' }];
    const file: unknown = JSON.parse(await readFile(join(dir, 'a2', 'run.json'), 'utf8'));
    await writeRun('begun-from', { seed: 3 }, 0.9);
    await writeFile(join(dir, 'begun-from', 'run.json'), JSON.stringify({ ...z.looseObject({}).parse(file), init }));
    const { stdout } = await succeeds(['compare', 'a1', 'a2', 'begun-from'], dir);
    assert.match(stdout, /^group +init +runs/m);
    assert.match(stdout, /^2 +a1\/best\.safetensors +1 /m);
  });

  it('refuses other classes, and names it cannot draw to', async () => {
    await writeRun('c', {}, 0.5, ['happy', 'angry', 'sad']);
    await fails(
      ['compare', 'a1', 'c'],
      dir,
      3,
      /do not have the same classes.*a1 has happy, neutral, sad; c has happy,/,
    );
    await fails(['compare', 'a1', '--plot', 'x.pdf'], dir, 2, /--plot x\.pdf: give a name that ends in \.svg or \.png/);
  });
});

const python = process.env['POSTER_TEST_PYTHON'] ?? '';
const readable = python !== '' && spawnSync(python, ['-c', 'import tensorboard']).status === 0;

describe('TensorBoard', { skip: !readable && 'set POSTER_TEST_PYTHON to a Python that has tensorboard' }, () => {
  it('reads what training and a report write, and drops what a resumed run repeats', async () => {
    const script = fileURLToPath(new URL('../../test/fixtures/read_events.py', import.meta.url));
    const read = (folder: string) => {
      const { stdout, stderr, status } = spawnSync(python, [script, join(dir, folder)], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const scalar = z.tuple([z.number(), z.number()]);
      const image = z.tuple([z.number(), z.number(), z.number()]);
      return z
        .object({
          scalars: z.record(z.string(), z.array(scalar)),
          images: z.record(z.string(), z.array(image)),
          text: z.string(),
          hparams: z.record(z.string(), z.unknown()),
          ended: z.boolean(),
        })
        .parse(JSON.parse(stdout));
    };
    const reported = read('plain/report').scalars['accuracy/validation'] ?? [];
    assert.deepEqual(
      reported.map(([step, value]) => [step, value.toFixed(6)]),
      [
        [6, '0.500000'],
        [12, '0.600000'],
      ],
    );
    const { scalars, text, images, hparams, ended } = read('run');
    assert.deepEqual(
      scalars['loss/batch']?.map(([step]) => step),
      [1, 2, 3],
    );
    assert.deepEqual(scalars['epoch'], [[3, 1]]);
    for (const tag of ['accuracy/validation_macro_f1', 'calibration/validation_ece']) {
      const [[step, value] = [0, Number.NaN]] = scalars[tag] ?? [];
      assert.ok(step === 3 && value >= 0 && value <= 1, tag);
    }
    assert.deepEqual(Object.keys(images).sort(), ['validation/calibration', 'validation/confusion']);
    for (const [[step, width, height] = [0, 0, 0]] of Object.values(images)) {
      assert.ok(step === 3 && width > 200 && height > 200);
    }
    assert.deepEqual([hparams['batchSize'], hparams['optimizer'], hparams['asPublished']], [8, 'adamw', false]);
    assert.equal(ended, true);
    assert.match(text, /^\| option \| value \|\n/);
    const { openEvents } = await import('../src/node/report/index.js');
    for (const [wallTime, from, steps] of [
      [1000, 1, [1, 2, 3, 4]],
      [2000, 3, [3, 4, 5]],
    ] as const) {
      const file = openEvents(join(dir, 'crashed'), { wallTime, from });
      for (const step of steps) file.scalars(step, { x: wallTime }, wallTime + step);
      file.close();
    }
    assert.deepEqual(read('crashed').scalars['x'], [
      [1, 1000],
      [2, 1000],
      [3, 2000],
      [4, 2000],
      [5, 2000],
    ]);
  });
});
