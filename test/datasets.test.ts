import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { z } from 'zod';
import { rafdb } from '../src/common/label-sets.js';
import { apart, fails, poster, start, succeeds, writeClasses } from './support/cli.js';

const small = ['--model', 'resnet8', '--device', 'cpu', '--threads', '2', '--workers', '0', '--no-tensorboard'];
let dir = '';
const expressions = ['1', '2', '3', '4', '5', '6', '7'];

/** A release of RAF-DB with `count` pictures of each expression in both splits. */
async function writeRelease(root: string, count: number): Promise<void> {
  const lines: string[] = [];
  await writeClasses(join(root, 'made'), expressions, 2 * count);
  await mkdir(join(root, 'Image/aligned'), { recursive: true });
  await mkdir(join(root, 'EmoLabel'));
  for (const label of expressions) {
    for (let i = 0; i < 2 * count; i++) {
      const name = `${i < count ? 'train' : 'test'}_${label}${i}`;
      await copyFile(join(root, `made/${label}/${i}.png`), join(root, `Image/aligned/${name}_aligned.jpg`));
      lines.push(`${name}.jpg ${label}`);
    }
  }
  await rm(join(root, 'made'), { recursive: true });
  await writeFile(join(root, 'EmoLabel/list_patition_label.txt'), `${lines.join('\n')}\n`);
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-datasets-'));
  await writeRelease(join(dir, 'release'), 2);
});
after(() => rm(dir, { recursive: true, force: true }));

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));

describe('from whole photos to crops', () => {
  it('crops as asked, lists what has no face, and goes on where it was', async () => {
    await writeClasses(join(dir, 'photos', 'Train'), ['sad'], 1);
    await mkdir(join(dir, 'photos', 'Train', 'happy'));
    await copyFile(portrait, join(dir, 'photos', 'Train', 'happy', 'astronaut.png'));
    const { stdout, stderr } = await succeeds(['crop', 'photos', 'crops', '--size', '96'], dir, apart);
    assert.match(stdout, /^crops: 1 crop of 96x96 \(RAF-DB\) from 2 pictures\.$/m);
    assert.match(stderr, /^Note: pictures without a crop: 1\. no-face\.csv in crops/m);
    const { width, height, channels } = await sharp(join(dir, 'crops/Train/happy/astronaut.png')).metadata();
    assert.deepEqual([width, height, channels], [96, 96, 3]);
    const again = z
      .object({ before: z.number(), crops: z.number(), size: z.number(), template: z.object({ name: z.string() }) })
      .parse(JSON.parse((await succeeds(['crop', 'photos', 'crops', '--size', '96', '--json'], dir)).stdout));
    assert.deepEqual([again.before, again.crops, again.template.name], [2, 1, 'RAF-DB']);
    await fails(['crop', 'photos', 'crops'], dir, 3, /made with other settings/);
    await fails(['crop', 'photos', 'photos/crops'], dir, 3, /lie within each other/);
    await fails(['crop', 'photos', 'x', '--template', 'none'], dir, 2, /known are RAF-DB, FER\+, ArcFace/);
    const bundled = fileURLToPath(new URL('../../weights/poster-v2-nano.safetensors', import.meta.url));
    const own = await succeeds(['crop', 'photos/Train/happy', 'own', '--checkpoint', bundled], dir);
    assert.match(own.stdout, /^own: 1 crop of 48x48 \(FER\+\) from 1 picture\.$/m);
    // What the network sees of the photo is what it sees of the crop.
    const one = z.object({ expression: z.string() });
    const entry = z.union([one, z.object({ faces: z.tuple([one]) })]);
    const expression = async (...args: string[]): Promise<string> => {
      const { stdout: text } = await succeeds(['predict', ...args, '--json'], dir);
      const [first] = z.object({ images: z.tuple([entry]) }).parse(JSON.parse(text)).images;
      return 'faces' in first ? first.faces[0].expression : first.expression;
    };
    const photo = await expression('photos/Train/happy/astronaut.png');
    assert.equal(await expression('own/astronaut.png', '--aligned'), photo);
  });
});

