import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import sharp from 'sharp';
import { writeClasses } from './support/cli.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const face = join(root, 'assets/astronaut-face.png');
const weights = join(root, 'weights/poster-v2-nano.safetensors');
/** What bundles cannot hold: libraries of the system. */
const natives = ['sharp', 'onnxruntime-node'];

/** Packages of CommonJS form, within an ES module, ask for Node's modules by `require`. */
const requireInModules =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

let dir = '';
let portrait = '';
/** The program below, of CommonJS form, with all but native packages. */
let everything = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'poster-bundle-'));
  portrait = join(dir, 'portrait.png');
  // Faces are found in it in a tenth of the time: no side is long enough for the largest scale.
  await sharp(join(root, 'assets/astronaut.png')).resize(300).toFile(portrait);
  everything = await bundled(join(dir, 'bundle'), program, 'cjs', natives);
});
after(() => rm(dir, { recursive: true, force: true }));

/** A project with these packages installed, as links; those that are not here are the repository's dependencies. */
async function project(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(dir, name);
  for (const one of packages) {
    const link = join(folder, 'node_modules', one);
    await mkdir(dirname(link), { recursive: true });
    await symlink(one === 'poster-v2' ? root : join(root, 'node_modules', one), link, 'junction');
  }
  return folder;
}

/** The program as one file in a project, bundled as docs/bundling.md says. */
async function bundled(
  folder: string,
  code: string,
  format: 'cjs' | 'esm',
  external: readonly string[],
): Promise<string> {
  const outfile = join(folder, format === 'cjs' ? 'out.cjs' : 'out.mjs');
  const { warnings } = await build({
    stdin: { contents: code, resolveDir: root, sourcefile: 'app.js' },
    bundle: true,
    platform: 'node',
    format,
    external: [...external],
    outfile,
    logLevel: 'silent',
    banner: format === 'esm' ? { js: requireInModules } : {},
  });
  const reported = warnings.filter(({ id }) => id !== 'empty-import-meta');
  assert.deepEqual(reported, []);
  return outfile;
}

/** The same file in a project. */
async function copied(folder: string): Promise<string> {
  const file = join(folder, 'out.cjs');
  await copyFile(everything, file);
  return file;
}

/** @param given what the program below reads: a recognizer's options, and a picture */
async function run(file: string, ...given: readonly [options: object, picture: string] | []): Promise<string> {
  const env = { ...process.env, GIVEN: JSON.stringify(given) };
  return (await promisify(execFile)(process.execPath, [file], { env })).stdout;
}

const program = `
import { Recognizer } from 'poster-v2';
const [options, picture] = JSON.parse(process.env.GIVEN);
Recognizer.load(options).then(async (recognizer) => {
  const { faces } = await recognizer.recognize(picture);
  console.log(faces.map(({ expression }) => expression).join());
  await recognizer.dispose();
}).catch((error) => console.log(error.name + ': ' + error.message));`;

test('the first example of docs/bundling.md: the package stays outside the bundle', async () => {
  const page = await readFile(join(root, 'docs', 'bundling.md'), 'utf8');
  const [, line = ''] = /npx esbuild (app\.js .*)$/m.exec(page) ?? [];
  const external = [...line.matchAll(/--external:(\S+)/g)].map(([, name = '']) => name);
  assert.deepEqual(external, ['poster-v2']);
  assert.match(line, /--bundle --platform=node --format=cjs/);
  const folder = await project('outside', ['poster-v2']);
  const code = `import('poster-v2').then(async ({ Recognizer }) => {
    const recognizer = await Recognizer.load();
    const { faces } = await recognizer.recognize(${JSON.stringify(portrait)});
    console.log(faces[0].expression);
    await recognizer.dispose();
  });`;
  assert.equal(await run(await bundled(folder, code, 'cjs', external)), 'happiness\n');
});

test('a bundle of everything but native packages finds the weights where the package is installed', async () => {
  const folder = await project('inside', ['poster-v2', ...natives]);
  for (const file of [await copied(folder), await bundled(folder, program, 'esm', natives)]) {
    assert.equal(await run(file, {}, portrait), 'happiness\n', file);
  }
});

test('elsewhere such a bundle takes a checkpoint of its own, and says what else it lacks', async () => {
  const folder = await project('elsewhere', ['sharp', 'onnxruntime-node']);
  const file = await copied(folder);
  assert.equal(await run(file, { checkpoint: weights, aligned: true }, face), 'happiness\n');
  assert.match(
    await run(file, {}, portrait),
    /^UserError: The files of the package poster-v2 are not found \(.*\); install it beside the bundle/,
  );
  assert.match(
    await run(file, { checkpoint: weights }, portrait),
    /^UserError: The face detector's weights are missing \(.*poster-v2/,
  );
});

test('a bundle finds the thread of a recognizer', async () => {
  const folder = await project('thread', ['poster-v2', ...natives]);
  assert.equal(await run(await copied(folder), { worker: true }, portrait), 'happiness\n');
});

test('a bundle finds the threads that prepare pictures', async () => {
  const folder = await project('workers', ['poster-v2', ...natives]);
  await writeClasses(folder, ['train/a', 'train/b'], 2);
  const code = `
import { createLoader, loadDataset } from 'poster-v2/data';
(async () => {
  const dataset = await loadDataset(${JSON.stringify(folder)}, 'train');
  const preprocessing = { imageSize: 8, channels: 1, mean: [0.5], std: [0.5] };
  const loader = createLoader(dataset, { preprocessing, batchSize: 4, workers: 1 });
  for await (const { labels } of loader.epoch(0)) console.log(labels.join());
  await loader.close();
})();`;
  assert.equal(await run(await bundled(folder, code, 'cjs', natives)), '0,0,1,1\n');
});
