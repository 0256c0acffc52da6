import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadTrainState, readDescription, readSafetensors, writeSafetensors } from '../src/node/checkpoints/index.js';
import { readHistory } from '../src/node/runs/index.js';
import { apart, checkFailure, fails, poster, start, startLimited, succeeds, writeClasses } from './support/cli.js';

const classes = ['happy', 'neutral', 'sad'];
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-cli-'));
  await writeClasses(join(dir, 'faces', 'train'), classes, 8);
});
after(() => rm(dir, { recursive: true, force: true }));

/** A run of `poster train` that takes seconds, of two epochs of six batches. */
const train = (out: string, ...more: string[]): string[] =>
  ['train', '--data', 'faces', '--device', 'cpu', '--threads', '1', '--workers', '1', '--out', out].concat(
    ['--epochs', '2', '--batch-size', '4', '--seed', '3'],
    more,
  );

/** The same with a network of few operations, which is ready in a fraction of the time, and without a thread that decodes. */
const trainPlain = (out: string, ...more: string[]): string[] =>
  train(out, '--model', 'resnet8', '--workers', '0', ...more);
/** What ends in the middle ends the thread too. */
const decoding = ['--workers', '1'];

/** So many that a process is killed before the last of them. */
const manyEpochs = ['--epochs', '10'];

/** Waits until a file is there, or the process has ended. */
async function appears(child: ChildProcess, path: string): Promise<void> {
  while (child.exitCode === null && (await stat(path).catch(() => undefined)) === undefined) await sleep(5);
}