const preparedSchema = z.object({
  dataset: z.string(),
  splits: z.array(z.object({ split: z.string(), counts: z.array(z.number()) })),
  links: z.object({ hard: z.number(), copy: z.number() }),
  problems: z.array(z.string()),
  warnings: z.array(z.string()),
});
const checkSchema = z.object({
  labels: z.object({ name: z.string(), labels: z.array(z.string()) }),
  splits: z.array(z.object({ split: z.string(), counts: z.array(z.number()), unreadable: z.array(z.unknown()) })),
  identical: z.array(z.object({ acrossSplits: z.boolean() })),
  problems: z.array(z.string()),
  comparison: z.object({ kind: z.string() }).optional(),
});

describe('from a release to a dataset', () => {
  it('prepares, and says how many there are', async () => {
    const { stdout } = await succeeds(['prepare', 'raf-db', 'release', 'data', '--json'], dir);
    const result = preparedSchema.parse(JSON.parse(stdout));
    const twice = rafdb.labels.map(() => 2);
    assert.deepEqual(result.splits, [
      { split: 'train', counts: twice },
      { split: 'valid', counts: twice },
    ]);
    assert.equal(result.links.hard + result.links.copy, 28);
    const text = await succeeds(['prepare', 'raf-db', 'release', 'copies', '--link', 'copy'], dir);
    assert.match(text.stdout, /^Prepared copies: RAF-DB from label list and aligned pictures, 28 copies\.$/m);
    assert.match(text.stdout, /^Happiness +2 +2 +4$/m);
    assert.match(text.stderr, /'train' has 14 pictures where RAF-DB was published with 12,271/);
    await fails(['prepare', 'raf-db', 'release', 'data'], dir, 3, /data is not empty/);
    await fails(['prepare', 'raf-db', 'release', 'x', '--link', 'soft'], dir, 2, /symbolic/);
  });

  it('is stopped by Ctrl-C without leaving anything', { skip: process.platform === 'win32' }, async () => {
    await mkdir(join(dir, 'stopped'));
    await writeRelease(join(dir, 'large'), 60);
    const { child, finished } = start(['prepare', 'raf-db', 'large', 'stopped/data', '--link', 'copy'], dir);
    while (child.exitCode === null && (await readdir(join(dir, 'stopped'))).length === 0) await stat(dir);
    child.kill('SIGINT');
    const { code, stderr, stdout } = await finished;
    const left = await readdir(join(dir, 'stopped'));
    // It may have been done already, on a fast machine.
    if (code === 0) assert.deepEqual(left, ['data']);
    else {
      assert.deepEqual([code, stdout, left], [130, '', []]);
      assert.match(stderr, /^poster: Stopped: nothing was made/m);
    }
  });

  it('takes splits by other names, classes that one split lacks, and says what it does not look at', async () => {
    await writeClasses(join(dir, 'own', 'Train'), ['angry', 'happy', 'sad'], 3);
    await writeClasses(join(dir, 'own', 'TESTING'), ['happy', 'sad'], 2);
    await writeClasses(join(dir, 'own', 'spare'), ['happy'], 1);
    const { stdout } = await poster(['check', 'own', '--no-similar'], dir);
    assert.match(stdout, /^own +Train +TESTING$/m);
    assert.match(stdout, /^0 angry +3 +0$/m);
    assert.match(stdout, /^Note: The folder 'spare' beside the splits was not looked at/m);
    assert.match(stdout, /^Note: Split 'TESTING' has no picture of angry\.$/m);
    const train = ['train', '--data', 'own', ...small, '--epochs', '1'];
    const { stderr } = await succeeds([...train, '--val-split', 'test', '--out', 'own-run'], dir);
    assert.match(
      stderr,
      /^Note: no validation picture \(split 'TESTING'\) shows angry: means over classes leave it out/m,
    );
    const weights = join('own-run', 'best.safetensors');
    const measured = await succeeds(['evaluate', '--data', 'own', '--checkpoint', weights, '--workers', '0'], dir);
    assert.match(measured.stdout, /^No pictures of angry: the class means leave them out\.$/m);
    assert.match(measured.stdout, /The best epoch was chosen on this very split/);
    const none = ['evaluate', '--data', 'own', '--checkpoint', weights, '--split', 'none'];
    await fails(none, dir, 3, /no split 'none'; it has the splits Train, TESTING/);
  });

  it('checks it: nothing wrong, labels as those of the weights, a sheet for each class', async () => {
    const { stdout } = await succeeds(['check', 'data', '--sheets', 'sheets'], dir);
    assert.match(stdout, /^RAF-DB +train +valid$/m);
    assert.match(stdout, /^3 Happiness +2 +2$/m);
    assert.match(stdout, /^Nothing is wrong\.$/m);
    const sheets = await readdir(join(dir, 'sheets'));
    assert.equal(sheets.length, 14);
    assert.ok(sheets.includes('train-0-Surprise.png'));
    assert.equal((await readFile(join(dir, 'sheets/valid-6-Neutral.png'))).toString('latin1', 1, 4), 'PNG');
  });

  it('finds what is wrong with it, and leaves with 3', async () => {
    await copyFile(join(dir, 'copies/train/4/train_40_aligned.jpg'), join(dir, 'copies/valid/4/copy.png'));
    await writeFile(join(dir, 'copies/valid/4/broken.png'), 'no picture');
    const { code, stdout, stderr } = await apart(['check', 'copies', '--json'], dir);
    assert.deepEqual([code, stderr], [3, '']);
    const found = checkSchema.parse(JSON.parse(stdout));
    assert.deepEqual(found.labels, rafdb);
    assert.equal(found.identical.filter(({ acrossSplits }) => acrossSplits).length, 1);
    assert.equal(found.splits[1]?.unreadable.length, 1);
    assert.equal(found.problems.length, 2);
    const text = await poster(['check', 'copies'], dir);
    assert.equal(text.code, 3);
    assert.match(text.stdout, /^ {2}train\/4\/train_40_aligned.jpg = valid\/4\/copy.png$/m);
    assert.match(text.stdout, /^Wrong: 1 picture is in more than one split/m);
    await fails(['check', 'copies', '--checkpoint', 'copies/dataset.json'], dir, 3, /no checkpoint|not .*checkpoint/);
  });

  it('training and measuring say how many pictures are shared', async () => {
    const train = ['train', '--data', 'copies', ...small, '--out', 'run'];
    const { stderr } = await succeeds([...train, '--epochs', '1', '--batch-size', '7'], dir);
    assert.match(stderr, /^Note: 1 of the training pictures is in split 'valid' too, byte for byte/m);
    const weights = join('run', 'best.safetensors');
    const measured = await succeeds(['evaluate', '--data', 'copies', '--checkpoint', weights, '--workers', '0'], dir);
    assert.match(measured.stderr, /^Note: 1 of the measured pictures/m);
    assert.match(measured.stdout, /1 measured picture was found in split 'train' of this dataset too/);
    const { stdout } = await succeeds(['check', 'data', '--checkpoint', weights, '--json'], dir);
    assert.equal(checkSchema.parse(JSON.parse(stdout)).comparison?.kind, 'same');
    const order = ['--data-labels', 'AffectNet-7'];
    const other = await succeeds(['check', 'data', '--checkpoint', weights, ...order], dir);
    assert.match(other.stdout, /^Note: The weights' labels \(RAF-DB\) and .* in another order/m);
    const bundled = 'weights/poster-v2-nano.safetensors';
    const eight = await poster(
      ['check', 'data', '--checkpoint', fileURLToPath(new URL(`../../${bundled}`, import.meta.url))],
      dir,
    );
    assert.equal(eight.code, 3);
    assert.match(eight.stdout, /^Wrong: .*the data lacks contempt/m);
  });
});
