import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fails, writeClasses } from './support/cli.js';

const asset = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
let dir = '';

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-outputs-'));
  await copyFile(asset('weights/poster-v2-nano.safetensors'), join(dir, 'w.safetensors'));
  await copyFile(asset('assets/astronaut-face.png'), join(dir, 'a.explain.png'));
  await copyFile(asset('assets/astronaut-face.png'), join(dir, 'a.png'));
  await writeClasses(join(dir, 'faces', 'test'), ['happy', 'sad'], 2);
});
after(() => rm(dir, { recursive: true, force: true }));

test('no command writes its result over what it reads, by whatever path', async () => {
  await symlink('w.safetensors', join(dir, 'link.safetensors'));
  const before = await readFile(join(dir, 'w.safetensors'));
  const data = ['--data', 'faces', '--split', 'test', '--checkpoint', 'w.safetensors'];
  await fails(['evaluate', ...data, '--csv', './w.safetensors'], dir, 2, /^poster: --csv would write over w\.saf/);
  const embed = ['embed', 'faces', '--checkpoint', 'w.safetensors', '--out', 'link.safetensors'];
  await fails(embed, dir, 2, /^poster: --out would write over w\.safetensors, which is to be read/);
  await copyFile(asset('assets/astronaut-face.png'), join(dir, 'faces', 'test', 'happy', '7.png'));
  const beside = ['embed', 'faces', '--split', 'test', '--checkpoint', 'w.safetensors', '--out'];
  const inData = [...beside, 'faces/test/happy/7.safetensors'];
  await fails(inData, dir, 2, /--out would write over faces.test.happy.7\.png, a file of the dataset/);
  const explain = ['explain', 'a.png', 'a.explain.png', '--aligned'];
  await fails(explain, dir, 2, /^poster: --out would write over a\.explain\.png/);
  await fails(['compare', '.', '--csv', 'run.json'], dir, 2, /--csv would write over \.?\/?run\.json/);
  assert.deepEqual(await readFile(join(dir, 'w.safetensors')), before);
});

test('what cannot be written is said before the work', async () => {
  await fails(['evaluate', '--data', 'faces', '--csv', 'faces'], dir, 3, /Cannot write faces: .*folder/);
  await fails(
    ['compare', 'nothing', '--csv', 'no/where.csv'],
    dir,
    3,
    /Cannot write no\/where\.csv: the folder no does/,
  );
  const both = ['compare', 'nothing', '--csv', 'a.svg', '--plot', './a.svg'];
  await fails(both, dir, 2, /--csv and --plot both name \.\/a\.svg/);
});
