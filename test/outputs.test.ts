import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fails, writeClasses } from './support/cli.js';

const asset = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const module = (path: string): string => new URL(`../src/${path}`, import.meta.url).href;
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

/** Nobody's rights, where the tests run as root, for whom every folder can be written. */
const program = `
  const [, outputs, checkpoints, folder] = process.argv;
  const { checkOutputFiles } = await import(outputs);
  const { amendable } = await import(checkpoints);
  if (process.getuid() === 0) {
    process.setgid(65534);
    process.setuid(65534);
  }
  const works = [checkOutputFiles([{ option: '--csv', path: folder + '/old.csv' }]), amendable(folder + '/w.safetensors')];
  const told = await Promise.all(works.map((work) => work.then(() => 'nothing', ({ message }) => message)));
  console.log(JSON.stringify(told));
`;

test('that a folder may not be written is said before the work, also where the file is there', {
  skip: process.platform === 'win32',
}, async () => {
  const folder = join(dir, 'shared');
  await mkdir(folder);
  await copyFile(join(dir, 'w.safetensors'), join(folder, 'w.safetensors'));
  await writeFile(join(folder, 'old.csv'), 'path\n', { mode: 0o666 });
  await chmod(dir, 0o755);
  await chmod(folder, 0o555);
  try {
    const modules = ['files/output-paths', 'checkpoints/index'].map((name) => module(`node/${name}.js`));
    const words = ['--input-type=module', '--eval', program, ...modules, folder];
    const told = z.array(z.string()).parse(JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })));
    assert.deepEqual(
      told,
      ['old.csv', 'w.safetensors'].map(
        (name) => `Cannot write ${join(folder, name)}: permission was denied; check who owns it and its folder.`,
      ),
    );
  } finally {
    await chmod(folder, 0o755);
  }
});