describe('a dataset from training to prediction', () => {
  it('trains, with one JSON document on stdout', async () => {
    const { stdout, stderr } = await succeeds(train('run', '--json'), dir, apart);
    const result = JSON.parse(stdout) as {
      bestAccuracy: number;
      epochs: number;
      history: unknown[];
      interrupted: boolean;
    };
    assert.equal(result.epochs, 2);
    assert.equal(result.history.length, 2);
    assert.equal(result.interrupted, false);
    assert.match(stderr, /^Training 4,555,505 parameters on 21 pictures of 3 classes \(happy, neutral, sad\)/m);
    assert.match(stderr, /^epoch 2: loss [\d.]+, accuracy [\d.]+% \| validation/m);
    const lines = (await readFile(join(dir, 'run', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    assert.equal(lines.length, 3);
    const { training } = await readDescription(join(dir, 'run', 'best.safetensors'));
    assert.equal(training?.options?.['batchSize'], 4);
    assert.equal(training.options['data'], 'faces', 'no path of this machine');
    assert.equal(training.seed, 3);
  });

  it('a finished run that is resumed says that nothing is trained, and no more', async () => {
    await succeeds(trainPlain('plain', ...manyEpochs), dir);
    const args = ['train', '--resume', 'plain/last.safetensors', '--device', 'cpu', '--threads', '1'];
    const { stderr } = await succeeds(args, dir);
    assert.match(
      stderr,
      /^All 10 epochs are finished: nothing is trained\. Give more epochs to go on \(--epochs COUNT\)\.$/m,
    );
    assert.doesNotMatch(stderr, /^Training /m);
  });

  it('measures the weights it saved', async () => {
    const args = ['evaluate', '--data', 'faces', '--split', 'train', '--checkpoint', 'run/best.safetensors'];
    const result = JSON.parse((await succeeds([...args, '--json'], dir, apart)).stdout) as {
      samples: number;
      accuracy: number;
      skipped: unknown[];
    };
    assert.equal(result.samples, 24);
    assert.ok(result.accuracy > 0.5, `accuracy ${result.accuracy}`);
    assert.deepEqual(result.skipped, []);
    const { stdout } = await succeeds([...args, '--workers', '0'], dir);
    assert.match(stdout, /^accuracy % +[\d.]+$/m);
    assert.match(stdout, /^true \\ predicted/m);
    assert.match(stdout, /^happy .* 8$/m);
  });

  it('predicts, and goes on behind a picture that cannot be read', async () => {
    await writeFile(join(dir, 'broken.png'), 'no picture');
    const args = ['predict', 'faces/train/sad/0.png', 'broken.png', 'faces/train/happy/1.png'];
    const result = await apart([...args, '--aligned', '--json', '--checkpoint', 'run/best.safetensors'], dir);
    assert.equal(result.code, 3);
    assert.match(
      result.stderr,
      /^poster: Picture broken\.png is not a picture[^\n]*\n1 of 3 pictures could not be read: see above\.\n$/,
    );
    const document = JSON.parse(result.stdout) as {
      images: { image: string; scores: { label: string; probability: number; logit: number }[] }[];
      failed: { image: string }[];
    };
    assert.deepEqual(
      document.images.map(({ image }) => image),
      [args[1], args[3]],
    );
    assert.equal(document.failed[0]?.image, 'broken.png');
    for (const { scores } of document.images) {
      assert.equal(scores.length, 3);
      assert.ok(Math.abs(scores.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5);
    }
    const { stdout } = await succeeds(
      ['predict', 'faces/train/sad/0.png', '--aligned', '--checkpoint', 'run/last.safetensors'],
      dir,
    );
    assert.match(stdout, /^faces\/train\/sad\/0\.png {2}low contrast\n( {2}(happy|neutral|sad) +[\d.]+%.*\n){3}$/);
  });

  it('killed in the middle and resumed, ends in the same bits', async () => {
    // A save after every step: whenever the kill comes, there is one.
    const { child, finished } = start(trainPlain('killed', ...manyEpochs, '--save-every', '0.000001'), dir);
    const last = join(dir, 'killed', 'last.safetensors');
    await appears(child, last);
    child.kill('SIGKILL');
    await finished;
    const { state } = await loadTrainState(last);
    assert.ok(state.epoch < 10 && state.step > 0, `killed in epoch ${state.epoch} before batch ${state.nextBatch}`);
    await succeeds(['train', '--resume', 'killed', '--device', 'cpu', '--threads', '1'], dir);
    const record = JSON.parse(await readFile(join(dir, 'killed', 'run.json'), 'utf8')) as {
      run: { seed: number; data: string };
      sessions: { step: number; command: string; versions: Record<string, string>; git: unknown }[];
    };
    assert.deepEqual([record.run.seed, record.run.data], [3, join(await realpath(dir), 'faces')]);
    assert.deepEqual(
      record.sessions.map(({ step }) => step > 0),
      [false, true],
    );
    assert.match(record.sessions[1]?.command ?? '', /^poster train --resume killed/);
    assert.equal(record.sessions[0]?.versions['node'], process.version);
    // Weights say how they are trained, not how their run was resumed.
    const { training } = await readDescription(join(dir, 'killed', 'best.safetensors'));
    assert.match(training?.command ?? '', /^poster train --data faces .*--out killed/);
    for (const name of ['last.safetensors', 'best.safetensors']) {
      const { tensors: ours } = await readSafetensors(join(dir, 'killed', name));
      const { tensors } = await readSafetensors(join(dir, 'plain', name));
      assert.deepEqual([...ours.keys()], [...tensors.keys()]);
      for (const [tensor, { data }] of tensors) {
        assert.ok(Buffer.compare(data, ours.get(tensor)?.data ?? Buffer.alloc(0)) === 0, `${name}: ${tensor} differs`);
      }
    }
  });

  it('killed and resumed, has told every epoch once, and left nothing half-written', async () => {
    const epochs = async (folder: string): Promise<object[]> =>
      (await readHistory(join(dir, folder, 'metrics.jsonl')))
        .filter(({ event }) => event === 'epoch')
        .map(({ seconds: _, ...line }) => line);
    assert.equal((await epochs('plain')).length, 10);
    assert.deepEqual(await epochs('killed'), await epochs('plain'));
    const names = (await readdir(join(dir, 'killed'))).filter((name) => !name.includes('tfevents'));
    assert.deepEqual(names.sort(), ['best.safetensors', 'last.safetensors', 'metrics.jsonl', 'run.json']);
  });

  it('has its folder to itself while it is trained', async () => {
    const { child, finished } = start(trainPlain('own', '--epochs', '500'), dir);
    await appears(child, join(dir, 'own', 'metrics.jsonl'));
    await fails(trainPlain('own'), dir, 2, new RegExp(`Process ${child.pid} has been writing into own since`));
    await fails(
      ['train', '--resume', 'run/last.safetensors', '--out', 'own'],
      dir,
      2,
      /has been writing into own since/,
    );
    child.kill('SIGINT');
    assert.equal((await finished).code, 130);
    assert.ok(!(await readdir(join(dir, 'own'))).includes('poster.lock'));
  });

  it('saves and stops at Ctrl-C', async () => {
    const { child, finished } = start(trainPlain('stopped', '--epochs', '500', ...decoding), dir);
    // The run's history is begun when training is about to.
    await appears(child, join(dir, 'stopped', 'metrics.jsonl'));
    child.kill('SIGINT');
    const { code, stdout } = await finished;
    assert.equal(code, 130);
    assert.match(stdout, /resume with: poster train --resume stopped\/last\.safetensors/);
    const { state } = await loadTrainState(join(dir, 'stopped', 'last.safetensors'));
    assert.ok(state.step > 0 && state.epoch < 500);
  });
});

describe('command lines that are wrong', { concurrency: 2 }, () => {
  const wrong: [args: string[], sentence: RegExp][] = [
    [
      ['train', '--data', 'faces', '--batch-size', '0'],
      /'-b, --batch-size <count>' argument '0' is invalid. It must be at least 1/,
    ],
    [['train', '--data', 'faces', '--lr', 'fast'], /--lr <rate>' argument 'fast' is invalid. It must be a number/],
    [['train', '--data', 'faces', '--lr', ''], /It must be a number/],
    [['train', '--data', 'faces', '--epochs', '1.5'], /It must be a whole number/],
    [['train', '--data', 'faces', '--momentum', '1'], /It must be less than 1/],
    [['train', '--data', 'faces', '--model', 'resnet'], /Allowed choices are arm, .*poster-v2, poster-v2-nano/],
    [['train', '--learning-rate', '1'], /unknown option '--learning-rate'/],
    [['train'], /Training needs pictures: give --data DIR/],
    [['train', '--resume', 'a', '--init', 'b'], /give one of them/],
    [
      ['train', '--resume', 'run/last.safetensors', '--lr', '1'],
      /A resumed run keeps its options, and --lr was 0\.001/,
    ],
    [['train', '--resume', 'run/last.safetensors', '--model', 'poster-v2'], /--model was poster-v2-nano; leave it out/],
    [['train', '--resume', 'run/last.safetensors', '--optimizer', 'sgd'], /--optimizer was adamw; leave it out/],
    [['train', '--resume', 'run/last.safetensors', '--data-type', 'RAF-DB'], /--data-type was not given/],
    [['train', '--data', 'faces', '--data-type', 'KDEF'], /There is no recipe of that name; there are RAF-DB, Aff/],
    [['train', '--data', 'faces', '--init', 'body=a.pth'], /no part of the network called 'body'; there are ir50 and/],
    [['train', '--data', 'faces', '--erasing-scale', '0.3,0.1'], /it must ascend \(--erasing-scale LIST\)/],
    [
      ['train', '--data', 'faces', '--allreduce', 'native'],
      /--allreduce native is for ranks that mpirun starts; start/,
    ],
    [['train', '--data', 'faces', '--gpu', '0', '--device', 'cpu'], /--gpu names a GPU for CUDA, and --device is cpu;/],
    [['evaluate', '--data', 'faces', '--device', 'webgpu', '--gpu', '1'], /--gpu names .*, and --device is webgpu;/],
    [['train', '--data', 'faces', '--gpu', 'first'], /It must be the number of a GPU/],
    [['train', '--data', 'faces', '--out', 'run'], /run already holds a run; resume it/],
    [['evaluate'], /required option '--data <dir>' not specified/],
    [['evaluate', '--data', 'faces', '--labels', 'emotions'], /There is no label set called 'emotions'/],
    [['predict', '--aligned'], /No input: name a picture/],
    [
      ['predict', 'face.png', '--aligned', '--min-score', '0.5'],
      /'--min-score <score>' cannot be used with option '--aligned'/,
    ],
    [['predict', '-', '-'], /Standard input \(-\) can be read once only/],
    [['recognise'], /unknown command 'recognise'/],
    [['my photo.jpg'], /my photo\.jpg is no command; .* run poster predict 'my photo\.jpg'$/m],
    [['--verbose', 'film.mp4'], /film\.mp4 is no command; .* run poster predict film\.mp4$/m],
    [['--json', 'a.jpg', 'b.jpg'], /a\.jpg is no command; .* run poster predict --json a\.jpg b\.jpg$/m],
    [['README.md/y'], /unknown command 'README\.md\/y'/],
    [['w'.repeat(300)], /unknown command 'w{300}'/],
    [['-'], /- is no command; .* run poster predict -$/m],
    [['weights.safetensors'], /unknown command 'weights\.safetensors'/],
  ];
  /** A command's own mistake, and the program's: in a process of its own, too, each is one sentence. */
  const alone = ['train', 'recognise'];
  for (const [args, sentence] of wrong) {
    it(args.join(' '), async () => {
      await fails(args, dir, 2, sentence, alone.includes(args.join(' ')) ? apart : poster);
    });
  }
});

describe('input that cannot be used', { concurrency: 2 }, () => {
  const checkpoint = ['--checkpoint', 'run/best.safetensors'];
  const predict = (image: string): string[] => ['predict', image, '--aligned', ...checkpoint];

  it('pictures: missing, empty, truncated, a folder', async () => {
    await writeFile(join(dir, 'empty.png'), '');
    await writeFile(join(dir, 'cut.png'), await readFile(join(dir, 'faces', 'train', 'sad', '0.png')));
    await truncate(join(dir, 'cut.png'), 100);
    await fails(predict('nothing.png'), dir, 3, /Cannot read nothing\.png: there is no such file/, apart);
    await fails(predict('empty.png'), dir, 3, /empty\.png is empty/);
    await fails(predict('cut.png'), dir, 3, /cut\.png is truncated or damaged/);
    await fails(predict('faces'), dir, 3, /Folder faces has no pictures; with --recursive/);
    await fails(predict('*.tif'), dir, 3, /No file matches \*\.tif/);
  });

  it('checkpoints: missing, damaged, of another architecture', async () => {
    const evaluate = (path: string, ...more: string[]): string[] =>
      ['evaluate', '--data', 'faces', '--split', 'train', '--checkpoint', path].concat(more);
    await fails(evaluate('nothing.safetensors'), dir, 3, /Cannot read nothing\.safetensors/);
    await writeFile(join(dir, 'cut.safetensors'), await readFile(join(dir, 'run', 'best.safetensors')));
    await truncate(join(dir, 'cut.safetensors'), 1_000_000);
    await fails(evaluate('cut.safetensors'), dir, 3, /cut\.safetensors/);
    const { tensors, metadata } = await readSafetensors(join(dir, 'run', 'best.safetensors'));
    const fewer = [...tensors].slice(5);
    await writeSafetensors(join(dir, 'other.safetensors'), new Map(fewer), metadata);
    await fails(evaluate('other.safetensors'), dir, 3, /5 missing: .* \[[\d, ]+\], .* and 2 more/);
    await writeSafetensors(join(dir, 'plain.safetensors'), tensors);
    await fails(
      evaluate('plain.safetensors'),
      dir,
      3,
      /does not say what its 3 outputs mean: name the labels it was trained with: .*\(--labels NAME\)/,
    );
    const assumed = ['--labels', 'RAF-DB'];
    await fails(evaluate('plain.safetensors', ...assumed), dir, 3, /has 3 outputs, and RAF-DB has 7 labels/);
    const other = [...assumed, '--model', 'poster-v2'];
    await fails(evaluate('plain.safetensors', ...other), dir, 3, /holds a poster-v2-nano, not a poster-v2: it has no /);
    const odd = new Map([...tensors].map(([name, t], i) => [name, i === 0 ? { ...t, shape: [1, ...t.shape] } : t]));
    await writeSafetensors(join(dir, 'odd.safetensors'), odd, metadata);
    await fails(evaluate('odd.safetensors'), dir, 3, /of another shape: .* is \[[\d, ]+\] instead of \[/);
    await fails(
      ['evaluate', '--data', 'faces', '--model', 'poster-v2'],
      dir,
      3,
      /says that it is a poster-v2-nano, not a poster-v2/,
    );
    await fails(['train', '--resume', 'run/best.safetensors'], dir, 3, /holds weights but no state of training/);
    const theirs = fileURLToPath(new URL('../../test/fixtures/checkpoints/training-zip.pth', import.meta.url));
    await fails(['train', '--resume', theirs], dir, 3, /is a PyTorch checkpoint, and a run resumes from its own/);
  });

  it('datasets: missing, empty class folders, labels that the weights do not have', async () => {
    await fails(
      ['train', '--data', 'nowhere', '--device', 'cpu'],
      dir,
      3,
      /There is no dataset folder .*nowhere; check the path \(--data DIR\)\.$/m,
    );
    // It has no such option.
    const labels = /--labels names the labels of weights; give --checkpoint too, or leave it out/;
    await fails(['check', 'faces', '--labels', 'RAF-DB'], dir, 2, labels);
    await fails(['profile', '--labels', 'RAF-DB'], dir, 2, labels);
    await fails(['predict', 'a.png', '--server-key', 'k'], dir, 2, /--server-key is for a server; give --server too/);
    await fails(['check', 'nowhere'], dir, 3, /There is no dataset folder .*nowhere; check the path\.$/m);
    const nope = ['evaluate', '--data', 'faces', '--split', 'nope', ...checkpoint];
    await fails(nope, dir, 3, /has no split 'nope'; it has the splits train \(--split NAME\)\.$/m);
    await fails(
      ['train', '--data', 'faces', '--val-split', 'nope', '--device', 'cpu'],
      dir,
      3,
      /has no split 'nope'; it has the splits train \(--val-split NAME\)\.$/m,
    );
    await fails(
      ['explain', 'faces/train/sad/0.png', '--class', 'nope', ...checkpoint],
      dir,
      3,
      /does not know the class 'nope'; it knows .* \(--class NAME\)\.$/m,
    );
    await mkdir(join(dir, 'hollow', 'train', 'neutral'), { recursive: true });
    await fails(['train', '--data', 'hollow', '--device', 'cpu'], dir, 3, /No class folder in .*train holds pictures/);
    await writeClasses(join(dir, 'strange', 'test'), ['angry', 'happy', 'neutral'], 1);
    await fails(
      ['evaluate', '--data', 'strange', ...checkpoint],
      dir,
      3,
      /the weights do not know angry and the data lacks sad/,
    );
    await writeClasses(join(dir, 'numbers', 'test'), ['1', '2', '3'], 1);
    await fails(['evaluate', '--data', 'numbers', ...checkpoint], dir, 3, /class folders .* are numbers/);
  });

  it('the same labels in another order are matched by name', async () => {
    await writeClasses(join(dir, 'turned', 'test'), ['0-sad', '1-neutral', '2-happy'], 1);
    const { stderr } = await succeeds(['evaluate', '--data', 'turned', '--workers', '0', ...checkpoint], dir);
    assert.match(stderr, /matched by name/);
  });

  it('a corrupt picture among others is left out and listed, unless --strict', async () => {
    await writeClasses(join(dir, 'spoiled', 'train'), classes, 2);
    await writeFile(join(dir, 'spoiled', 'train', 'happy', 'bad.png'), 'no picture');
    const evaluate = ['evaluate', '--data', 'spoiled', '--split', 'train', ...checkpoint];
    const { stdout, stderr } = await succeeds([...evaluate, '--json'], dir);
    assert.match(stderr, /^1 picture was left out:\n.*bad\.png is not a picture/m);
    const { samples, skipped } = JSON.parse(stdout) as { samples: number; skipped: { path: string }[] };
    assert.equal(samples, 6);
    assert.match(skipped[0]?.path ?? '', /bad\.png$/);
    await fails([...evaluate, '--strict'], dir, 3, /bad\.png is not a picture/);
  });

  it('a release that is none', async () => {
    await fails(['prepare', 'ferplus', 'faces', 'out'], dir, 3, /faces is not the FER\+ release/);
  });
});

describe('what goes wrong on the way', () => {
  it('a loss that is no number stops training, and the last good checkpoint stays', async () => {
    const args = trainPlain('diverged', '--lr', '1e30', '--schedule', 'constant', '--save-every', '0.000001');
    const { stderr } = await poster(args, dir).then((result) => checkFailure(result, 5, /no longer a finite number/));
    assert.match(stderr, /epoch 1, batch \d/);
    const { model } = await loadTrainState(join(dir, 'diverged', 'last.safetensors'));
    for (const [name, { data }] of model.parameters) assert.ok(data.every(Number.isFinite), name);
  });

  it('a full disk is said, in a sentence', { skip: process.platform === 'win32' }, async () => {
    const result = await startLimited(trainPlain('full', ...decoding), dir, 300);
    checkFailure(result, 4, /Cannot write full\/last\.safetensors: it would exceed the largest file allowed/);
  });

  it('without a GPU, drivers say nothing of their own', async () => {
    const { stderr } = await fails(
      ['train', '--data', 'faces', '--out', 'run'],
      dir,
      2,
      /run already holds a run/,
      apart,
    );
    assert.doesNotMatch(stderr, /vk|vulkan|dawn|^Warning/im);
  });

  it('a device that is not there is an error, not another device', async () => {
    await fails(trainPlain('gpu', '--device', 'cuda'), dir, 4, /cuda/i);
  });
});

describe('help', () => {
  it('is there for every command, on stdout', async () => {
    for (const command of [
      [],
      ['train'],
      ['evaluate'],
      ['predict'],
      ['profile'],
      ['prepare'],
      ['prepare', 'ferplus'],
    ]) {
      const { stdout, stderr } = await succeeds([...command, '--help'], dir, command.length === 0 ? apart : poster);
      assert.match(stdout, new RegExp(`^Usage: poster ?${command.join(' ')}`));
      assert.equal(stderr, '');
    }
  });

  it('profile counts the published network', async () => {
    const { stdout } = await succeeds(['profile', '--json'], dir, apart);
    const { parameters, multiplyAccumulates } = JSON.parse(stdout) as {
      parameters: Record<'published' | 'reachingLogits' | 'trained', number>;
      multiplyAccumulates: Record<'layers' | 'layersWithLandmarkHead', number>;
    };
    assert.equal(parameters.published, 58_316_594);
    assert.equal(parameters.reachingLogits, 43_753_941);
    assert.equal(parameters.trained, 42_842_709);
    assert.equal(multiplyAccumulates.layers, 8_435_375_360);
    assert.equal(multiplyAccumulates.layersWithLandmarkHead, 8_435_470_080);
    assert.match((await succeeds(['profile', '--model', 'poster-v2-nano'], dir)).stdout, /^all +4,556,790/m);
    await fails(['profile', '--width', '2'], dir, 2, /a poster-v2 has no such option \(--width\)\.$/m);
    await fails(['profile', '--checkpoint', 'x', '--blocks', '3'], dir, 2, /cannot be used with option '--blocks/);
  });
});
