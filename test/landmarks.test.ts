import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Box, Point } from '../src/detect/index.js';
import { buildLandmarkDetector } from '../src/models/index.js';
import { writeSafetensors } from '../src/node/checkpoints/index.js';
import { landmarkCrop, landmarksOfCrop, loadLandmarkDetector } from '../src/recognize/index.js';
import { fromFloat32 } from '../src/safetensors/index.js';
import { apart, fails, poster, succeeds } from './support/cli.js';
import { fill } from './support/fill.js';
import { fixture, readFixture } from './support/fixtures.js';

interface Golden {
  readonly picture: string;
  readonly size: readonly [number, number];
  readonly detector: readonly (readonly [number, number])[];
  readonly poster: readonly (readonly [number, number])[];
}

const golden = readFixture<Golden>('landmarks.json');
const picture = fileURLToPath(fixture(`files/${golden.picture}`));
let dir = '';

/** The detector's tensors by the rule of the golden files, called as `rename` says. */
function write(
  name: string,
  rename: (name: string) => string | undefined,
  values: (name: string, shape: readonly number[]) => Float32Array = fill,
): Promise<void> {
  const tensors = [...buildLandmarkDetector().parameters.values()].flatMap((spec) => {
    const called = rename(spec.name);
    const array = { shape: spec.shape, data: values(spec.name, spec.shape) };
    return called === undefined ? [] : [[called, fromFloat32(array)] as const];
  });
  return writeSafetensors(join(dir, name), new Map(tensors));
}

/** As `fill`, its running statistics as they are before any training. */
function startOf(name: string, shape: readonly number[]): Float32Array {
  const values = fill(name, shape);
  return /running_(mean|var)$/.test(name) ? values.fill(name.endsWith('var') ? 1 : 0) : values;
}

/** A detector that finds the same in every crop: its last BatchNorm keeps nothing of what it is given. */
function constant(name: string, shape: readonly number[]): Float32Array {
  if (name.endsWith('output_layer.bn.weight')) return new Float32Array(136);
  if (name.endsWith('output_layer.bn.bias')) return Float32Array.from(constantShares.flat());
  return fill(name, shape);
}
const constantShares = Array.from({ length: 68 }, (_, i) => [(i + 1) / 70, 1 - (i + 1) / 80] as const);

/** Within what float32 and eight bits of a resized pixel allow. */
function near(points: readonly Point[], shares: Golden['detector'], tolerance: number): void {
  assert.equal(points.length, 68);
  points.forEach(({ x, y }, i) => {
    const [wantedX = Number.NaN, wantedY = Number.NaN] = shares[i] ?? [];
    assert.ok(Math.abs(x / golden.size[0] - wantedX) < tolerance, `x of ${i}: ${x / golden.size[0]}, not ${wantedX}`);
    assert.ok(Math.abs(y / golden.size[1] - wantedY) < tolerance, `y of ${i}: ${y / golden.size[1]}, not ${wantedY}`);
  });
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-landmarks-'));
  await write('own.safetensors', (name) => name.replace('face_landback.', 'module.'));
  await write('whole.safetensors', (name) => name);
  await write('constant.safetensors', (name) => name.replace('face_landback.', 'module.'), constant);
  await write('untrained.safetensors', (name) => name, startOf);
  await write('headless.safetensors', (name) => (name.includes('output_layer') ? undefined : name));
});
after(() => rm(dir, { recursive: true, force: true }));

describe('the landmark detector agrees with PyTorch', () => {
  for (const [file, input] of [
    ['own.safetensors', 'detector'],
    ['whole.safetensors', 'poster'],
  ] as const) {
    it(`from ${file}`, async () => {
      const detector = await loadLandmarkDetector(join(dir, file), { threads: 1 });
      try {
        assert.equal(detector.input, input);
        const { faces } = await landmarksOfCrop(detector, picture);
        near(faces[0]?.points ?? [], golden[input], 1e-4);
      } finally {
        await detector.dispose();
      }
    });
  }
});

interface Output {
  readonly images: readonly {
    readonly image: string;
    readonly width: number;
    readonly height: number;
    readonly faces: readonly { readonly box: Box; readonly detectionScore: number | null; readonly points: Point[] }[];
    readonly drawn?: string;
  }[];
  readonly failed: readonly { readonly image: string }[];
}
const parse = (stdout: string): Output => JSON.parse(stdout) as Output;

