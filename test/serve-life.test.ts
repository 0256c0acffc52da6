import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { serve } from '../src/node/serve/index.js';
import { temporaryFolder } from '../src/recognize/helpers.test.js';
import { fails, main, start } from './support/cli.js';
import { ask, cheap, portrait, problem, served, stillWorks } from './support/served.js';

test('a server listens at once, and takes requests when its networks are loaded', async (t) => {
  // So slow a client is more than Node has patience with by itself.
  const server = await serve({ port: 0, log: 'silent', recognizer: cheap, slow: 600 });
  t.after(() => server.close());
  const early = await fetch(`${server.url}/readyz`);
  assert.deepEqual([early.status, await early.json()], [503, { status: 'loading' }]);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.match((await problem(await ask(server.url), 503)).type, /loading$/);
  await server.ready;
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  await stillWorks(server.url);
  const port = Number(new URL(server.url).port);
  await assert.rejects(serve({ port }), new RegExp(`^UserError: Port ${port} of 127\\.0\\.0\\.1 is taken`));
  await server.close();
  await assert.rejects(fetch(`${server.url}/healthz`));
});

test('under more than it can do a server answers rightly or says when to come again', async (t) => {
  const server = await served({ concurrency: 1, maxQueue: 2 }, t);
  const responses = await Promise.all(Array.from({ length: 12 }, () => ask(server.url)));
  const turnedAway = responses.filter(({ status }) => status === 503);
  assert.ok(turnedAway.length > 0 && turnedAway.length < 12);
  for (const response of turnedAway) {
    assert.ok(Number(response.headers.get('retry-after')) >= 1);
    assert.match((await problem(response, 503)).type, /overloaded$/);
  }
  for (const response of responses) {
    if (response.status === 503) continue;
    assert.equal(response.status, 200);
    assert.match(await response.text(), /"expression":"happiness"/);
  }
  await stillWorks(server.url);
});

test('a client may have so many requests in hand', async (t) => {
  const server = await served({ clientRequests: 1 }, t);
  const responses = await Promise.all(Array.from({ length: 4 }, () => ask(server.url)));
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200, 429]));
  await stillWorks(server.url);
});

test('what takes longer than its deadline is given up, and so is what nobody waits for', async (t) => {
  const server = await served({ deadline: 0.1 }, t);
  const images = Array.from({ length: 30 }, () => portrait.toString('base64'));
  const batch = { method: 'POST', body: JSON.stringify({ images }), headers: { 'content-type': 'application/json' } };
  await problem(await fetch(`${server.url}/v1/recognize/batch`, batch), 504);
  await server.close();
  const patient = await served({}, t);
  const leaving = new AbortController();
  const left = fetch(`${patient.url}/v1/recognize/batch`, { ...batch, signal: leaving.signal });
  await sleep(50);
  leaving.abort();
  await assert.rejects(left, { name: 'AbortError' });
  await stillWorks(patient.url);
  const figures = await (await fetch(`${patient.url}/metrics`)).text();
  assert.match(figures, /^poster_requests_in_hand 0$/m);
});

/** Waits until a request is worked on, or answered. */
async function inHand(url: string, asked: Promise<Response>): Promise<void> {
  let answered = false;
  const settle = (): void => {
    answered = true;
  };
  asked.then(settle, settle);
  while (!answered) {
    if (/^poster_requests_in_hand 1$/m.test(await (await fetch(`${url}/metrics`)).text())) return;
    await sleep(1);
  }
}

test('the thread of the networks ends in the middle of load: what is in hand gets 503, the next is served', async (t) => {
  const threads: Worker[] = [];
  const watch = (worker: Worker): number => threads.push(worker);
  process.on('worker', watch);
  // However busy the machine is: this is not about deadlines.
  const server = await served({ deadline: 600, drain: 600 }, t);
  const images = Array.from({ length: 12 }, () => portrait.toString('base64'));
  const asked = { method: 'POST', body: JSON.stringify({ images }), headers: { 'content-type': 'application/json' } };
  const batch = fetch(`${server.url}/v1/recognize/batch`, asked);
  await inHand(server.url, batch);
  // The first: the other one reads large bodies. A message that is none ends it by an error, never within a native library.
  threads.at(0)?.postMessage(null);
  const lost = await batch;
  assert.equal(lost.headers.get('retry-after'), '1');
  assert.match((await problem(lost, 503)).type, /no-resources$/);
  await stillWorks(server.url);
  // One more of the networks, beside the one that read the batch.
  assert.equal(threads.length, 3);
  process.off('worker', watch);

  // Stopping: what is in hand is answered, what comes gets 503, and whoever watches is told.
  const last = fetch(`${server.url}/v1/recognize/batch`, asked);
  await inHand(server.url, last);
  const closed = server.close();
  const [late, ready] = await Promise.all([ask(server.url), fetch(`${server.url}/readyz`)]);
  assert.match((await problem(late, 503)).type, /draining$/);
  assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining' }]);
  assert.equal((await last).status, 200);
  await closed;
  await assert.rejects(fetch(`${server.url}/healthz`));
});

