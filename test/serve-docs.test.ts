import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serveSettings } from '../src/node/serve/settings.js';
import { recognition } from '../src/service/documents.js';
import { served } from './support/served.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = await readFile(new URL('../../docs/serving.md', import.meta.url), 'utf8');
const hasCurl = process.platform !== 'win32' && spawnSync('curl', ['--version']).status === 0;

test('the curl lines of docs/serving.md give the same', {
  skip: hasCurl ? false : 'curl is not installed here',
}, async (t) => {
  const [, lines = ''] = /```sh\n(.*?)\n```/s.exec(page) ?? [];
  assert.equal(lines.match(/^ *curl|\| *curl|^ {2}curl/gm)?.length, 3);
  const server = await served({}, t);
  const script = `set -eo pipefail\n${lines.replaceAll('curl ', 'curl -sS --fail -w "\\n" ')}`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: root,
    env: { ...process.env, URL: server.url },
  });
  const answers = stdout.trim().split('\n');
  assert.equal(answers.length, 3);
  assert.equal(new Set(answers).size, 1);
  const { model: _, ...document } = JSON.parse(answers[0] ?? '');
  assert.equal(recognition.parse(document).faces[0]?.expression, 'happiness');
});

test('the Python program of docs/serving.md prints what is seen', {
  skip: spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed here',
}, async (t) => {
  const [, program = ''] = /```python\n(import json, os.*?)\n```/s.exec(page) ?? [];
  const server = await served({}, t);
  const env = { ...process.env, URL: server.url };
  const { stdout } = await promisify(execFile)('python3', ['-c', program], { cwd: root, env });
  assert.match(stdout, /^happiness [01]\.\d+\n$/);
});

test('the example serves, asks and stops', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['dist/examples/serve.js'], { cwd: root });
  assert.match(stdout, /^200 \{"model":"poster-v2-nano",.*"expression":"happiness"/);
});

test('docs/serving.md names settings that there are', () => {
  const [, table = ''] = /## Settings\n(.*?)\n## /s.exec(page) ?? [];
  const named = [...table.matchAll(/^\| (.*?): /gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  assert.ok(named.length > 8);
  for (const name of named) assert.ok(Object.hasOwn(serveSettings.shape, name ?? ''), name);
});