/** Pixels of two pictures of one size that are not the same, by the share of the width that they lie at. */
async function changes(before: string, after: string, from = 0, to = 1): Promise<number> {
  const read = (path: string) => sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [first, second] = await Promise.all([read(before), read(after)]);
  assert.deepEqual([second.info.width, second.info.height], [first.info.width, first.info.height]);
  const { width } = first.info;
  return second.data.reduce((count, value, i) => {
    const share = (Math.floor(i / 3) % width) / width;
    return count + (value !== first.data[i] && share >= from && share < to ? 1 : 0);
  }, 0);
}

describe('poster landmarks on photos', () => {
  let photo = '';
  const run = (...args: string[]) => ['landmarks', ...args, '--checkpoint', 'constant.safetensors'];
  before(async () => {
    photo = join(dir, 'photo.png');
    // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
    await sharp(fileURLToPath(new URL('../../assets/astronaut.png', import.meta.url)))
      .resize(300)
      .toFile(photo);
    const { width } = await sharp(photo).metadata();
    await sharp(photo)
      .extend({ right: width, background: '#888' })
      .composite([{ input: photo, left: width, top: 0 }])
      .png()
      .toFile(join(dir, 'two.png'));
    await sharp(photo).rotate(270).withMetadata({ orientation: 6 }).png().toFile(join(dir, 'lying.png'));
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#345' } })
      .png()
      .toFile(join(dir, 'sky.png'));
  });

  /** The shares of the crop, seen in a photo whose face is upright but for a few degrees. */
  function inSquare({ box, points }: Output['images'][number]['faces'][number]): void {
    assert.equal(points.length, 68);
    const [first, last] = [points[0], points[67]];
    assert.ok(first && last);
    const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    // The constant points lie on one line, in even steps: so they do in the photo.
    for (const [i, point] of points.entries()) {
      const share = i / 67;
      assert.ok(Math.abs(point.x - (first.x + share * (last.x - first.x))) < 1e-2);
      assert.ok(Math.abs(point.y - (first.y + share * (last.y - first.y))) < 1e-2);
    }
    const side = landmarkCrop.size * ((box.width + box.height) / 2);
    const length = Math.hypot(last.x - first.x, last.y - first.y) / side;
    assert.ok(Math.abs(length - Math.hypot(67 / 70, 67 / 80)) < 1e-4, `${length} sides`);
    assert.ok(Math.hypot((first.x + last.x) / 2 - centre.x, (first.y + last.y) / 2 - centre.y) < 0.2 * side);
  }

  it('finds each face, and gives its points in pixels of the photo', async () => {
    const { stdout } = await succeeds(run('photo.png', 'two.png', '--json', '--draw', 'photos'), dir, apart);
    const { images } = parse(stdout);
    const [one, two] = images;
    assert.deepEqual([one?.faces.length, two?.faces.length], [1, 2]);
    for (const face of images.flatMap(({ faces }) => faces)) inSquare(face);
    const { width } = await sharp(photo).metadata();
    const [left, right] = (two?.faces ?? []).toSorted((a, b) => a.box.x - b.box.x);
    assert.ok(left && right);
    assert.ok(right.points.every(({ x }) => x > width));
    assert.ok(left.points.every(({ x }) => x < width));
    assert.deepEqual(
      images.map(({ drawn }) => drawn),
      [join('photos', 'photo.png'), join('photos', 'two.png')],
    );
    for (const [from, to] of [
      [0, 0.5],
      [0.5, 1],
    ] as const) {
      const count = await changes(join(dir, 'two.png'), join(dir, 'photos', 'two.png'), from, to);
      assert.ok(count > 100, `${count} values changed`);
    }
    const most = parse((await succeeds(run('two.png', '--max-faces', '1', '--json'), dir)).stdout);
    assert.equal(most.images[0]?.faces.length, 1);
  });

  it('finds the faces of the pictures of a folder', async () => {
    await mkdir(join(dir, 'all', 'more'), { recursive: true });
    for (const name of ['photo.png', 'more/photo.png']) await copyFile(photo, join(dir, 'all', name));
    const { stdout, stderr } = await succeeds(run('all', '--json', '--draw', 'of-folder', '-r'), dir);
    assert.equal(stderr, '');
    const { images } = parse(stdout);
    assert.deepEqual(
      images.map(({ image, drawn }) => [image, drawn]),
      ['photo.png', 'more/photo.png'].map((name) => [join('all', name), join('of-folder', name)]),
    );
    assert.deepEqual(images[0]?.faces, images[1]?.faces);
  });

  it('names faces in text', async () => {
    const { stdout } = await succeeds(run('two.png'), dir);
    assert.match(stdout, /^two\.png, face 1\n/);
    assert.match(stdout, /^two\.png, face 2\n/m);
    assert.equal(stdout.match(/^ +\d+ +-?\d+\.\d +-?\d+\.\d$/gm)?.length, 2 * 68);
  });

  it('turns photos upright as EXIF says', async () => {
    const { stdout } = await succeeds(run('photo.png', 'lying.png', '--json', '--draw', 'new/upright'), dir);
    const [stored, lying] = parse(stdout).images;
    assert.deepEqual(lying?.faces, stored?.faces);
    assert.deepEqual([lying?.width, lying?.height], [stored?.width, stored?.height]);
    const [first, second] = ['photo.png', 'lying.png'].map((name) => join(dir, 'new', 'upright', name));
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(await changes(first, second), 0);
  });

  it('says where no face is, which is no failure, and goes on after what cannot be read', async () => {
    const none = await succeeds(run('sky.png'), dir);
    assert.deepEqual([none.stdout, none.stderr], ['sky.png: no face found\n', '']);
    const json = await succeeds(run('sky.png', '--json'), dir);
    assert.equal(json.stderr, 'sky.png: no face found.\n');
    assert.deepEqual(parse(json.stdout).images, [{ image: 'sky.png', width: 64, height: 64, faces: [] }]);
    await writeFile(join(dir, 'broken.png'), 'no picture');
    const { code, stdout, stderr } = await poster(run('broken.png', 'photo.png', '--json'), dir);
    assert.equal(code, 3);
    assert.match(stderr, /^poster: Picture broken\.png is not a picture[^\n]*\n$/);
    const { images, failed } = parse(stdout);
    assert.deepEqual(
      [images.map(({ image }) => image), failed.map(({ image }) => image)],
      [['photo.png'], ['broken.png']],
    );
  });
});

