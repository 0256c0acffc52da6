import assert from 'node:assert/strict';
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fails, start } from './support/cli.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

before(async () => {
  if (existsSync(join(root, 'dist/page/index.html'))) return;
  await run(process.execPath, [join(root, 'scripts/bundle-page.mjs'), join(root, 'dist/page')]);
});

/** The first line that a process prints. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data: Buffer) => resolve(data.toString().trim()));
    child.on('close', () => reject(new Error('it printed nothing')));
  });
}

test('poster page serves the page and its weights, isolated and held to its own files, until Ctrl-C', async () => {
  const { child, finished } = start(['page', '--port', '0', '--no-open'], root);
  try {
    const url = await firstLine(child);
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await fetch(url);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<script type="module" src="assets\/page\.js">/);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /connect-src 'self'/);
    assert.doesNotMatch(policy, /https?:|\*|unsafe-inline|'unsafe-eval'/);
    assert.equal(page.headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(page.headers.get('cross-origin-embedder-policy'), 'require-corp');
    const weights = await fetch(`${url}weights/face-detector.onnx`);
    const own = await readFile(join(root, 'weights/face-detector.onnx'));
    assert.ok(own.equals(new Uint8Array(await weights.arrayBuffer())));
    assert.equal((await fetch(`${url}weights/../package.json`)).status, 404);
    assert.equal((await fetch(`${url}nowhere.js`)).status, 404);
    const { port } = new URL(url);
    await fails(['page', '--port', port, '--no-open'], root, 4, new RegExp(`Port ${port} of 127\\.0\\.0\\.1 is taken`));
  } finally {
    child.kill('SIGINT');
  }
  const { code, stderr } = await finished;
  assert.equal(code, 0, stderr);
});

test('what is no port, and what is no address of this machine, is a sentence', async () => {
  await fails(['page', '--port', '70000'], root, 2, /must be at most 65535/);
  await fails(['page', '--port', 'eight'], root, 2, /must be a/);
  await fails(
    ['page', '--port', '0', '--host', '192.0.2.1', '--no-open'],
    root,
    2,
    /192\.0\.2\.1 is no address of this machine/,
  );
});
