import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import { UserError } from '../src/common/errors.js';
import { loadModel, readDescription, saveModel } from '../src/node/checkpoints/index.js';
import { learn } from '../src/node/runs/learn-folder.js';
import { tinyCheckpoint, writePictures } from '../src/recognize/helpers.test.js';
import { apart, fails, succeeds } from './support/cli.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
let dir = '';
const at = (...parts: string[]): string => join(dir, ...parts);

/** The portrait cut out at several places, with a bar over the mouth or as it is. */
async function photo(path: string, kind: 'open' | 'masked', i: number): Promise<void> {
  const bar: OverlayOptions = {
    input: { create: { width: 76, height: 26, channels: 3, background: '#101010' } },
    left: 188,
    top: 134,
  };
  const whole = await sharp(portrait)
    .composite(kind === 'masked' ? [bar] : [])
    .toBuffer();
  await sharp(whole)
    .extract({ left: 7 * i, top: 3 * i, width: 400 - 5 * i, height: 380 })
    .resize(256)
    .modulate({ brightness: 1 - 0.05 * i })
    .png()
    .toFile(path);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-learn-'));
  for (const kind of ['open', 'masked'] as const) {
    await mkdir(at('photos', kind), { recursive: true });
    for (let i = 0; i < 5; i++) await photo(at('photos', kind, `${i}.png`), kind, i);
    await photo(at(`${kind}.png`), kind, 6);
  }
  const sky = sharp({ create: { width: 64, height: 64, channels: 3, background: '#77aaff' } }).png();
  await sky.toFile(at('photos', 'open', 'sky.png'));
  await writeFile(at('photos', 'masked', 'broken.png'), 'no picture');
  await saveModel(at('tiny.safetensors'), tinyCheckpoint());
});
after(() => rm(dir, { recursive: true, force: true }));

interface Document {
  readonly out: string;
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
  readonly labels: { readonly name: string; readonly labels: readonly string[] };
  readonly counts: object;
  readonly without: readonly { readonly picture: string; readonly reason: string }[];
  readonly history: readonly { readonly epoch: number }[];
}

test('poster learn: photos of two classes become weights that poster predict takes', { timeout: 600_000 }, async () => {
  const command = ['learn', at('photos'), '--out', 'mine.safetensors', '--epochs', '8', '--json'];
  const { stdout, stderr } = await succeeds(command, dir, apart);
  const learned = JSON.parse(stdout) as Document;
  assert.equal(learned.out, 'mine.safetensors');
  assert.deepEqual(learned.labels, { name: 'photos', labels: ['masked', 'open'] });
  assert.deepEqual(learned.counts, { training: 8, heldOut: 2 });
  assert.equal(learned.accuracy, 1);
  assert.deepEqual(learned.confusion, [
    [1, 0],
    [0, 1],
  ]);
  assert.equal(learned.history.length, 9);
  assert.deepEqual(learned.without.map(({ picture }) => picture).sort(), ['masked/broken.png', 'open/sky.png']);
  assert.match(stderr, /epoch 8 of 8: loss .* held out: loss/);
  assert.match(stderr, /open\/sky\.png: no face was found/);
  const description = await readDescription(at('mine.safetensors'));
  assert.deepEqual(description.labels.labels, ['masked', 'open']);
  assert.equal(description.preprocessing.crop?.name, 'FER+');
  assert.equal(description.temperature, undefined);
  assert.equal(description.training?.metrics['accuracy'], 1);
  assert.match(description.training?.command ?? '', /^poster learn photos --out mine\.safetensors/);
  const args = ['predict', 'open.png', 'masked.png', '--checkpoint', 'mine.safetensors', '--jsonl'];
  const lines = (await succeeds(args, dir)).stdout.trim().split('\n');
  const expressions = lines.map(
    (line) => (JSON.parse(line) as { faces: { expression: string }[] }).faces[0]?.expression,
  );
  assert.deepEqual(expressions, ['open', 'masked']);
});