describe('poster landmarks on face crops', () => {
  const command = ['landmarks', picture, '--aligned', '--checkpoint', 'own.safetensors'];

  it('prints points in pixels and draws them', async () => {
    const { stdout } = await succeeds([...command, '--json', '--draw', 'drawn.png'], dir);
    const { images } = parse(stdout);
    near(images[0]?.faces[0]?.points ?? [], golden.detector, 1e-4);
    assert.deepEqual(images[0]?.faces[0]?.box, { x: 0, y: 0, width: golden.size[0], height: golden.size[1] });
    assert.equal(images[0]?.drawn, 'drawn.png');
    const changed = await changes(picture, join(dir, 'drawn.png'));
    assert.ok(changed > 100, `${changed} values changed`);
  });

  it('prints a line a point', async () => {
    const { stdout } = await succeeds([...command, '--draw', 'folder'], dir);
    assert.equal(stdout.match(/^ +\d+ +-?\d+\.\d +-?\d+\.\d$/gm)?.length, 68);
    assert.match(stdout, /drawn: folder\/up-100\.png/);
  });

  it('says what cannot be used', async () => {
    await fails(
      [...command, '--max-faces', '2'],
      dir,
      2,
      /--max-faces <count>' cannot be used with option '--aligned'/,
    );
    await fails(['landmarks', '-', ...command.slice(2)], dir, 3, /^poster: Standard input is /m, apart);
    await fails([...command, picture, '--draw', 'one.png'], dir, 2, /name a folder/);
    await fails(
      [...command, '--draw', 'points.gif'],
      dir,
      2,
      /ends in \.png, \.jpg or \.webp, or a folder that ends in/,
    );
    await copyFile(picture, join(dir, 'face.png'));
    const own = ['landmarks', 'face.png', ...command.slice(2), '--draw', './face.png'];
    await fails(own, dir, 2, /--draw \.\/face\.png would write over face\.png, which is to be read/);
    const untrained = ['landmarks', picture, '--aligned', '--checkpoint', 'untrained.safetensors'];
    await fails(untrained, dir, 3, /The landmark head in untrained\.safetensors was never trained/);
    const headless = ['landmarks', picture, '--aligned', '--checkpoint', 'headless.safetensors'];
    await fails(headless, dir, 3, /with its head \(it has no face_landback\.output_layer\./);
    await fails([...command, '--draw', 'face.png/below'], dir, 3, /face\.png/);
    await fails(['landmarks', 'nothing.png', ...command.slice(2)], dir, 3, /Cannot read nothing\.png/);
  });
});
