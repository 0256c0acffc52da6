import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

// Which rooms each room may import: docs/architecture.md. Everybody may import `common`, which imports no room.
const compiler = ['graph', 'ops', 'autodiff'];
const programs = [...compiler, 'passes'];
const execution = ['onnx', 'runtime', 'wasm'];
const parts = ['nn', 'models', 'optim', 'metrics', 'image', 'safetensors'];
/** Rooms of any host. */
const recognition = ['detect', 'recognize', 'explain', 'video', 'draw'];
const core = ['host', ...programs, ...execution, ...parts, ...recognition, 'workers', 'train', 'learn', 'convert'];
/** Rooms of Node that read files and pictures. */
const hosts = ['files', 'checkpoints', 'decode', 'host', 'workers', 'datasets', 'ffmpeg', 'ranks'].map(
  (room) => `node/${room}`,
);
/** Rooms of Node that are a whole task each. */
const tasks = ['draw', 'crop', 'runs', 'measure', 'convert', 'report', 'page', 'serve'].map((room) => `node/${room}`);
const allowed: Readonly<Record<string, readonly string[]>> = {
  common: [],
  graph: [],
  ops: ['graph'],
  autodiff: ['graph', 'ops'],
  passes: ['graph', 'ops'],
  onnx: ['graph', 'ops'],
  runtime: ['graph', 'onnx', 'host'],
  wasm: ['graph', 'ops', 'onnx'],
  nn: compiler,
  models: [...compiler, 'nn'],
  optim: [...compiler, 'nn'],
  metrics: [],
  image: [],
  host: ['image', 'safetensors'],
  // Which tensors say where a network begins in a file.
  safetensors: ['models'],
  detect: [...programs, ...execution, 'image', 'safetensors', 'host'],
  recognize: [...programs, ...execution, ...parts, 'detect', 'host'],
  explain: [...programs, ...execution, ...parts, 'detect', 'recognize', 'host'],
  video: ['image', 'detect', 'recognize'],
  draw: ['image', 'detect', 'recognize'],
  workers: ['host', 'image', ...recognition],
  service: ['recognize', 'explain'],
  train: [...programs, ...execution, ...parts],
  learn: [...parts, 'recognize', 'train', 'host'],
  convert: [...programs, ...execution, ...parts],
  'node/files': ['safetensors'],
  'node/checkpoints': ['safetensors', 'node/files'],
  'node/decode': ['image', 'node/files'],
  'node/host': ['host', 'safetensors', 'node/files', 'node/checkpoints', 'node/decode'],
  'node/datasets': ['image', 'node/files', 'node/decode'],
  'node/ranks': ['train', 'node/files'],
  'node/ffmpeg': ['image', 'video', 'recognize', 'detect', 'node/files', 'node/decode'],
  'node/workers': [...core, 'node/files', 'node/checkpoints', 'node/host'],
  'web/decode': ['image', 'web/host'],
  'web/host': ['host', 'image', 'safetensors', 'web/decode'],
  'web/video': ['recognize', 'video', 'web/decode'],
  'web/workers': ['image', ...recognition, 'workers', 'web/decode', 'web/host'],
  'web/learn': [...execution, ...parts, ...recognition, 'learn', 'convert', 'web/decode', 'web/host'],
  'node/draw': [...core, 'node/files', 'node/decode'],
  'node/crop': [...core, ...hosts],
  'node/runs': [...core, ...hosts, 'node/measure'],
  'node/measure': [...core, ...hosts],
  'node/convert': [...core, ...hosts],
  'node/serve': [...core, 'service', ...hosts, 'node/report', 'node/page'],
  'node/report': [...core, ...hosts, 'node/draw', 'node/runs'],
  'node/page': ['node/files'],
  cli: [...core, 'service', ...hosts, ...tasks],
  // The public interface: a file for each entry of package.json.
  entries: [...core, 'service', ...hosts, ...tasks, 'web/decode', 'web/host', 'web/learn', 'web/video'],
};

/** What the core declares and each host has: `imports` of package.json. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['#host', 'host'],
  ['#recognition-thread', 'recognize'],
]);

const src = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  // Tests may use any room: an operation is best tested by running it.
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

/** `graph`; of a host's rooms `node/files`. */
const roomOf = (path: string): string => {
  const [first = '', second = ''] = relative(src, path).split(sep);
  return first === 'node' || first === 'web' ? `${first}/${second}` : first;
};

test('rooms import only those to their right', () => {
  assert.ok(files.length > 50);
  const wrong: string[] = [];
  for (const file of files) {
    const room = roomOf(file);
    // `from '...'` of imports and exports, `import '...'`, `import('...')`, and modules for workers
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(
      /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)'(\.[^']*\.js|#host|#recognition-thread)'/g,
    )) {
      const target = aliases.get(path) ?? roomOf(join(dirname(file), path));
      if (target !== room && target !== 'common' && !allowed[room]?.includes(target)) {
        wrong.push(`${relative(src, file)} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
