import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// What comes along with each public entry: all files that it imports, directly or through others, and the modules that those
// name. A room may keep to the rules and still bring another host's files along.

const dist = fileURLToPath(new URL('../src/', import.meta.url));

interface Closure {
  /** Of this package, from `src`. */
  readonly files: readonly string[];
  /** What is imported of packages and of Node, sorted. */
  readonly modules: readonly string[];
}

/**
 * @param paths of modules, from `src`
 * @param host whose files `imports` of package.json leads to; null: where they lead is left open
 */
async function closureOf(paths: readonly string[], host: 'node' | 'browser' | null): Promise<Closure> {
  const { metafile } = await build({
    entryPoints: paths.map((path) => `${dist}${path}.js`),
    bundle: true,
    format: 'esm',
    splitting: true,
    write: false,
    outdir: dist,
    metafile: true,
    platform: host ?? 'neutral',
    packages: 'external',
    external: host === null ? ['#*'] : [],
    logLevel: 'error',
  });
  const inputs = Object.entries(metafile.inputs);
  const modules = new Set(
    inputs.flatMap(([, { imports }]) => imports.filter(({ external }) => external === true).map(({ path }) => path)),
  );
  return {
    files: inputs.map(([path]) => relative(dist, path)),
    modules: [...modules].sort(),
  };
}

const filesIn = (closure: Closure, ...rooms: readonly string[]): string[] =>
  closure.files.filter((path) => rooms.some((room) => path.startsWith(`${room}/`)));

test('the rooms of any host bring no file of a host along', async () => {
  const rooms = ['recognize/index', 'explain/index', 'video/index', 'train/trainer', 'train/create-engine'];
  const closure = await closureOf(['entries/core', ...rooms], null);
  assert.ok(closure.files.length > 100);
  assert.deepEqual(filesIn(closure, 'node', 'web', 'cli'), []);
  assert.deepEqual(closure.modules, [
    '#host',
    '#recognition-thread',
    '@bufbuild/protobuf/wire',
    'onnxruntime-common',
    'zod',
  ]);
});

test('what a browser imports brings no file and no module of Node along', async () => {
  for (const entry of ['entries/web', 'entries/train-web', 'entries/core', 'web/learn/learn-worker']) {
    const closure = await closureOf([entry], 'browser');
    assert.ok(filesIn(closure, 'web').length > 3);
    assert.deepEqual(filesIn(closure, 'node', 'cli'), []);
    assert.deepEqual(closure.modules, [
      '@bufbuild/protobuf/wire',
      // Archives of pictures.
      ...(entry === 'entries/train-web' ? ['fflate'] : []),
      'onnxruntime-common',
      'onnxruntime-web/wasm',
      'onnxruntime-web/webgpu',
      'zod',
    ]);
  }
});

test('what Node imports brings nothing of browsers and of the command line along', async () => {
  for (const entry of ['node', 'core', 'train', 'data', 'checkpoints', 'report', 'serve']) {
    const closure = await closureOf([`entries/${entry}`], 'node');
    assert.ok(filesIn(closure, 'node').length > 3, entry);
    assert.deepEqual(filesIn(closure, 'web', 'cli'), [], entry);
    assert.deepEqual(
      closure.modules.filter((name) => name.startsWith('onnxruntime-web')),
      [],
      entry,
    );
  }
});
