import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { readSafetensors } from '../src/node/checkpoints/index.js';
import { apart, fails, succeeds, writeClasses } from './support/cli.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut-face.png', import.meta.url));
const photo = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-explain-'));
  await writeClasses(join(dir, 'faces', 'test'), ['happy', 'sad'], 6);
  await mkdir(join(dir, 'other'));
  await copyFile(portrait, join(dir, 'other', '0.PNG'));
});
after(() => rm(dir, { recursive: true, force: true }));

const total = (rows: readonly (readonly number[])[]): number => rows.flat().reduce((a, b) => a + b, 0);

describe('poster explain', { concurrency: 2 }, () => {
  it('draws a panel for each picture and gives the numbers', async () => {
    await writeFile(join(dir, 'broken.png'), 'no picture');
    const images = ['other/0.PNG', 'broken.png', 'faces/test/sad/0.png'];
    const args = ['explain', ...images, '--aligned', '--out', 'maps/new', '--save-maps', '--class', 'anger', '--json'];
    const { code, stdout, stderr } = await apart(args, dir);
    assert.equal(code, 3);
    assert.match(stderr, /^poster: Picture broken\.png is not a picture[^\n]*\n$/);
    const document = JSON.parse(stdout) as {
      images: {
        image: string;
        panel: string;
        expression: string;
        target: string;
        scales: { side: number; attention: number[][]; share: number }[];
        classToken: { attention: { itself: number; all: number[][]; scales: number[][][] } };
      }[];
      failed: { image: string }[];
    };
    // Two pictures of one name, but for case and folder.
    assert.deepEqual((await readdir(join(dir, 'maps', 'new'))).toSorted(), [
      '0-2.explain.png',
      '0-2.explain.safetensors',
      '0.explain.png',
      '0.explain.safetensors',
    ]);
    assert.deepEqual(
      document.images.map(({ image }) => image),
      [images[0], images[2]],
    );
    assert.equal(document.failed[0]?.image, 'broken.png');
    const [face] = document.images;
    assert.ok(face);
    assert.deepEqual([face.expression, face.target], ['happiness', 'anger']);
    assert.deepEqual(
      face.scales.map(({ side }) => side),
      [12, 6, 3],
    );
    for (const { attention } of face.scales) assert.ok(Math.abs(total(attention) - 1) < 1e-3);
    const { itself, all, scales } = face.classToken.attention;
    assert.ok(Math.abs(itself + total(all) - 1) < 1e-3);
    assert.equal(scales.length, 3);
    const { width, height, format } = await sharp(join(dir, face.panel)).metadata();
    assert.equal(format, 'png');
    assert.ok(width > 900 && height > 900);
    const { tensors, metadata } = await readSafetensors(join(dir, 'maps', 'new', '0.explain.safetensors'));
    assert.deepEqual(tensors.get('scale/1/heads')?.shape, [2, 12, 12]);
    assert.deepEqual(tensors.get('class_token/heads')?.shape, [8, 28]);
    assert.equal(metadata.get('target'), 'anger');
  });

  it('finds the faces of photos, and explains the very crops that predict looks at', async () => {
    await copyFile(photo, join(dir, 'photo.png'));
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#345' } })
      .png()
      .toFile(join(dir, 'sky.png'));
    const { stdout, stderr } = await succeeds(['explain', 'photo.png', 'sky.png', '--out', 'seen', '--json'], dir);
    assert.match(stderr, /sky\.png: no face found\./);
    const { images } = JSON.parse(stdout) as { images: Record<string, unknown>[] };
    assert.equal(images.length, 1);
    assert.deepEqual([images[0]?.['face'], images[0]?.['panel']], [1, join('seen', 'photo.face-1.explain.png')]);
    await succeeds(['predict', 'photo.png', '--save-crops', 'crops'], dir);
    const crop = join('crops', 'photo.face-1.png');
    const aligned = await succeeds(['explain', crop, '--aligned', '--out', 'seen', '--json'], dir);
    const [expected] = (JSON.parse(aligned.stdout) as { images: Record<string, unknown>[] }).images;
    for (const key of ['scores', 'scales', 'classToken']) assert.deepEqual(images[0]?.[key], expected?.[key]);
  });

  it('takes folders, and folders within them where it is asked to', async () => {
    await mkdir(join(dir, 'all', 'more'), { recursive: true });
    await copyFile(portrait, join(dir, 'all', 'face.png'));
    await copyFile(portrait, join(dir, 'all', 'more', 'face.png'));
    const args = ['explain', 'all', 'faces/none', '--aligned', '--out', 'folders', '--json'];
    const { code, stdout, stderr } = await apart(args, dir);
    assert.equal(code, 3);
    assert.match(stderr, /^Note: 1 folder within all is skipped; --recursive searches it too\.\n.*faces\/none/);
    const names = (text: string): string[] =>
      (JSON.parse(text) as { images: { panel: string }[] }).images.map(({ panel }) => panel);
    assert.deepEqual(names(stdout), [join('folders', 'face.explain.png')]);
    const both = await succeeds([...args.filter((word) => word !== 'faces/none'), '-r'], dir);
    const panels = [join('folders', 'face.explain.png'), join('folders', 'more', 'face.explain.png')];
    assert.deepEqual(names(both.stdout), panels);
    const [one, two] = await Promise.all(panels.map((name) => readFile(join(dir, name))));
    assert.ok(one !== undefined && two !== undefined && one.equals(two));
  });

  it('explains what is wrong', async () => {
    await fails(['explain', '-', '--aligned'], dir, 3, /^poster: Standard input is /m, apart);
    await fails(['explain', portrait, '--aligned', '--class', 'bored'], dir, 3, /does not know the class 'bored'/);
    await fails(['explain', portrait, '--aligned', '--out', portrait], dir, 3, /Cannot write .*astronaut-face\.png/);
  });
});

