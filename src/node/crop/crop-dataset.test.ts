import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { rafDbCrop } from '../../common/crop-templates.js';
import { UserError } from '../../common/errors.js';
import type { Face, FaceDetector } from '../../detect/index.js';
import { temporaryFolder } from '../../recognize/helpers.test.js';
import { loadDataset } from '../datasets/index.js';
import { type CropOptions, cropDataset } from './crop-dataset.js';
import { planCrops } from './crop-plan.js';

/** A face whose eyes and mouth lie where the template has them in a square of that place. */
function faceAt(x: number, y: number, side: number): Face {
  const point = ([px, py]: readonly [number, number]): { x: number; y: number } => ({
    x: x + px * side,
    y: y + py * side,
  });
  const { rightEye = [0, 0], leftEye = [1, 0], mouth = [0.5, 1] } = rafDbCrop.points;
  return {
    box: { x, y, width: side, height: side },
    score: 0.9,
    keypoints: {
      rightEye: point(rightEye),
      leftEye: point(leftEye),
      mouth: point(mouth),
      noseTip: point([0.5, 0.6]),
      rightEar: point([0.2, 0.5]),
      leftEar: point([0.8, 0.5]),
    },
  };
}

/** Sees no face in black pictures, and two in others: a small one at the left, a larger one at the right. */
function watched(): { readonly detector: FaceDetector; calls: number } {
  const state = { calls: 0 };
  const detector: FaceDetector = {
    async detect({ data }) {
      state.calls++;
      return data.some((value) => value > 0) ? [faceAt(0, 0, 20), faceAt(40, 0, 40)] : [];
    },
    follow: async () => [],
    dispose: async () => undefined,
  };
  return Object.assign(state, { detector });
}

/** 80x40: the left half red, the right half green. */
const photo = (): Promise<Buffer> =>
  sharp(Buffer.from([255, 0, 0, 0, 255, 0]), { raw: { width: 2, height: 1, channels: 3 } })
    .resize(80, 40, { kernel: 'nearest', fit: 'fill' })
    .png()
    .toBuffer();
const dark = (): Promise<Buffer> =>
  sharp({ create: { width: 80, height: 40, channels: 3, background: '#000' } })
    .png()
    .toBuffer();

async function write(root: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
const options: CropOptions = { template: rafDbCrop, size: 24 };
const fails = (run: Promise<unknown>, sentence: RegExp): Promise<void> =>
  assert.rejects(run, (error) => error instanceof UserError && sentence.test(error.message));
const crop = (detector: FaceDetector, root: string, more: Partial<CropOptions> = {}): ReturnType<typeof cropDataset> =>
  cropDataset(detector, join(root, 'src'), join(root, 'out'), { ...options, ...more });

async function source(root: string): Promise<void> {
  await write(join(root, 'src'), {
    'train/0/a.jpg': await photo(),
    'train/0/a.png': await photo(),
    'train/1/b.webp': await photo(),
    'train/1/none.png': await dark(),
    'test/1/c.bmp.png': await photo(),
    'test/1/broken.png': 'no picture',
    'dataset.json': '{"labels": ["happy", "sad"], "folders": {"0": "happy", "1": "sad"}}',
    'train/votes.jsonl':
      '{"image": "0/a.jpg", "majority": true, "votes": [3, 1]}\n{"image": "1/none.png", "majority": true, "votes": [0, 1]}\n',
    'list.csv': 'file,label\ntrain/0/a.jpg,0\n"train/1/none.png",1\nb.webp,"a, b"\n',
    'other.csv': 'x,y\n1,2\n',
    'broken.csv': 'x,"y\n1,2\n',
    'labels.txt': 'c.bmp.png 5\n',
  });
}

test('a dataset of crops: folders, labels, votes and lists are kept, and what has no face is listed', async (t) => {
  const root = await temporaryFolder(t);
  await source(root);
  const { detector } = watched();
  const result = await crop(detector, root);
  assert.deepEqual([result.pictures, result.crops, result.before], [6, 4, 0]);
  assert.deepEqual(
    result.without.map(({ picture }) => picture),
    ['test/1/broken.png', 'train/1/none.png'],
  );
  assert.match(result.without[0]?.reason ?? '', /not a picture/);
  assert.equal(result.without[1]?.reason, 'no face was found');
  assert.deepEqual([...result.lists].sort(), ['dataset.json', 'labels.txt', 'list.csv', 'train/votes.jsonl']);
  assert.match(result.unreadableLists.join(), /^[^,]*broken\.csv breaks off in line .*a quote is not closed/);
  const out = join(root, 'out');
  assert.deepEqual((await readdir(join(out, 'train/0'))).sort(), ['a.png', 'a.png.png']);
  assert.equal(await readFile(join(out, 'list.csv'), 'utf8'), 'file,label\ntrain/0/a.png,0\nb.png,"a, b"\n');
  assert.equal(await readFile(join(out, 'labels.txt'), 'utf8'), 'c.bmp.png 5\n');
  assert.match(
    await readFile(join(out, 'no-face.csv'), 'utf8'),
    /^picture,reason\ntest\/1\/broken\.png,.*\ntrain\/1\/none\.png,no face was found\n$/,
  );
  const train = await loadDataset(out, 'train');
  assert.deepEqual(train.labels.labels, ['happy', 'sad']);
  assert.deepEqual([...(train.samples[0]?.distribution ?? [])], [0.75, 0.25]);
  // The larger face is the green one.
  const { data, info } = await sharp(join(out, 'train/1/b.png')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [24, 24]);
  assert.deepEqual([...data.subarray(3 * (12 * 24 + 12), 3 * (12 * 24 + 12) + 3)], [0, 255, 0]);
});

test('each face has a crop and a line where all are wanted', async (t) => {
  const root = await temporaryFolder(t);
  await source(root);
  const result = await crop(watched().detector, root, { faces: 'all' });
  assert.equal(result.crops, 8);
  const votes = await readFile(join(root, 'out/train/votes.jsonl'), 'utf8');
  assert.deepEqual(
    votes.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { image: string }).image])),
    ['0/a.png', '0/a~2.png'],
  );
  const { data } = await sharp(join(root, 'out/train/0/a~2.png')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([...data.subarray(0, 3)], [255, 0, 0]);
});

