import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { fromFloat32, writeSafetensors } from '../src/checkpoints/index.js';
import { buildLandmarkDetector } from '../src/models/index.js';
import { loadLandmarkDetector, type Point } from '../src/recognize/index.js';
import { fails, succeeds } from './support/cli.js';
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
        near((await detector.detect(picture)).points, golden[input], 1e-4);
      } finally {
        await detector.dispose();
      }
    });
  }
});

describe('poster landmarks', () => {
  const command = ['landmarks', picture, '--aligned', '--checkpoint', 'own.safetensors'];

  it('prints points in pixels and draws them', async () => {
    const { stdout } = await succeeds([...command, '--json', '--draw', 'drawn.png'], dir);
    const { images } = JSON.parse(stdout) as { images: { points: Point[]; width: number; drawn: string }[] };
    near(images[0]?.points ?? [], golden.detector, 1e-4);
    assert.equal(images[0]?.drawn, 'drawn.png');
    const before = await sharp(picture).removeAlpha().raw().toBuffer();
    const { data, info } = await sharp(join(dir, 'drawn.png'))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], golden.size);
    const changed = data.reduce((count, value, i) => count + (value === before[i] ? 0 : 1), 0);
    assert.ok(changed > 100, `${changed} values changed`);
  });

  it('prints a line a point', async () => {
    const { stdout } = await succeeds([...command, '--draw', 'folder'], dir);
    assert.equal(stdout.match(/^ +\d+ +-?\d+\.\d +-?\d+\.\d$/gm)?.length, 68);
    assert.match(stdout, /drawn: folder\/1-up-100\.png/);
  });

  it('says what cannot be used', async () => {
    await fails(['landmarks', picture, '--checkpoint', 'own.safetensors'], dir, 2, /say so with --aligned/);
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
    await fails(['landmarks', 'nothing.png', ...command.slice(2)], dir, 3, /Cannot read nothing\.png/);
  });
});
