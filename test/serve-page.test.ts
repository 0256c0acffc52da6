import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contentSecurityPolicy } from '../src/node/page/index.js';
import { problem, served, stillWorks } from './support/served.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

before(async () => {
  if (existsSync(join(root, 'dist/page/index.html'))) return;
  await promisify(execFile)(process.execPath, [join(root, 'scripts/bundle-page.mjs'), join(root, 'dist/page')]);
});

test('the page is at / with its own headers, needs no key, and is beside what the server answers', async (t) => {
  const server = await served({ rate: 3 }, t);
  // More files than requests a minute: they are not counted.
  const paths = ['/', '/index.html', '/icon.svg', '/assets/page.js', '/weights/face-detector.onnx'];
  for (const path of paths) {
    const { status, headers } = await fetch(`${server.url}${path}`);
    assert.equal(status, 200, path);
    assert.equal(headers.get('content-security-policy'), `${contentSecurityPolicy}; frame-ancestors 'none'`);
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(headers.get('cross-origin-embedder-policy'), 'require-corp');
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.ok(headers.has('x-request-id'));
  }
  assert.match(await (await fetch(`${server.url}/`)).text(), /<script type="module" src="assets\/page\.js">/);
  const docs = await fetch(`${server.url}/docs`);
  assert.equal(docs.headers.get('content-security-policy'), null);
  assert.match(await docs.text(), /<meta http-equiv="Content-Security-Policy"/);
  const models = await fetch(`${server.url}/v1/models`);
  assert.match(models.headers.get('content-security-policy') ?? '', /^default-src 'none';/);
  assert.equal(models.headers.get('cross-origin-embedder-policy'), null);
  for (const path of ['/nowhere', '/weights/../package.json', '/weights/%2e%2e/package.json', '/assets/']) {
    await problem(await fetch(`${server.url}${path}`), 404);
  }
  await stillWorks(server.url);
});

test('without the page there is nothing at /', async (t) => {
  const server = await served({ page: false }, t);
  await problem(await fetch(`${server.url}/`), 404);
});
