import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { folderWalk, pictureInputs } from '../picture-inputs.js';
import { videoInputs } from './inputs.js';

let folder = '';
const mp4 = Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0', 'latin1');
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poster-inputs-'));
  for (const name of ['videos/in', 'mixed', 'code']) await mkdir(join(folder, name), { recursive: true });
  for (const name of ['videos/b.mp4', 'videos/a.mov', 'videos/in/c.mp4', 'mixed/v.mp4']) {
    await writeFile(join(folder, name), mp4);
  }
  await writeFile(join(folder, 'mixed/photo.png'), '\x89PNG\r\n', 'latin1');
  await writeFile(join(folder, 'code/index.ts'), 'export const one = 1;\n');
  await symlink('..', join(folder, 'mixed/up'));
});
after(() => rm(folder, { recursive: true, force: true }));

const found = async (names: readonly string[], recursive = false): Promise<string[] | undefined> =>
  (await videoInputs(names, undefined, folderWalk(recursive)))?.map(({ name }) => name.slice(folder.length + 1));
const here = (...names: string[]): string[] => names.map((name) => join(folder, name));

test('folders and globs without pictures stand for their videos, in order', async () => {
  assert.deepEqual(await found(here('videos')), ['videos/a.mov', 'videos/b.mp4']);
  assert.deepEqual(await found(here('videos'), true), ['videos/a.mov', 'videos/b.mp4', 'videos/in/c.mp4']);
  const inputs = await videoInputs(here('videos/*.mp4', 'mixed/v.mp4'), undefined, folderWalk(false));
  assert.deepEqual(
    inputs?.map(({ name }) => basename(name)),
    ['b.mp4', 'v.mp4'],
  );
});

test('with pictures beside them they are passed over; TypeScript is no transport stream', async () => {
  assert.equal(await found(here('mixed')), undefined);
  assert.equal(await found(here('code')), undefined);
  await assert.rejects(found(here('videos', 'mixed')), /some are not; recognise them by two commands/);
});

test('with animation, pictures that move are videos, and a folder stands for them', async (context) => {
  context.after(() => rm(join(folder, 'moving'), { recursive: true }));
  const { default: sharp } = await import('sharp');
  await mkdir(join(folder, 'moving'));
  const pixels = Buffer.from(Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => (i < 192 ? 0 : 255)));
  const two = sharp(pixels, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } });
  const gif = await two.gif({ delay: [100, 100] }).toBuffer();
  await writeFile(join(folder, 'moving/b.gif'), gif);
  await writeFile(join(folder, 'moving/a.jpg'), gif);
  await sharp(pixels, { raw: { width: 8, height: 16, channels: 3 } })
    .gif()
    .toFile(join(folder, 'moving/still.gif'));
  const moving = async (...names: string[]): Promise<string[] | undefined> =>
    (await videoInputs(here(...names), undefined, folderWalk(false), true))?.map(({ name }) => basename(name));
  assert.deepEqual(await moving('moving'), ['a.jpg', 'b.gif']);
  assert.deepEqual(await moving('moving/b.gif'), ['b.gif']);
  assert.equal(await moving('moving/still.gif'), undefined);
  assert.equal(await found(here('moving', 'moving/b.gif')), undefined);
  await assert.rejects(moving('moving/b.gif', 'moving/still.gif'), /recognise them by two commands/);
});

test('a link back to a folder above is passed over', async () => {
  const { inputs } = await pictureInputs(here('mixed'), folderWalk(true));
  assert.deepEqual(
    inputs.map(({ relativePath }) => relativePath),
    ['photo.png'],
  );
});

test('a folder is searched once: for videos, then for pictures', async () => {
  const walk = folderWalk(false);
  assert.equal(await videoInputs(here('mixed'), undefined, walk), undefined);
  await writeFile(join(folder, 'mixed/later.png'), '\x89PNG\r\n', 'latin1');
  const { inputs } = await pictureInputs(here('mixed'), walk);
  await rm(join(folder, 'mixed/later.png'));
  assert.deepEqual(
    inputs.map(({ relativePath }) => relativePath),
    ['photo.png'],
  );
});

test('addresses of videos are told to be streams', async () => {
  await assert.rejects(found(['http://host/v.mp4']), /--stream http:\/\/host\/v\.mp4$/);
  await assert.rejects(found(['rtsp://me:secret@host/1']), /--stream rtsp:\/\/me:\.\.\.@host\/1$/);
  await assert.rejects(found(['rtsp://me:se@cret@host/1']), /--stream rtsp:\/\/me:\.\.\.@host\/1$/);
  assert.equal(await found(['http://host/photo.jpg?of=v.mp4']), undefined);
});