test('keys, origins and rates: who may ask, and how often', async (t) => {
  const keyFile = join(await temporaryFolder(t), 'keys.txt');
  const [first, second] = ['first-key-0123456789', 'second-key-0123456789'];
  await writeFile(keyFile, `# keys\n${first}\n\n${second}\n`);
  const server = await served({ keyFile, corsOrigins: ['https://example.org'], rate: 20 }, t);
  const given = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
  const none = await ask(server.url);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  await problem(none, 401);
  for (const wrong of ['x', first.slice(1), `${first}${second}`, 'y'.repeat(5000)]) {
    await problem(await ask(server.url, given(wrong)), 401);
  }
  assert.equal((await ask(server.url, given(first))).status, 200);
  assert.equal((await ask(server.url, { headers: { 'x-api-key': second } })).status, 200);
  for (const path of ['/v1/models', '/metrics']) await problem(await fetch(`${server.url}${path}`), 401);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  await writeFile(keyFile, `${second}\n`);
  await server.reloadKeys();
  await problem(await ask(server.url, given(first)), 401);
  await writeFile(keyFile, 'short\n');
  await assert.rejects(server.reloadKeys(), /^UserError: The file .* has a key below 16 characters/);
  const asPage = async (origin: string): Promise<string | null> =>
    (await ask(server.url, { headers: { 'x-api-key': second, origin } })).headers.get('access-control-allow-origin');
  assert.equal(await asPage('https://example.org'), 'https://example.org');
  assert.equal(await asPage('https://example.com'), null);
  // A page may read why it was refused.
  const refused = await ask(server.url, { headers: { origin: 'https://example.org' } });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, 'https://example.org']);
  let last: Response;
  let asked = 0;
  do last = await fetch(`${server.url}/v1/models`, { headers: { 'x-api-key': second } });
  while (last.status === 200 && ++asked < 20);
  assert.ok(Number(last.headers.get('retry-after')) > 0);
  await problem(last, 429);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});

test('poster serve says how it runs, answers, and SIGTERM lets what is in hand end', async (t) => {
  const { child, finished } = start(['serve', '--port', '0', '--threads', '1', '--max-queue', '7'], tmpdir());
  t.after(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.once('exit', () => reject(new Error(`It ended before it was ready: ${told}`)));
    child.stderr?.on('data', (data: Buffer) => {
      told += data.toString();
      const [, found] = /^Ready: (http:\S+)\/docs/m.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  let answered = false;
  const asked = ask(url).finally(() => {
    answered = true;
  });
  while (!answered) {
    if (/^poster_requests_in_hand 1$/m.test(await (await fetch(`${url}/metrics`)).text())) break;
  }
  child.kill('SIGTERM');
  assert.equal((await asked).status, 200);
  const { code, stdout, stderr } = await finished;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^ {2}maxQueue: 7$/m);
  assert.match(stdout, /"route":"\/v1\/recognize","status":200/);
});

test('settings that cannot be are told in a sentence', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'odd.json'), '{"maxQueue": 3, "nonsense": 1}');
  assert.ok(main.length > 0);
  await fails(['serve', '--max-queue', 'many'], folder, 2, /^poster: The value of --max-queue cannot be used/m);
  await fails(['serve', '--page', 'perhaps'], folder, 2, /^poster: The value of --page cannot be used/m);
  await fails(['serve', '--tls-cert', 'a.pem'], folder, 2, /TLS needs a certificate and its key/);
  await fails(['serve', '--config', 'odd.json'], folder, 2, /odd\.json cannot be used.*nonsense/);
  await fails(['serve', '--key-file', 'none.txt'], folder, 3, /none\.txt/);
});
