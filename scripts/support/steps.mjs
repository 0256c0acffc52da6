// What the project's commands have in common. Plain JavaScript: it runs before anything is installed or compiled.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a Node program in the project's root and ends this one where it fails. */
export function node(args) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** Whether node_modules holds what package-lock.json asks for; optional packages depend on the platform. */
export function isInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const { packages: wanted } = readJson('package-lock.json');
  const { packages: found } = readJson('node_modules/.package-lock.json');
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || (found[path] ? found[path].version === version : optional),
  );
}

/** `npm ci`, unless all is there. */
export function install() {
  if (isInstalled()) return;
  console.error('Installing what package-lock.json lists (npm ci) ...');
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('run this through npm: npm run demo, npm test');
  node([npm, 'ci', '--no-audit', '--no-fund']);
}

/** Packs what is built into a folder, which holds nothing else afterwards. @returns the package's file */
export async function pack(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const npm = process.env.npm_execpath;
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const [program, ...more] = npm === undefined ? ['npm', ...args] : [process.execPath, npm, ...args];
  const { stdout } = await promisify(execFile)(program, more, { cwd: root });
  return join(folder, stdout.trim());
}

/** All of it, and nothing of what was there before; then again the rooms of any host, without Node's types and the DOM's, and those of browsers, without Node's; then the page, and the command. */
export function compile() {
  removeStale();
  const page = ['web/tsconfig.json', 'web/service-worker/tsconfig.json'];
  for (const project of ['tsconfig.json', 'tsconfig.core.json', 'tsconfig.web.json', ...page]) {
    node([join(root, 'node_modules/typescript/bin/tsc'), '-p', project]);
  }
  node(['scripts/bundle-command.mjs']);
}

/** The compiler leaves what it made of sources that are gone, and the package would hold it. */
function removeStale() {
  const dist = join(root, 'dist');
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const made = /^(.*)\.(?:js|js\.map|d\.ts)$/.exec(entry.name);
    if (!entry.isFile() || made === null) continue;
    const folder = entry.parentPath ?? entry.path;
    // Bundles are no work of the compiler: the command stays usable until there is another one.
    const [top] = relative(dist, folder).split(sep);
    if (!existsSync(join(root, top))) continue;
    if (!existsSync(join(root, relative(dist, folder), `${made[1]}.ts`))) rmSync(join(folder, entry.name));
  }
}

export function lint() {
  node([join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']);
}

/** Compiled tests of the sources that exist under a folder: what an older build left behind is not run. */
export function testsIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts') && entry.name !== 'helpers.test.ts')
    .map((entry) => join('dist', folder, relativeTo(folder, entry), entry.name.replace(/\.ts$/, '.js')))
    .sort();
}

const relativeTo = (folder, entry) => (entry.parentPath ?? entry.path).slice(join(root, folder).length);

/**
 * The same tests, a file and so a process for each folder, those of many tests first: a process for each test file takes longer to start
 * than most tests take.
 */
export function byFolder(files) {
  const folders = new Map(files.map((file) => [dirname(file), []]));
  for (const file of files) folders.get(dirname(file)).push(file);
  return [...folders]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([folder, own]) => together(folder.replaceAll(sep, '-'), own));
}

/** A file that runs all of these, which must not disturb each other. */
export function together(name, files) {
  mkdirSync(join(root, 'dist/check'), { recursive: true });
  const path = join('dist/check', `${name}.js`);
  const lines = files.map((file) => `import '../${file.split(sep).slice(1).join('/')}';\n`);
  writeFileSync(join(root, path), lines.join(''));
  return path;
}
