import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

// Which rooms each room may import: docs/architecture.md. Everybody may import `common`, which imports no room.
const compiler = ['graph', 'ops', 'autodiff'];
const programs = [...compiler, 'passes'];
const parts = ['models', 'optim', 'data', 'checkpoints', 'metrics'];
const execution = ['onnx', 'runtime'];
const apps = ['train', 'recognize', 'report', 'convert'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  common: [],
  graph: [],
  ops: ['graph'],
  autodiff: ['graph', 'ops'],
  passes: ['graph', 'ops'],
  nn: compiler,
  models: [...compiler, 'nn'],
  optim: [...compiler, 'nn'],
  data: [],
  checkpoints: [],
  metrics: [],
  onnx: ['graph', 'ops'],
  runtime: ['graph', 'onnx'],
  train: [...programs, 'nn', ...parts, ...execution],
  detect: ['graph', 'ops', 'passes', 'data', 'checkpoints', ...execution],
  recognize: [...programs, 'nn', ...parts, ...execution, 'detect'],
  convert: [...programs, 'nn', ...parts, 'onnx'],
  report: [...compiler, 'nn', ...parts],
  video: ['data', 'detect', 'recognize'],
  cli: [...programs, 'nn', ...parts, ...execution, 'detect', 'video', ...apps],
};

const src = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  // Tests may use any room: an operation is best tested by running it.
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

const roomOf = (path: string): string => relative(src, path).split(sep)[0] ?? '';

test('rooms import only those to their right', () => {
  assert.ok(files.length > 50);
  const wrong: string[] = [];
  for (const file of files) {
    if (relative(src, file) === 'index.ts') continue; // index.ts: the public interface
    const room = roomOf(file);
    // `from '...'` of imports and exports, `import '...'`, `import('...')`, and modules for workers
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(
      /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)'(\.[^']*\.js)'/g,
    )) {
      const target = roomOf(join(dirname(file), path));
      if (target !== room && target !== 'common' && !allowed[room]?.includes(target)) {
        wrong.push(`${relative(src, file)} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