describe('poster embed', { concurrency: 2 }, () => {
  it('writes features, and a map of them', async () => {
    const args = ['embed', 'faces', '--out', 'f.safetensors', '--most', '8', '--workers', '0'];
    const { stdout, stderr } = await succeeds([...args, '--json'], dir);
    assert.match(stderr, /a stratified sample of 8 of the 12 pictures/);
    const { files, split } = JSON.parse(stdout) as { files: string[]; split: string };
    assert.deepEqual([split, ...files], ['test', 'f.safetensors', 'f.csv', 'f.svg', 'f.png']);
    const { tensors, metadata } = await readSafetensors(join(dir, 'f.safetensors'));
    assert.deepEqual(tensors.get('features')?.shape, [12, 256]);
    assert.deepEqual(tensors.get('map')?.shape, [8, 2]);
    assert.equal(metadata.get('labels'), '["happy","sad"]');
    const lines = (await readFile(join(dir, 'f.csv'), 'utf8')).trim().split('\n');
    assert.equal(lines[0], 'row,picture,class,predicted,x,y');
    assert.match(lines[12] ?? '', /^11,test\/sad\/5\.png,sad,\w+,/);
    assert.equal(lines.filter((line) => /,-?\d[\d.e-]*,-?\d[\d.e-]*$/.test(line)).length, 8);
    assert.equal((await sharp(join(dir, 'f.png')).metadata()).format, 'png');
    // The same command gives the same map.
    await succeeds(args.with(3, 'g.safetensors'), dir);
    const again = await readSafetensors(join(dir, 'g.safetensors'));
    assert.deepEqual(again.tensors.get('map')?.data, tensors.get('map')?.data);
  });

  it('explains what is wrong, and does without a map', async () => {
    await fails(['embed', 'faces', '--out', 'features'], dir, 2, /give a name that ends in \.safetensors/);
    await fails(['embed', 'nowhere', '--out', 'x.safetensors'], dir, 3, /no dataset folder .*nowhere/);
    const without = ['embed', 'faces', '--out', 'x.safetensors', '--no-map', '--workers', '0'];
    for (const [flag = '', value = ''] of [
      ['--most', '8'],
      ['--neighbours', '3'],
      ['--min-distance', '0.2'],
      ['--seed', '1'],
    ]) {
      await fails([...without, flag, value], dir, 2, new RegExp(`${flag} is for the map, which --no-map leaves out`));
    }
    const { stdout } = await succeeds([...without, '--json'], dir);
    assert.match(stdout, /"mapped": 0,\s+"seed": null,/);
    assert.deepEqual((await readdir(dir)).filter((name) => name.startsWith('x.')).toSorted(), [
      'x.csv',
      'x.safetensors',
    ]);
  });
});