describe('learn', () => {
  const tiny = { checkpoint: '', out: '', aligned: true, epochs: 4, batchSize: 4, threads: 1 };
  before(async () => {
    await writePictures(at('crops'), ['happy', 'shy'], 4);
    Object.assign(tiny, { checkpoint: at('tiny.safetensors'), out: at('learned.safetensors') });
  });

  test('stopped in training it saves the best so far; while it looks for faces, nothing', async () => {
    const training = new AbortController();
    const learned = await learn(at('crops'), {
      ...tiny,
      signal: training.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 1) training.abort(new UserError('Stopped.', 'interrupted'));
      },
    });
    assert.equal(learned.interrupted, true);
    assert.deepEqual(
      learned.history.map(({ epoch }) => epoch),
      [0, 1],
    );
    const saved = await loadModel(learned.path);
    assert.deepEqual(saved.labels, { name: 'crops', labels: ['happy', 'shy'] });
    assert.equal(saved.training?.epoch, learned.epoch);
    await rm(learned.path);
    const controller = new AbortController();
    const stopped = learn(at('crops'), {
      ...tiny,
      signal: controller.signal,
      onPicture: () => controller.abort(new UserError('Stopped.', 'interrupted')),
    });
    await assert.rejects(stopped, { kind: 'interrupted' });
    await assert.rejects(() => stat(learned.path), { code: 'ENOENT' });
  });

  test('equal seeds give the same file', async () => {
    const [first, second] = [at('first.safetensors'), at('second.safetensors')];
    for (const out of [first, second]) await learn(at('crops'), { ...tiny, out, epochs: 2, keep: true });
    assert.deepEqual(await readFile(first), await readFile(second));
    assert.deepEqual((await readDescription(first)).labels.labels, ['happy', 'neutral', 'sad', 'shy']);
  });

  test('folders that cannot be learned from are told in a sentence', async () => {
    await writePictures(at('alone'), ['happy'], 3);
    await writePictures(at('one'), ['happy', 'shy'], 1);
    await writePictures(at('splits', 'train'), ['happy', 'shy'], 2);
    await mkdir(at('nothing', 'happy'), { recursive: true });
    await writePictures(at('bad'), ['happy', 'shy'], 2);
    await writeFile(at('bad', 'shy', '0.png'), 'no picture');
    const cases: readonly (readonly [string, RegExp])[] = [
      ['alone', /^The class 'happy' is alone, and a network learns to tell classes apart/],
      ['one', /^The class 'happy' has one picture; add at least one more/],
      ['splits', /holds splits \(train\) and no class folders; give one of them, such as .*train\.$/],
      ['nothing', /^No class folder in .* holds pictures/],
      ['missing', /^There is no dataset folder .*missing; check the path\.$/],
      [
        'bad',
        /^Of the class 'shy' only 1 of 2 pictures can be used, and two are the least \(shy\/0\.png: .*\); add photos/,
      ],
    ];
    for (const [folder, message] of cases) {
      await assert.rejects(() => learn(at(folder), tiny), { name: 'UserError', message });
    }
  });

  test('the command line says what is wrong before any work', async () => {
    const weights = ['--checkpoint', 'tiny.safetensors'];
    await fails(
      ['learn', 'crops', ...weights, '--out', 'tiny.safetensors'],
      dir,
      2,
      /--out would write over tiny\.saf/,
    );
    await fails(['learn', 'crops', '--out', 'mine.pth'], dir, 2, /Its name must end in \.safetensors/);
    await fails(['learn', 'alone', ...weights, '--aligned'], dir, 3, /The class 'happy' is alone/);
    await fails(
      ['learn', 'crops', '--aligned', '--min-score', '0.5'],
      dir,
      2,
      /'--min-score <score>' cannot be used with option '--aligned'/,
    );
  });
});
