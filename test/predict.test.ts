import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { apart, fails, main, poster, start, succeeds } from './support/cli.js';

const portrait = fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url));
let dir = '';

interface PictureResult {
  image: string;
  width: number;
  height: number;
  frames: number;
  faces: {
    box: { x: number; y: number; width: number };
    expression: string;
    lowContrast: boolean;
    scores: unknown[];
  }[];
  failed?: string;
  drawn?: string;
}
const linesOf = (stdout: string): PictureResult[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PictureResult);

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-predict-'));
  await copyFile(portrait, join(dir, 'photo.png'));
  await mkdir(join(dir, 'odd', 'within'), { recursive: true });
  const odd = (name: string): string => join(dir, 'odd', name);
  // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
  const small = await sharp(portrait).resize(256).toBuffer();
  await writeFile(join(dir, 'small.png'), small);
  await sharp(small).toColourspace('cmyk').jpeg().toFile(odd('cmyk.jpg'));
  await sharp(small).toColourspace('rgb16').png().toFile(odd('deep.png'));
  await sharp(await sharp(small).rotate(-90).toBuffer())
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toFile(odd('turned.jpg'));
  await sharp([small, await sharp(small).negate().toBuffer()], { join: { animated: true } })
    .gif()
    .toFile(odd('moving.gif'));
  // A cut-out whose transparent pixels hide noise.
  const { data } = await sharp(small).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < 256 * 256; i++) {
    const [x, y] = [i % 256, Math.floor(i / 256)];
    if (x < 70 || x > 155 || y < 10 || y > 110) data.set([(i * 7919) % 256, (i * 104729) % 256, 0, 0], 4 * i);
  }
  const cut = sharp(data, { raw: { width: 256, height: 256, channels: 4 } }).png();
  await cut.toFile(odd('cut-out.png'));
  await copyFile(odd('cut-out.png'), odd('really-a-png.jpg'));
  await sharp({ create: { width: 1, height: 1, channels: 3, background: '#123' } })
    .png()
    .toFile(odd('dot.png'));
  await writeFile(odd('notes.txt'), 'not a picture');
  await writeFile(join(dir, 'odd', 'within', 'deeper.png'), small);
});
after(() => rm(dir, { recursive: true, force: true }));

