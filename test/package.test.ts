import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { writeClasses } from './support/cli.js';

/*
 * The package as others get it: packed, unpacked in a project that has nothing but what the package depends on, and run there by the
 * versions of Node and TypeScript that the README names. Those are the ones that run the tests, and those that the environment
 * names: POSTER_NODES, a list of executables like PATH, and POSTER_TYPESCRIPT, the folder of TypeScript's package.
 */
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const portrait = join(root, 'assets', 'astronaut.png');
const { POSTER_NODES: others = '', POSTER_TYPESCRIPT: oldest } = process.env;
const nodes = new Map(
  [process.execPath, ...others.split(delimiter).filter((path) => path !== '')].map((path) => [
    execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }).trim(),
    path,
  ]),
);
const lockFile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });
const manifest = z.object({ version: z.string(), bin: z.object({ poster: z.string() }) });
const { version: released, bin } = manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
let project = '';
let poster = '';

/** What `npm install poster-v2.tgz` makes of an empty folder, from the packages that are installed here. */
async function installPacked(): Promise<void> {
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: root });
  const own = join(project, 'node_modules', 'poster-v2');
  await mkdir(own, { recursive: true });
  await run('tar', ['xzf', join(project, `poster-v2-${released}.tgz`), '-C', own, '--strip-components=1']);
  const { packages } = lockFile.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  for (const [path, { dev = false }] of Object.entries(packages)) {
    if (dev || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path)) continue;
    await mkdir(dirname(join(project, path)), { recursive: true });
    // Those of other platforms are not there, and their links lead nowhere.
    await symlink(join(root, path), join(project, path));
  }
  poster = join(own, bin.poster);
  await chmod(poster, 0o755);
  await mkdir(join(project, 'node_modules', '.bin'));
  await symlink(poster, join(project, 'node_modules', '.bin', 'poster'));
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  await writeFile(join(project, 'main.ts'), program);
}

const program = `import { Recognizer, type Recognition } from 'poster-v2';
import { renderSvg } from 'poster-v2/report';

const recognizer: Recognizer = await Recognizer.load();
const result: Recognition = await recognizer.recognize(process.argv[2] ?? '');
await recognizer.dispose();
console.log(result.faces.map(({ expression, lowContrast }) => [expression, lowContrast]).join(), typeof renderSvg);
`;

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'poster-package-'));
  await installPacked();
  await writeClasses(join(project, 'faces', 'train'), ['neutral', 'happy'], 4);
  await writeClasses(join(project, 'faces', 'valid'), ['neutral', 'happy'], 2);
});
after(() => rm(project, { recursive: true, force: true }));

test('npx poster finds the command', async () => {
  const { stdout } = await run('npx', ['--no', '--', 'poster', '--version'], { cwd: project });
  assert.equal(stdout.trim(), released);
});

/** Runs the packed command under a version of Node. @returns what it wrote, to both outputs */
async function packed(version: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(nodes.get(version) ?? process.execPath, [poster, ...args], { cwd: project });
}

for (const version of new Set(['22', '24', ...nodes.keys()])) {
  const missing = `Node ${version} is not here; POSTER_NODES names executables, as .ci/run does`;
  const skip = nodes.has(version) ? false : missing;

  test(`Node ${version} runs the packed command: photos, training, measuring`, { skip }, async () => {
    const photo = await packed(version, ['predict', portrait, '--jsonl']);
    assert.match(photo.stdout, /"expression":"happiness"/);
    // Not a word besides, such as that a part of Node is experimental.
    assert.equal(photo.stderr, '');
    const out = `run-${version}`;
    const options = ['--epochs', '1', '--batch-size', '4', '--device', 'cpu', '--workers', '1', '--threads', '2'];
    const trained = await packed(version, ['train', '--data', 'faces', '--out', out, '--json', ...options]);
    assert.doesNotMatch(trained.stderr, /Warning/);
    const weights = join(out, 'best.safetensors');
    const measured = await packed(version, ['evaluate', '--data', 'faces', '--checkpoint', weights, '--json']);
    assert.equal(z.object({ samples: z.number() }).parse(JSON.parse(measured.stdout)).samples, 4);
    assert.doesNotMatch(measured.stderr, /Warning/);
  });

  test(`Node ${version} reads a video`, { skip: hasFfmpeg ? skip : 'ffmpeg is not installed here' }, async () => {
    const video = join(project, `portrait-${version}.mp4`);
    const input = ['-loop', '1', '-t', '1', '-r', '5', '-i', portrait];
    await run('ffmpeg', ['-v', 'error', '-nostdin', ...input, '-pix_fmt', 'yuv420p', video]);
    const { stdout } = await packed(version, ['predict', video, '--json']);
    assert.match(stdout, /"label": "happiness"/);
  });
}

test('a strict TypeScript program compiles against the package, its types included, and runs', async (t) => {
  const compilers = [join(root, 'node_modules', 'typescript'), ...(oldest === undefined ? [] : [oldest])];
  if (oldest === undefined)
    t.diagnostic('TypeScript 5.7 is not here; POSTER_TYPESCRIPT names its folder, as in .ci/run');
  // Types of some dependencies do not bear the stricter options, so that these are for ours alone.
  const forms = [
    ['--strict', '--skipLibCheck', 'false'],
    ['--strict', '--skipLibCheck', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'],
  ];
  for (const compiler of compilers) {
    const tsc = join(compiler, 'bin', 'tsc');
    for (const form of forms) {
      await run(process.execPath, [tsc, ...form, '--module', 'nodenext', '--target', 'es2022', 'main.ts'], {
        cwd: project,
      });
    }
    const { stdout } = await run(process.execPath, ['main.js', portrait], { cwd: project });
    assert.equal(stdout, 'happiness,false function\n');
    await rm(join(project, 'main.js'));
  }
});