test('a run that was stopped goes on, does nothing twice, and refuses other settings', async (t) => {
  const root = await temporaryFolder(t);
  await source(root);
  const stop = new AbortController();
  const reason = new UserError('stopped');
  const first = watched();
  const onProgress = (done: number): void => {
    if (done === 2) stop.abort(reason);
  };
  await assert.rejects(crop(first.detector, root, { signal: stop.signal, onProgress }), reason);
  // As a kill in the middle of a line leaves it, and a crop that is gone.
  await appendFile(join(root, 'out/crops.jsonl'), '{"picture": "tra');
  const second = watched();
  const whole = await crop(second.detector, root);
  assert.ok(whole.before >= 2 && whole.before < 6);
  assert.deepEqual([whole.crops, whole.pictures], [4, 6]);
  await rm(join(root, 'out/train/0/a.png'));
  const third = watched();
  assert.equal((await crop(third.detector, root)).before, 5);
  assert.equal(third.calls, 1);
  await stat(join(root, 'out/train/0/a.png'));
  await fails(crop(third.detector, root, { size: 32 }), /made with other settings/);
});

test('nothing is written over its source, nor among other files', async (t) => {
  const root = await temporaryFolder(t);
  await source(root);
  const { detector } = watched();
  const at = (src: string, out: string): Promise<unknown> =>
    cropDataset(detector, join(root, src), join(root, out), options);
  await symlink(join(root, 'src'), join(root, 'link'));
  for (const [src, out] of [
    ['src', 'src'],
    ['src', 'src/crops'],
    ['src/train', 'src'],
    ['src', 'link/new/crops'],
    ['link', 'src/train'],
  ] as const) {
    await fails(at(src, out), /lie within each other/);
  }
  await write(root, { 'full/x.txt': 'x' });
  await fails(at('src', 'full'), /is not empty and holds no crops/);
  await fails(at('nowhere', 'out'), /no folder .*nowhere/);
  await write(root, { 'night/1/a.png': await dark() });
  await fails(at('night', 'out'), /No picture .* shows a face/);
  await fails(cropDataset(detector, join(root, 'src'), join(root, 'o'), { ...options, size: 8 }), /side of 8 pixels/);
  for (const [wrong, message] of [
    [{ minsize: 40 }, /^cropDataset has no option 'minsize'; its options are template, size, faces, minScore, minSize/],
    [{ faces: 'every' }, /^The option 'faces' of cropDataset cannot be every; give 'largest' or 'all'\.$/],
  ] as const) {
    await fails(
      cropDataset(detector, join(root, 'src'), join(root, 'o'), { ...options, ...(wrong as object) }),
      message,
    );
  }
});

test('no two crops have one name', () => {
  const pictures = ['a.jpg', 'A.png', 'a.jpg.png', 'b~2.jpg', 'b.jpg', 'c.jpg'];
  const stems = planCrops(pictures, new Map([['c.jpg', 'kept']])).map(({ stem }) => stem);
  assert.deepEqual(stems, ['a', 'A.png', 'a.jpg', 'b~2.jpg', 'b', 'kept']);
});