/** The header of a PNG that claims a size; its one chunk of pixels is empty. */
function claim(width: number, height: number): Buffer {
  const bytes = Buffer.from(
    '89504e470d0a1a0a0000000d49484452000000000000000008020000000000000000000000494441540000000000000000',
    'hex',
  );
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

describe('poster predict on photos', { concurrency: 2 }, () => {
  it('says what each face shows, in a line', async () => {
    const { stdout, stderr } = await succeeds(['predict', 'photo.png'], dir, apart);
    assert.match(
      stdout,
      /^photo\.png {2}512 x 512, 1 face\n {2}1 {2}happiness {2}>99\.9% {2}█{16} {2}neutral <0\.1%, surprise <0\.1%\n$/,
    );
    assert.equal(stderr, '');
  });

  it('draws what it saw and saves the crops', async () => {
    const args = ['predict', 'photo.png', 'odd/dot.png', '--draw', 'drawn', '--save-crops', 'crops', '--jsonl'];
    const { stdout, stderr } = await succeeds(args, dir);
    assert.match(stderr, /^No face was found in 1 of 2 pictures\.$/m);
    const [first] = JSON.parse(`[${stdout.trim().replaceAll('\n', ',')}]`) as { drawn: string; crops: string[] }[];
    assert.deepEqual([first?.drawn, first?.crops], [join('drawn', 'photo.png'), [join('crops', 'photo.face-1.png')]]);
    const crop = await sharp(join(dir, 'crops', 'photo.face-1.png')).metadata();
    assert.deepEqual([crop.width, crop.height], [48, 48]);
    const drawn = await sharp(join(dir, 'drawn', 'photo.png')).metadata();
    assert.deepEqual([drawn.width, drawn.height], [900, 900]);
    assert.deepEqual((await readdir(join(dir, 'drawn'))).sort(), ['dot.png', 'photo.png']);
    await fails(
      ['predict', 'photo.png', '--draw', '.'],
      dir,
      2,
      /--draw \. would write over photo\.png, which is to be/,
    );
    // The drawing of the first would have the name of the second.
    await fails(['predict', 'drawn/photo.png', 'photo.png', '--draw', '.'], dir, 2, /would write over photo\.png/);
    await fails(['predict', 'photo.png', '--csv', 'odd/../photo.png'], dir, 2, /--csv .* would write over photo\.png/);
    await fails(['predict', 'photo.png', '--draw', 'seen.gif'], dir, 2, /ends in \.png, \.jpg or \.webp, or a folder/);
    await fails(['predict', 'odd', '--draw', 'one.png'], dir, 2, /--draw names one file for several pictures/);
  });

  it('reads a picture from standard input', async () => {
    const child = spawn(process.execPath, [main, 'predict', '-', '--csv', '-'], {
      cwd: dir,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(await readFile(portrait));
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    const [row, ...others] = parse(text, { columns: true }) as Record<string, string>[];
    assert.equal(others.length, 0);
    assert.deepEqual([row?.['image'], row?.['face'], row?.['expression']], ['standard input', '1', 'happiness']);
    assert.equal(row?.['probability'], row?.['p_happiness']);
  });
});

describe('faces of low contrast', () => {
  it('are read as well as others, and told, unless their contrast is to be kept', async () => {
    const { data, info } = await sharp(portrait).resize(300).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const folder = join(dir, 'dim');
    await mkdir(folder);
    const changes: readonly [name: string, change: (value: number) => number][] = [
      ['dark', (value) => 0.06 * value],
      ['good', (value) => value],
      ['pale', (value) => 200 + 0.2 * value],
    ];
    for (const [name, change] of changes) {
      await sharp(Uint8Array.from(data, change), { raw: { width, height, channels } })
        .png()
        .toFile(join(folder, `${name}.png`));
    }
    const twelve = Uint16Array.from(data, (value) => Math.round((value / 255) * 4095));
    await sharp(twelve, { raw: { width, height, channels } })
      .toColourspace('rgb16')
      .png()
      .toFile(join(folder, 'twelve-bits.png'));
    const expressionsOf = (stdout: string): unknown[] =>
      linesOf(stdout).map(({ faces: [face] }) => [face?.expression, face?.lowContrast]);
    const { stdout } = await succeeds(['predict', 'dim', '--jsonl', '--csv', 'dim.csv'], dir);
    const expected = [
      ['happiness', true],
      ['happiness', false],
      ['happiness', true],
      ['happiness', false],
    ];
    assert.deepEqual(expressionsOf(stdout), expected);
    const rows = parse(await readFile(join(dir, 'dim.csv'), 'utf8'), { columns: true }) as Record<string, string>[];
    assert.deepEqual(
      rows.map((row) => [row['expression'], row['low_contrast']]),
      expected.map(([expression, low]) => [expression, String(low)]),
    );
    const kept = await succeeds(['predict', 'dim/dark.png', '--jsonl', '--low-contrast', 'keep'], dir);
    assert.deepEqual(expressionsOf(kept.stdout), [['neutral', true]]);
    const text = await succeeds(['predict', 'dim/dark.png', 'dim/good.png'], dir);
    assert.match(text.stdout, /dark\.png.*\n.*happiness.*; low contrast\n/);
    assert.equal(text.stdout.match(/low contrast/g)?.length, 1);
  });
});

describe('odd pictures', { concurrency: 2 }, () => {
  it('a folder: every kind of picture, others passed over', async () => {
    const { stdout } = await succeeds(['predict', 'odd', '--jsonl', '--csv', 'faces.csv'], dir);
    const lines = linesOf(stdout);
    const names = ['cmyk.jpg', 'cut-out.png', 'deep.png', 'dot.png', 'moving.gif', 'really-a-png.jpg', 'turned.jpg'];
    assert.deepEqual(
      lines.map(({ image }) => image),
      names.map((name) => join('odd', name)),
    );
    for (const { image, width, height, frames, faces } of lines) {
      if (image.endsWith('dot.png')) {
        assert.deepEqual([width, height, faces], [1, 1, []]);
        continue;
      }
      assert.deepEqual([width, height, faces.length, faces[0]?.expression], [256, 256, 1, 'happiness'], image);
      assert.equal(frames, image.endsWith('.gif') ? 2 : 1);
      // The same face in the same place, however it was stored.
      assert.ok(Math.abs((faces[0]?.box.x ?? 0) - 85) < 3 && Math.abs((faces[0]?.box.y ?? 0) - 34) < 3, image);
    }
    const rows = parse(await readFile(join(dir, 'faces.csv')), { columns: true }) as Record<string, string>[];
    assert.equal(rows.length, names.length);
    assert.deepEqual([rows[3]?.['face'], rows[3]?.['expression']], ['', '']);
  });

  it('folders within folders and globs', async () => {
    const more = linesOf((await succeeds(['predict', 'odd', '-r', '--jsonl', '--top', '1'], dir)).stdout);
    assert.equal(more.length, 8);
    assert.equal(more.at(-1)?.image, join('odd', 'within', 'deeper.png'));
    assert.equal(more.at(-1)?.faces[0]?.scores.length, 1);
    const globbed = linesOf((await succeeds(['predict', 'odd/**/de*.png', '--jsonl'], dir)).stdout);
    assert.deepEqual(
      globbed.map(({ image }) => image),
      ['odd/deep.png', 'odd/within/deeper.png'],
    );
  });

  it('globs keep names as they are written and folders as they are, and pass over links in circles', async () => {
    await mkdir(join(dir, 'tree', 'a'), { recursive: true });
    for (const name of ['tree/a/one.png', 'tree/two.png']) await copyFile(join(dir, 'odd/dot.png'), join(dir, name));
    await symlink('..', join(dir, 'tree', 'a', 'up'));
    for (const start of ['tree', './tree', join(dir, 'tree')]) {
      const args = ['predict', `${start}/**/*.png`, '--draw', 'drawn-tree', '--jsonl'];
      const lines = linesOf((await succeeds(args, dir)).stdout);
      assert.deepEqual(
        lines.map(({ image, drawn }) => [image, drawn]),
        [
          [`${start}/a/one.png`, join('drawn-tree', 'a', 'one.png')],
          [`${start}/two.png`, join('drawn-tree', 'two.png')],
        ],
      );
    }
  });

  it('a folder or pattern without pictures does not stop the others', async () => {
    await mkdir(join(dir, 'nothing'));
    const { code, stdout, stderr } = await poster(['predict', 'nothing', 'photo.png', '*.nope', '--json'], dir);
    assert.equal(code, 3);
    const document = JSON.parse(stdout) as { images: PictureResult[]; failed: { image: string }[] };
    assert.deepEqual(
      [document.images.map(({ image }) => image), document.failed.map(({ image }) => image)],
      [['photo.png'], ['nothing', '*.nope']],
    );
    assert.match(stderr, /^poster: Folder nothing has no pictures; .*\nposter: No file matches \*\.nope; /m);
    await fails(['predict', 'nothing'], dir, 3, /^poster: Folder nothing has no pictures/);
  });

  it('more names than ONNX Runtime bears on a command line', async () => {
    // Its telemetry would overflow the stack on them.
    const long = `${'./'.repeat(1900)}odd/dot.png`;
    const args = ['predict', ...Array.from({ length: 12 }, () => long), '--jsonl'];
    const { stdout, stderr } = await succeeds(args, dir);
    assert.deepEqual(
      linesOf(stdout).map(({ image }) => image === long),
      Array.from({ length: 12 }, () => true),
    );
    assert.equal(stderr, 'No face was found in 12 of 12 pictures.\n');
    await fails(['predict', ...Array.from({ length: 12 }, () => long), '--draw', 'one.png'], dir, 2, /name a folder/);
  });

  it('an animation: that only its first frame was looked at', async () => {
    const { stdout } = await succeeds(['predict', 'odd/moving.gif'], dir);
    assert.match(stdout, /^odd\/moving\.gif {2}256 x 256, first of 2 frames, 1 face\n/);
  });

  it('no face: in words, and no failure', async () => {
    const { stdout, stderr } = await succeeds(['predict', 'odd/dot.png'], dir);
    assert.equal(stdout, 'odd/dot.png  1 x 1, no face found\n');
    assert.equal(stderr, '');
    const json = await succeeds(['predict', 'odd/dot.png', '--json'], dir);
    assert.deepEqual((JSON.parse(json.stdout) as { images: PictureResult[] }).images[0]?.faces, []);
    assert.equal(json.stderr, 'No face was found.\n');
  });

  it('a picture too large is refused by its header', async () => {
    await writeFile(join(dir, 'huge.png'), claim(20_000, 20_000));
    await fails(['predict', 'huge.png'], dir, 3, /huge\.png is 20000 x 20000 pixels, more than the 64 megapixels/);
  });

  it('what is named must be a picture', async () => {
    await fails(['predict', 'odd/notes.txt'], dir, 3, /notes\.txt is not a picture in a format that can be read/);
    await writeFile(
      join(dir, 'phone.heic'),
      Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(99)]),
    );
    await fails(['predict', 'phone.heic'], dir, 3, /phone\.heic is a HEIC picture.*save it as JPEG/);
  });

  it('broken pictures amid good ones are listed, and the exit code says so', async () => {
    await mkdir(join(dir, 'mixed'));
    await copyFile(join(dir, 'small.png'), join(dir, 'mixed', '2.png'));
    await writeFile(join(dir, 'mixed', '1.png'), (await readFile(portrait)).subarray(0, 5000));
    await writeFile(join(dir, 'mixed', '3.jpg'), '');
    const { code, stdout, stderr } = await poster(['predict', 'mixed', '--json'], dir);
    assert.equal(code, 3);
    const document = JSON.parse(stdout) as { images: PictureResult[]; failed: { image: string; reason: string }[] };
    assert.deepEqual(
      [document.images.map(({ image }) => image), document.failed.map(({ image }) => image)],
      [[join('mixed', '2.png')], [join('mixed', '1.png'), join('mixed', '3.jpg')]],
    );
    assert.match(stderr, /1\.png is truncated or damaged/);
    assert.match(stderr, /^2 of 3 pictures could not be read: see above\.$/m);
    const lines = linesOf((await poster(['predict', 'mixed', '--jsonl'], dir)).stdout);
    assert.deepEqual(
      lines.map(({ failed }) => failed !== undefined),
      [true, false, true],
    );
  });

  it('no file of a video is written over it, or found impossible only at its end', async () => {
    const clip = join(dir, 'clip.mp4');
    const bytes = '\0\0\0\x18ftypisom';
    await writeFile(clip, bytes);
    for (const option of ['--csv', '--draw']) {
      await fails(['predict', clip, option, 'clip.mp4'], dir, 2, /^poster: --.* would write over .*clip\.mp4, which/);
    }
    await fails(['predict', clip, '--draw', 'seen.gif'], dir, 2, /ends in \.mp4, \.mov or \.mkv, or a folder/);
    await fails(['predict', clip, '--timeline', 'nowhere/t.svg'], dir, 3, /the folder nowhere does not exist/);
    assert.equal(await readFile(clip, 'latin1'), bytes);
  });

  it('no output is written over another one', async () => {
    const both = /^poster: --\w+ .* and --\S+ .* would both write .*; name another file or folder\.$/m;
    await fails(['predict', 'photo.png', '--draw', 'out.png', '--csv', './out.png'], dir, 2, both);
    const crop = ['predict', 'photo.png', '--draw', 'c/photo.face-2.png', '--save-crops', 'c'];
    await fails(crop, dir, 2, both);
    await copyFile(portrait, join(dir, 'odd', 'photo.face-3.png'));
    const over = ['predict', 'photo.png', 'odd/photo.face-3.png', '--save-crops', 'odd'];
    await fails(over, dir, 2, /--save-crops odd would write over odd\/photo\.face-3\.png/);
    await rm(join(dir, 'odd', 'photo.face-3.png'));
    assert.equal((await readdir(dir)).includes('c'), false);
  });

  it('a drawing that cannot be written is told, and loses no result', async () => {
    await mkdir(join(dir, 'taken', 'photo.png'), { recursive: true });
    const args = ['predict', 'photo.png', 'odd/dot.png', '--draw', 'taken', '--json'];
    const { code, stdout, stderr } = await poster(args, dir);
    assert.equal(code, 3);
    const { images } = JSON.parse(stdout) as { images: PictureResult[] };
    assert.deepEqual(
      images.map(({ image, faces, drawn }) => [image, faces.length, drawn]),
      [
        ['photo.png', 1, undefined],
        ['odd/dot.png', 0, join('taken', 'dot.png')],
      ],
    );
    assert.match(stderr, /^poster: Cannot write taken\/photo\.png: it is a folder/m);
    assert.match(stderr, /^Files of 1 of 2 pictures could not be written: see above\.$/m);
    await fails(['predict', 'photo.png', '--draw', 'photo.png/seen.png'], dir, 3, /^poster: Cannot write photo\.png: /);
  });

  it('names and values that are empty, as from a variable that is not set', async () => {
    await fails(['predict', 'photo.png', '--csv', ''], dir, 2, /^poster: The value of --csv is empty/);
    await fails(['predict', ''], dir, 2, /^poster: An argument is empty/);
  });

  it('small faces in large photos, where asked for', async () => {
    await sharp({ create: { width: 2400, height: 1350, channels: 3, background: '#888' } })
      .composite([{ input: await sharp(portrait).resize(130).toBuffer(), left: 900, top: 500 }])
      .jpeg()
      .toFile(join(dir, 'large.jpg'));
    const [small] = linesOf((await succeeds(['predict', 'large.jpg', '--jsonl'], dir)).stdout);
    const scales = ['--scales', '96,192,640,1280'];
    const [large] = linesOf((await succeeds(['predict', 'large.jpg', '--jsonl', ...scales], dir)).stdout);
    assert.deepEqual([small?.faces.length, large?.faces.length, large?.faces[0]?.expression], [0, 1, 'happiness']);
    await fails(
      ['predict', 'large.jpg', '--scales', '5,a'],
      dir,
      2,
      /'5,a' is invalid\. It must be numbers with commas/,
    );
    await fails(
      ['predict', 'large.jpg', '--scales', '5,0'],
      dir,
      2,
      /^poster: Faces cannot be detected with scales 5, 0/,
    );
  });

  it('names with control characters are shown without', async () => {
    await copyFile(join(dir, 'small.png'), join(dir, '\u001b[31mred.png'));
    const { stdout } = await succeeds(['predict', '\u001b[31mred.png', '--draw', 'd', '--save-crops', 'd2'], dir);
    assert.match(stdout, /drawn: .*red\.png\n.*crop: .*red\.face-1\.png/);
    assert.equal(stdout.includes('\u001b'), false);
  });

  it('a password in an address is sent, and not shown', async () => {
    const server = createServer((request, response) => {
      const allowed = request.headers.authorization === `Basic ${Buffer.from('me:se cret').toString('base64')}`;
      response.writeHead(allowed ? 200 : 401).end(allowed ? readFileSync(portrait) : '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}/photo.png`;
    try {
      const result = await poster(['predict', `http://me:se%20cret@${address}`, `http://me:wrong@${address}`], dir);
      assert.equal(result.code, 3);
      assert.match(result.stdout, /^http:\/\/me:\.\.\.@127\.0\.0\.1:\d+\/photo\.png {2}512 x 512, 1 face/);
      assert.match(result.stderr, /me:\.\.\.@.* cannot be fetched: the server answered 401/);
      assert.doesNotMatch(result.stdout + result.stderr, /cret|wrong/);
    } finally {
      server.close();
    }
  });

  it('a table that cannot be written is an error', async () => {
    const { code, stderr } = await poster(['predict', 'photo.png', '--csv', 'nowhere/faces.csv'], dir);
    assert.equal(code, 3);
    assert.match(stderr, /^poster: Cannot write nowhere\/faces\.csv: the folder nowhere does not exist/m);
  });
});

it('Ctrl-C: what is done stays, as a whole document and a whole table', {
  skip: process.platform === 'win32',
}, async () => {
  const many = Array.from({ length: 400 }, () => 'small.png');
  const { child, finished } = start(['predict', ...many, '--json', '--csv', 'stopped.csv', '--top', '1'], dir);
  let asked = false;
  child.stdout?.on('data', () => {
    if (!asked) child.kill('SIGINT');
    asked = true;
  });
  const { code, stdout, stderr } = await finished;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /^Stopped after \d+ of 400 pictures; their results are complete\.$/m);
  const { images, interrupted } = JSON.parse(stdout) as { images: PictureResult[]; interrupted: boolean };
  assert.equal(interrupted, true);
  assert.ok(images.length >= 1 && images.length < 400);
  const rows = parse(await readFile(join(dir, 'stopped.csv')), { columns: true }) as unknown[];
  assert.equal(rows.length, images.length);
  assert.equal((await stat(join(dir, 'stopped.csv'))).isFile(), true);
});
